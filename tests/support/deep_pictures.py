"""PNG and TIFF to the byte, of the depths that Pillow reads and doesn't write."""

from __future__ import annotations

import struct
import zlib


def png(width: int, height: int, depth: int, colour_type: int, data: bytes) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, depth, colour_type, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", data))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data)) for name, data in chunks
    )


def deep_png(*channels: int) -> bytes:
    """One pixel of so many channels of 16 bits."""
    colour_type = {2: 4, 3: 2, 4: 6}[len(channels)]
    return png(1, 1, 16, colour_type, zlib.compress(struct.pack(f">x{len(channels)}H", *channels)))


def deep_tiff(*channels: int) -> bytes:
    """One pixel of three channels of 16 bits."""
    entries = (
        (256, 3, 1, 1), (257, 3, 1, 1), (258, 3, 3, 110), (259, 3, 1, 1), (262, 3, 1, 2), (273, 4, 1, 116),
        (277, 3, 1, 3), (279, 4, 1, 6),
    )  # fmt: skip
    table = b"".join(struct.pack("<HHII", *entry) for entry in entries)
    return struct.pack("<2sHIH", b"II", 42, 8, len(entries)) + table + struct.pack("<4x3H3H", 16, 16, 16, *channels)
