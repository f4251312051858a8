"""Output that nobody reads any more."""


class PipeClosedError(Exception):
    """Whoever read standard output has gone, as `head` does when it has enough."""
