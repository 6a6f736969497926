# SPDX-License-Identifier: GPL-3.0-or-later
"""Pieces on the bulk channels: a type byte, numbers, data; big endian, at most 16 KiB.

`file` and `diag`: `id u32, offset u64, data`. `clip`: `part u16, of u16, data`.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final

from app.domain.plain_text import CLIP_BYTES_MAX
from remote_assist.channels import Malformed

__all__ = [
    "CLIP",
    "CLIP_PARTS_MAX",
    "DIAG",
    "FILE",
    "MAX_CLIP_DATA_BYTES",
    "MAX_DATA_BYTES",
    "MAX_END",
    "MAX_ID",
    "MAX_MESSAGE_BYTES",
    "Chunk",
    "decode",
    "decode_part",
    "encode",
    "encode_part",
]

FILE: Final = 0x60
CLIP: Final = 0x70
DIAG: Final = 0x80
MAX_MESSAGE_BYTES: Final = 16 * 1024
_HEADER: Final = struct.Struct(">BIQ")
_PART: Final = struct.Struct(">BHH")
MAX_DATA_BYTES: Final = MAX_MESSAGE_BYTES - _HEADER.size
MAX_CLIP_DATA_BYTES: Final = MAX_MESSAGE_BYTES - _PART.size
CLIP_PARTS_MAX: Final = -(-CLIP_BYTES_MAX // MAX_CLIP_DATA_BYTES)
MAX_ID: Final = 2**32 - 1
MAX_END: Final = 1 << 40  # far above every limit, far below what an integer of any system holds


@dataclass(frozen=True, slots=True)
class Chunk:
    """Bytes of the transfer `id` from `offset` on."""

    id: int
    offset: int
    data: bytes

    @property
    def end(self) -> int:
        """Where the next chunk begins."""
        return self.offset + len(self.data)


def encode(kind: int, chunk: Chunk) -> bytes:
    """Return the bytes of a chunk. Raises ValueError for what `decode` would not take."""
    if not (0 <= chunk.id <= MAX_ID and chunk.offset >= 0 and chunk.end <= MAX_END):
        raise ValueError("id or offset")
    if not 0 < len(chunk.data) <= MAX_DATA_BYTES:
        raise ValueError("length")
    return _HEADER.pack(kind, chunk.id, chunk.offset) + chunk.data


def decode(kind: int, raw: bytes) -> Chunk:
    """Return the chunk that came. Raises Malformed, and nothing else, for anything that is none of this kind."""
    if not isinstance(raw, bytes) or not _HEADER.size < len(raw) <= MAX_MESSAGE_BYTES or raw[0] != kind:
        raise Malformed(f"binary {kind}")
    _kind, id_, offset = _HEADER.unpack_from(raw)
    chunk = Chunk(id_, offset, raw[_HEADER.size :])
    if chunk.end > MAX_END:
        raise Malformed(f"binary {kind}")
    return chunk


def encode_part(part: int, of: int, data: bytes) -> bytes:
    """Return the bytes of one part, counted from 0, of a text. Raises ValueError for what `decode_part` refuses."""
    if not 0 <= part < of <= CLIP_PARTS_MAX:
        raise ValueError("part")
    if not 0 < len(data) <= MAX_CLIP_DATA_BYTES:
        raise ValueError("length")
    return _PART.pack(CLIP, part, of) + data


def decode_part(raw: bytes) -> tuple[int, int, bytes]:
    """Return number, count and data of a part. Raises Malformed, and nothing else."""
    if not isinstance(raw, bytes) or not _PART.size < len(raw) <= MAX_MESSAGE_BYTES or raw[0] != CLIP:
        raise Malformed("clip")
    _kind, part, of = _PART.unpack_from(raw)
    if not part < of <= CLIP_PARTS_MAX:
        raise Malformed("clip part")
    return part, of, raw[_PART.size :]
