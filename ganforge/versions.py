"""Versions of the packages that are installed."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version


def package_version(name: str) -> str:
    """The version of a package; nothing where it isn't installed, as ganforge in its source folder may be."""
    try:
        return version(name)
    except PackageNotFoundError:
        return ""
