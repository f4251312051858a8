"""The library that trains generators of labelled medical images from a few hundred pictures."""

from ganforge.hookspecs import hookimpl

__all__ = ["hookimpl"]
