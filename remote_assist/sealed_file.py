# SPDX-License-Identifier: GPL-3.0-or-later
"""A file that is never plain on the disk: a journal of pieces under AES-256-GCM, each bound to its file and place.

Nothing is ever written over, also not where the writer goes back to put in a length: so what was flushed can be read
whatever happens to the process afterwards. A piece that was cut ends the file for the reader.
"""

from __future__ import annotations

import bisect
import contextlib
import hashlib
import io
import secrets
import struct
from pathlib import Path
from types import TracebackType
from typing import Any, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

__all__ = ["BadSeal", "SealedReader", "SealedWriter", "measure"]

PIECE_BYTES: Final = 64 << 10
_MAGIC: Final = b"DESKREC1"
_ID_BYTES: Final = 16
_HEAD: Final = len(_MAGIC) + _ID_BYTES
_NONCE, _TAG = 12, 16
_PIECE: Final = struct.Struct("!QI")  # place and length of the plain content
_CUT_MAX: Final = 64  # pieces at the end that a fallen computer may have left half


class BadSeal(Exception):
    """No sealed file, or not of this key."""


class SealedWriter:
    """A new file; what PyAV needs of one that it writes to. One thread. Raises OSError."""

    def __init__(self, path: Path, key: bytes) -> None:
        """Raises FileExistsError: nothing is ever written over."""
        self.name = str(path)
        self.size = 0
        self._file = path.open("xb")
        self._cipher = AESGCM(key)
        self._id = secrets.token_bytes(_ID_BYTES)
        self._file.write(_MAGIC + self._id)
        self._number = 0
        self._waiting = bytearray()
        self._begins = 0
        self._at = 0

    def write(self, data: Any) -> int:
        """Write at the place where the last write or seek left off."""
        if self._at != self._begins + len(self._waiting):
            self._seal()
            self._begins = self._at
        self._waiting += data
        self._at += len(data)
        self.size = max(self.size, self._at)
        while len(self._waiting) >= PIECE_BYTES:
            self._seal()
        return len(data)

    def _seal(self) -> None:
        piece = bytes(self._waiting[:PIECE_BYTES])
        if not piece:
            return
        nonce = secrets.token_bytes(_NONCE)
        sealed = self._cipher.encrypt(nonce, piece, _place(self._id, self._number, self._begins))
        self._file.write(_PIECE.pack(self._begins, len(piece)) + nonce + sealed)
        self._number += 1
        self._begins += len(piece)
        del self._waiting[: len(piece)]

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go to a place inside what is written, or its end."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self.size}[whence]
        self._at = min(max(0, base + offset), self.size)
        return self._at

    def tell(self) -> int:
        """Return the place of the next write."""
        return self._at

    def writable(self) -> bool:
        """Yes."""
        return True

    def seekable(self) -> bool:
        """Yes."""
        return True

    def flush(self) -> None:
        """Hand what was written to the system: from now on it survives this process."""
        self._seal()
        self._file.flush()

    def close(self) -> None:
        """Flush and close. Idempotent."""
        if not self._file.closed:
            try:
                self._seal()
            finally:
                self._file.close()


def _place(id_: bytes, number: int, begins: int) -> bytes:
    return id_ + number.to_bytes(8, "big") + begins.to_bytes(8, "big")


class SealedReader(io.RawIOBase):
    """The plain content of a sealed file, as far as it was written whole."""

    def __init__(self, path: Path, key: bytes) -> None:
        """Raises OSError, BadSeal."""
        super().__init__()
        self._cipher = AESGCM(key)
        self._path = path
        self._file = path.open("rb")
        self._pieces: list[tuple[int, int, int]] = []  # place in the content, length, place in the file
        self._parts: list[tuple[int, int, int]] = []  # of the content, in order: first, end, which piece holds it
        self._loaded: tuple[int, bytes] = (-1, b"")
        self._at = 0
        try:
            self._id = self._scan(path.stat().st_size)
            for number, (begins, length, _) in enumerate(self._pieces):
                self._lay(begins, begins + length, number)
        except BaseException:
            self.close()
            raise
        self.size = self._parts[-1][1] if self._parts else 0

    def _scan(self, length: int) -> bytes:
        head = self._file.read(_HEAD)
        if len(head) != _HEAD or not head.startswith(_MAGIC):
            raise BadSeal(self._path.name)
        id_, at = head[len(_MAGIC) :], _HEAD
        while at + _PIECE.size + _NONCE + _TAG < length:
            self._file.seek(at)
            begins, size = _PIECE.unpack(self._file.read(_PIECE.size))
            at += _PIECE.size
            if not 0 < size <= PIECE_BYTES or begins > 1 << 40 or at + _NONCE + size + _TAG > length:
                break
            self._pieces.append((begins, size, at))
            at += _NONCE + size + _TAG
        self._drop_cut(id_)
        return id_

    def _drop_cut(self, id_: bytes) -> None:
        """What lies at the end may be half there. Raises BadSeal for a file of another key."""
        self._id = id_
        found, dropped = len(self._pieces), 0
        while self._pieces and dropped < _CUT_MAX:
            with contextlib.suppress(InvalidTag):
                self._open(len(self._pieces) - 1)
                return
            self._pieces.pop()
            dropped += 1
        if found:
            raise BadSeal(self._path.name)

    def _lay(self, first: int, end: int, number: int) -> None:
        """A later piece lies over what was at its place."""
        parts = self._parts
        if not parts or first >= parts[-1][1]:
            parts.append((first, end, number))
            return
        kept: list[tuple[int, int, int]] = []
        for a, b, holder in parts:
            if a < first:
                kept.append((a, min(b, first), holder))
            if b > end:
                kept.append((max(a, end), b, holder))
        bisect.insort(kept, (first, end, number))
        self._parts = kept

    def _open(self, number: int) -> bytes:
        if self._loaded[0] != number:
            begins, size, at = self._pieces[number]
            self._file.seek(at)
            sealed = self._file.read(_NONCE + size + _TAG)
            plain = self._cipher.decrypt(sealed[:_NONCE], sealed[_NONCE:], _place(self._id, number, begins))
            self._loaded = number, plain
        return self._loaded[1]

    def readable(self) -> bool:
        """Yes."""
        return True

    def seekable(self) -> bool:
        """Yes."""
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go to a place of the content."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self.size}[whence]
        self._at = max(0, base + offset)
        return self._at

    def tell(self) -> int:
        """Return the place of the next read."""
        return self._at

    def read(self, size: int | None = -1) -> bytes:
        """Return up to `size` bytes. Raises BadSeal for a piece that somebody changed or took out."""
        end = self.size if size is None or size < 0 else min(self.size, self._at + size)
        out = bytearray()
        index = max(0, bisect.bisect_right(self._parts, (self._at, 1 << 62, 0)) - 1)
        while self._at < end:
            first, last, number = self._parts[index]
            if not first <= self._at < last:
                raise BadSeal(self._path.name)
            try:
                plain, begins = self._open(number), self._pieces[number][0]
            except InvalidTag as error:
                raise BadSeal(self._path.name) from error
            out += plain[self._at - begins : min(end, last) - begins]
            self._at = min(end, last)
            index += 1
        return bytes(out)

    def readinto(self, buffer: Any) -> int:
        """Fill a buffer."""
        view = memoryview(buffer).cast("B")
        data = self.read(len(view))
        view[: len(data)] = data
        return len(data)

    def close(self) -> None:
        """Close. Idempotent."""
        self._file.close()
        super().close()

    def __enter__(self) -> SealedReader:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def measure(path: Path, key: bytes) -> tuple[bytes, int]:
    """Return SHA-256 and length of the plain content. Raises OSError, BadSeal."""
    digest = hashlib.sha256()
    with SealedReader(path, key) as reader:
        while piece := reader.read(1 << 20):
            digest.update(piece)
        return digest.digest(), reader.size
