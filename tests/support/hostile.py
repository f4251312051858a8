"""Names that a page must neither run nor leak."""

from __future__ import annotations

#: Folders of pictures, and so the names of classes.
CLASSES = ("<img src=x onerror=alert(1)>", "a & b", "quote\"'s")
DESCRIPTION = "<script>alert(document.title)</script> & more"
#: In paths and file names of the pictures.
PATIENT = "Jane Doe 1961"
