"""The checksum of files in plain Python, from its documentation alone, and files that have it."""

from __future__ import annotations

import re

from rosenblatt import _core

MARK = b'"crc32c":"'


def crc32c(data: bytes) -> int:
    """Return the CRC-32C of the bytes, a bit at a time."""
    remainder = 0xFFFFFFFF
    for byte in data:
        remainder ^= byte
        for _ in range(8):
            remainder = remainder >> 1 ^ (0x82F63B78 if remainder & 1 else 0)
    return remainder ^ 0xFFFFFFFF


def with_zeros(file: bytes) -> bytes:
    """Return the file with zeros for the eight digits of its checksum."""
    digits = file.index(MARK) + len(MARK)
    return file[:digits] + b"00000000" + file[digits + 8 :]


def sealed(file: bytes) -> bytes:
    """Return the file with its right checksum if it has digits for one, else as it is."""
    if not re.search(MARK + b'[0-9a-f]{8}"', file):
        return file
    zeros = with_zeros(file)
    digits = zeros.index(MARK) + len(MARK)
    return zeros[:digits] + b"%08x" % _core.crc32c(zeros) + zeros[digits + 8 :]
