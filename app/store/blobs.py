# SPDX-License-Identifier: GPL-3.0-or-later
"""Attachments on this computer: files under blobs/, each block sealed with a key derived from the database key.

A complete one is named by its hash. What is still being written has another name until then: a download that was
killed goes on at a whole block, and nobody takes half a file for all of it.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from app.domain.errors import StoreUnavailable

BLOCK_BYTES = 64 << 10
PART, FRESH = ".part", ".new"  # endings of downloads and of files being taken in
_NONCE, _TAG = 12, 16
_SEALED_BYTES = BLOCK_BYTES + _NONCE + _TAG


def blob_key(database_key: bytes) -> bytes:
    """Return the key of the attachments: whoever deletes the database key makes them unreadable too."""
    return hashlib.blake2b(b"deskside attachments", key=database_key, digest_size=32).digest()


def copies_folder(profile: Path) -> Path:
    """Return where plain copies for other programs lie: in memory where the system has such a place for this person."""
    runtime = os.environ.get("XDG_RUNTIME_DIR", "")
    if runtime and Path(runtime).is_dir() and os.access(runtime, os.W_OK):
        mark = hashlib.blake2b(str(profile).encode(), digest_size=6).hexdigest()
        return Path(runtime) / f"deskside-opened-{mark}"
    return profile / "opened"


def remove_copies(profile: Path) -> None:
    """Remove every plain copy that was made for another program."""
    for folder in {copies_folder(profile), profile / "opened"}:
        shutil.rmtree(folder, ignore_errors=True)


class BlobFolder:
    """The folder of a profile's attachments."""

    def __init__(self, profile: Path, database_key: bytes) -> None:
        self.path = profile / "blobs"
        self._key = blob_key(database_key)

    def whole(self, sha256: bytes, size: int) -> SealedBlob:
        """Return a complete attachment."""
        return SealedBlob(self.path, self._key, sha256, size)

    def part(self, sha256: bytes, size: int, ending: str = PART) -> SealedBlob:
        """Return one that is still being written; `finish` makes it whole."""
        return SealedBlob(self.path, self._key, sha256, size, ending=ending)

    def size_of(self, sha256: bytes) -> int | None:
        """Return the size of a complete attachment, or None when it is not here."""
        try:
            length = (self.path / sha256.hex()).stat().st_size
        except OSError:
            return None
        return content_size(length)

    def touch(self, sha256: bytes) -> None:
        """Note that it was used: those not used for long make room first."""
        with contextlib.suppress(OSError):
            os.utime(self.path / sha256.hex())

    def remove(self, sha256: bytes) -> None:
        """Remove an attachment from this computer."""
        with contextlib.suppress(OSError):
            (self.path / sha256.hex()).unlink()

    def listed(self) -> list[tuple[bytes, int, float]]:
        """Return hash, size on the disk and last use (Unix seconds) of every complete attachment."""
        out = []
        with contextlib.suppress(OSError):
            for entry in os.scandir(self.path):
                with contextlib.suppress(OSError, ValueError):
                    mark = bytes.fromhex(entry.name) if len(entry.name) == 64 else b""
                    if mark:
                        found = entry.stat()
                        out.append((mark, found.st_size, found.st_mtime))
        return out

    def sweep(self, ending: str, before: float) -> None:
        """Remove unfinished files that nobody went on with since `before` (Unix seconds)."""
        for path in self.path.glob(f"*{ending}"):
            with contextlib.suppress(OSError):
                if path.stat().st_mtime < before:
                    path.unlink()


def content_size(length: int) -> int:
    """Return how many bytes of content a sealed file of this length holds."""
    whole, rest = divmod(length, _SEALED_BYTES)
    return whole * BLOCK_BYTES + max(0, rest - _NONCE - _TAG)


class SealedBlob:
    """One attachment. Fulfils sync's `BlobFile`; one thread at a time."""

    def __init__(self, folder: Path, key: bytes, sha256: bytes, size: int, *, ending: str = "") -> None:
        """`key` comes from `blob_key`; `ending` is that of a file's name while it is not complete."""
        self.sha256 = sha256
        self.size = size
        self._whole = folder / sha256.hex()
        self._path = self._whole.with_name(self._whole.name + ending)
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

    def finish(self) -> None:
        """Give what is complete and checked its name, down to the disk. Raises StoreUnavailable("disk_full")."""
        with self._disk():
            with self._path.open("r+b") as file:
                os.fsync(file.fileno())
            self._path.replace(self._whole)

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
