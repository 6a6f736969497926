# SPDX-License-Identifier: GPL-3.0-or-later
"""Attachments on the server's disk: never plain there, readable from any place, and appended to as they come.

A file is a mark, 16 random bytes, and the content under AES-256 in counter mode (NIST SP 800-38A) that begins at those
bytes. It hides; whether a content is right, its SHA-256 says, which is its name and which every reader checks.
"""

from __future__ import annotations

import io
import os
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final, cast

from cryptography.hazmat.primitives.ciphers import Cipher, CipherContext
from cryptography.hazmat.primitives.ciphers.algorithms import AES256
from cryptography.hazmat.primitives.ciphers.modes import CTR

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

__all__ = ["HEAD_BYTES", "BlobSeal", "StoredBlob"]

_MAGIC: Final = b"DESKBLB1"
_BLOCK: Final = 16
HEAD_BYTES: Final = len(_MAGIC) + _BLOCK
_COUNTERS: Final = 1 << 128
_STEP: Final = 1 << 20


class BlobSeal:
    """The key of a server's attachments. From any thread."""

    def __init__(self, key: bytes) -> None:
        self._algorithm = AES256(key)

    def begin(self) -> bytes:
        """Return what a new file begins with."""
        return _MAGIC + secrets.token_bytes(_BLOCK)

    def seal(self, head: bytes, offset: int, chunk: bytes) -> bytes:
        """Return a piece of content as it lies in the file that begins so, at this place of the content."""
        return self.stream(head, offset).update(chunk)

    def length(self, path: Path) -> int | None:
        """Return how much content a sealed file has; None when there is none, or it is not sealed."""
        try:
            with path.open("rb") as file:
                head = file.read(HEAD_BYTES)
                return os.fstat(file.fileno()).st_size - HEAD_BYTES if _is_head(head) else None
        except OSError:
            return None

    def open(self, path: Path) -> BinaryIO:
        """Open a sealed file as its content. Raises OSError, also where it is not sealed."""
        file = path.open("rb")
        head = file.read(HEAD_BYTES)
        if not _is_head(head):
            file.close()
            raise OSError(f"{path} is not a sealed file")
        return cast(BinaryIO, _Content(file, self, head))

    def close_up(self, path: Path) -> None:
        """Seal a file that lies there plain, in one step for whoever reads it. Raises OSError."""
        head, at = self.begin(), 0
        sealed = path.with_suffix(".sealing")
        try:
            sealed.touch(0o600)
            with path.open("rb") as plain, sealed.open("wb") as out:
                out.write(head)
                while piece := plain.read(_STEP):
                    out.write(self.seal(head, at, piece))
                    at += len(piece)
                out.flush()
                os.fsync(out.fileno())
            sealed.replace(path)
        finally:
            sealed.unlink(missing_ok=True)

    def stream(self, head: bytes, offset: int) -> CipherContext:
        """Return what seals and opens from this place of the content on; both are the same."""
        blocks, over = divmod(offset, _BLOCK)
        first = (int.from_bytes(head[len(_MAGIC) :]) + blocks) % _COUNTERS
        stream = Cipher(self._algorithm, CTR(first.to_bytes(_BLOCK))).encryptor()
        stream.update(bytes(over))
        return stream


@dataclass(frozen=True, slots=True)
class StoredBlob:
    """A complete attachment: where it lies, and how large its content is."""

    path: Path
    size: int
    seal: BlobSeal

    @property
    def is_there(self) -> bool:
        """Whether the file has its size."""
        return self._length() in (self.size, self.size + HEAD_BYTES)

    @property
    def is_plain(self) -> bool:
        """Whether an earlier version of Deskside put it there, which did not seal."""
        return self._length() == self.size

    def open(self) -> BinaryIO:
        """Open its content. Raises OSError."""
        return self.path.open("rb") if self.is_plain else self.seal.open(self.path)

    def _length(self) -> int | None:
        try:
            return self.path.stat().st_size
        except OSError:
            return None


class _Content(io.RawIOBase):
    """The content of a sealed file; one thread at a time."""

    def __init__(self, file: BinaryIO, seal: BlobSeal, head: bytes) -> None:
        super().__init__()
        self._file, self._seal, self._head = file, seal, head
        self._stream = seal.stream(head, 0)

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        at = self._file.seek(offset + HEAD_BYTES if whence == os.SEEK_SET else offset, whence) - HEAD_BYTES
        self._stream = self._seal.stream(self._head, at)
        return at

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        room = memoryview(buffer)
        piece = self._file.read(len(room))
        room[: len(piece)] = self._stream.update(piece)
        return len(piece)

    def close(self) -> None:
        self._file.close()
        super().close()


def _is_head(head: bytes) -> bool:
    return len(head) == HEAD_BYTES and head.startswith(_MAGIC)
