"""Generated images as files, beside a table that says of each what it is."""

#: Images of a class that can be asked for at once.
MAX_COUNT = 1_000_000
