# SPDX-License-Identifier: GPL-3.0-or-later
"""Attachments on this computer: files under blobs/, each block sealed with a key derived from the database key.

A file may be incomplete; what is there ends at a whole block, so that a download that was killed goes on.
"""

from __future__ import annotations

import contextlib
import hashlib
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from app.domain.errors import StoreUnavailable

BLOCK_BYTES = 64 << 10
_NONCE, _TAG = 12, 16
_SEALED_BYTES = BLOCK_BYTES + _NONCE + _TAG


def blob_key(database_key: bytes) -> bytes:
    """Return the key of the attachments: whoever deletes the database key makes them unreadable too."""
    return hashlib.blake2b(b"deskside attachments", key=database_key, digest_size=32).digest()


class SealedBlob:
    """One attachment. Fulfils sync's `BlobFile`; one thread at a time."""

    def __init__(self, folder: Path, key: bytes, sha256: bytes, size: int) -> None:
        """`key` comes from `blob_key`."""
        self.sha256 = sha256
        self.size = size
        self._path = folder / sha256.hex()
        self._cipher = AESGCM(key)
        self._tail = bytearray()  # of the last block, until it is full or the end

    def have(self) -> int:
        """Return how many bytes are on the disk, from the beginning."""
        try:
            length = self._path.stat().st_size
        except OSError:
            return 0
        whole, rest = divmod(length, _SEALED_BYTES)
        last = rest - _NONCE - _TAG
        # a cut block is written again; only the last one of the content may be short
        short = last if last > 0 and whole * BLOCK_BYTES + last == self.size else 0
        return min(whole * BLOCK_BYTES + short, self.size)

    def read(self, start: int, size: int) -> bytes:
        """Return a part. Raises StoreUnavailable("store_damaged")."""
        out = bytearray()
        first = start // BLOCK_BYTES
        try:
            with self._path.open("rb") as file:
                for number in range(first, (min(start + size, self.size) + BLOCK_BYTES - 1) // BLOCK_BYTES):
                    file.seek(number * _SEALED_BYTES)
                    out += self._open(number, file.read(_SEALED_BYTES))
        except OSError as error:
            raise StoreUnavailable("store_damaged", path=str(self._path)) from error
        skip = start - first * BLOCK_BYTES
        return bytes(out[skip : skip + size])

    def append(self, data: bytes) -> None:
        """Add the next bytes; whole blocks go to the disk, the last one when the content is complete."""
        at = self.have()
        self._tail += data
        with self._disk(), self._opened() as file:
            while len(self._tail) >= BLOCK_BYTES or (self._tail and at + len(self._tail) >= self.size):
                block = bytes(self._tail[:BLOCK_BYTES])
                number = at // BLOCK_BYTES
                file.seek(number * _SEALED_BYTES)
                file.truncate()
                file.write(self._seal(number, block))
                at += len(block)
                del self._tail[:BLOCK_BYTES]

    def forget(self) -> None:
        """Throw away what is here."""
        self._tail.clear()
        self._path.unlink(missing_ok=True)

    def _opened(self) -> BinaryIO:
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        return self._path.open("r+b" if self._path.exists() else "x+b")

    @contextlib.contextmanager
    def _disk(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise StoreUnavailable("disk_full", path=str(self._path)) from error

    def _seal(self, number: int, block: bytes) -> bytes:
        nonce = secrets.token_bytes(_NONCE)
        return nonce + self._cipher.encrypt(nonce, block, self._place(number))

    def _open(self, number: int, sealed: bytes) -> bytes:
        try:
            return self._cipher.decrypt(sealed[:_NONCE], sealed[_NONCE:], self._place(number))
        except (InvalidTag, ValueError) as error:
            raise StoreUnavailable("store_damaged", path=str(self._path)) from error

    def _place(self, number: int) -> bytes:
        return self.sha256 + number.to_bytes(8, "big")
