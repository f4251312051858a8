"""DICOM files that are made on the spot, with a patient whose name must never come out again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

#: What no message and no file of ours may hold.
SECRETS = ("Mustermann", "19470808", "PID-4711")


def save_dicom(path: Path, pixels: NDArray[Any], syntax: str = "1.2.840.10008.1.2.1", **elements: Any) -> Path:
    """pixels: (H, W), (F, H, W), or (H, W, 3) with `PhotometricInterpretation="RGB"`, of uint8 or (u)int16."""
    from pydicom.dataset import FileDataset, FileMetaDataset
    from pydicom.uid import generate_uid

    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.1.1"
    meta.MediaStorageSOPInstanceUID = generate_uid()
    meta.TransferSyntaxUID = syntax
    data = FileDataset(str(path), {}, file_meta=meta, preamble=b"\0" * 128)
    data.PatientName, data.PatientBirthDate, data.PatientID = SECRETS
    is_colour = elements.get("PhotometricInterpretation") in ("RGB", "YBR_FULL_422")
    data.SamplesPerPixel = 3 if is_colour else 1
    if is_colour:
        data.PlanarConfiguration = 0
    data.PhotometricInterpretation = "MONOCHROME2"
    data.Rows, data.Columns = pixels.shape[:2] if is_colour else pixels.shape[-2:]
    if pixels.ndim == 3 and not is_colour:
        data.NumberOfFrames = len(pixels)
    data.BitsAllocated = data.BitsStored = pixels.dtype.itemsize * 8
    data.HighBit = data.BitsStored - 1
    data.PixelRepresentation = int(np.issubdtype(pixels.dtype, np.signedinteger))
    data.PixelData = pixels.tobytes()
    for name, value in elements.items():
        setattr(data, name, value)
    path.parent.mkdir(parents=True, exist_ok=True)
    data.save_as(path, enforce_file_format=True)
    return path
