"""Generated images as files, beside a table that says of each what it is."""

#: Images of a class that can be asked for at once.
MAX_COUNT = 1_000_000
#: What is said of each image.
TABLE = "samples.csv"
#: What is there until the table is: a lock, and which images are being written. Hidden, so that no set of pictures has
#: it for a class.
UNFINISHED = ".unfinished"
