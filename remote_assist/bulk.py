# SPDX-License-Identifier: GPL-3.0-or-later
"""Chunks on the channels `file` and `diag`: a type byte, `id u32, offset u64, data`; big endian, at most 16 KiB."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final

from remote_assist.messages import Malformed

__all__ = ["DIAG", "FILE", "MAX_DATA_BYTES", "MAX_ID", "MAX_MESSAGE_BYTES", "Chunk", "decode", "encode"]

FILE: Final = 0x60
DIAG: Final = 0x80
MAX_MESSAGE_BYTES: Final = 16 * 1024
_HEADER: Final = struct.Struct(">BIQ")
MAX_DATA_BYTES: Final = MAX_MESSAGE_BYTES - _HEADER.size
MAX_ID: Final = 2**32 - 1
_MAX_END: Final = 1 << 40  # far above every limit, far below what an integer of any system holds


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
    if not (0 <= chunk.id <= MAX_ID and chunk.offset >= 0 and chunk.end <= _MAX_END):
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
    if chunk.end > _MAX_END:
        raise Malformed(f"binary {kind}")
    return chunk
