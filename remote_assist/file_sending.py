# SPDX-License-Identifier: GPL-3.0-or-later
"""A file that goes out: read in pieces, from any offset, and never as a mixture of two versions of itself."""

from __future__ import annotations

import hashlib
import hmac
import os
import stat
from pathlib import Path
from typing import Final

from app.domain.attachments import MAX_FILE_BYTES
from remote_assist import bulk
from remote_assist.bulk import MAX_DATA_BYTES, Chunk
from remote_assist.file_folder import FileTrouble
from remote_assist.file_names import safe_name
from remote_assist.files import Offer

__all__ = ["Outgoing"]

_STEP: Final = 1 << 20
_FLAGS: Final = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)


class Outgoing:
    """One file of the sending end. Used by one thread, never the one that draws: every method reads the disk."""

    def __init__(self, path: Path, id_: int) -> None:
        """Open and hash it. Raises FileTrouble (file_missing, not_a_file, too_large, not_readable, changed)."""
        try:
            self._fd = os.open(path, _FLAGS)
        except FileNotFoundError:
            raise FileTrouble("file_missing") from None
        except OSError:
            raise FileTrouble("not_readable") from None
        try:
            self._first = os.fstat(self._fd)
            _check_kind(self._first)
            self._offset = 0
            self._hash = hashlib.sha256()
            sha256 = self._hash_of(self._first.st_size).digest()
            self._check_unchanged()
        except FileTrouble:
            self.close()
            raise
        self.offer = Offer(id_, safe_name(path.name), self._first.st_size, sha256)

    def start(self, offset: int) -> None:
        """The other end accepted, or asks again after a reconnect. Raises FileTrouble (bad_offset, changed, ...)."""
        if not 0 <= offset <= self.offer.size:
            raise FileTrouble("bad_offset")
        self._hash = self._hash_of(offset)
        self._offset = offset

    def next_chunk(self) -> bytes | None:
        """Return the next message for the channel; None when all was read and is what was offered.

        Raises FileTrouble (changed, not_readable): say `fileend` with `ok` false.
        """
        self._check_unchanged()
        left = self.offer.size - self._offset
        if left == 0:
            if not hmac.compare_digest(self._hash.digest(), self.offer.sha256):
                raise FileTrouble("changed")
            return None
        data = self._read(self._offset, min(left, MAX_DATA_BYTES))
        self._hash.update(data)
        chunk = Chunk(self.offer.id, self._offset, data)
        self._offset = chunk.end
        return bulk.encode(bulk.FILE, chunk)

    @property
    def offset(self) -> int:
        """How far it was read."""
        return self._offset

    def close(self) -> None:
        """Idempotent."""
        fd, self._fd = self._fd, -1
        if fd >= 0:
            os.close(fd)

    def _hash_of(self, length: int) -> hashlib._Hash:
        found, offset = hashlib.sha256(), 0
        while offset < length:
            data = self._read(offset, min(length - offset, _STEP))
            found.update(data)
            offset += len(data)
        return found

    def _read(self, offset: int, length: int) -> bytes:
        """Return one to `length` bytes. Raises FileTrouble."""
        try:
            os.lseek(self._fd, offset, os.SEEK_SET)
            data = os.read(self._fd, length)
        except OSError:
            raise FileTrouble("not_readable") from None
        if not data:
            raise FileTrouble("changed")
        return data

    def _check_unchanged(self) -> None:
        try:
            now = os.fstat(self._fd)
        except OSError:
            raise FileTrouble("not_readable") from None
        if (now.st_size, now.st_mtime_ns) != (self._first.st_size, self._first.st_mtime_ns):
            raise FileTrouble("changed")


def _check_kind(status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise FileTrouble("not_a_file")
    if status.st_size > MAX_FILE_BYTES:
        raise FileTrouble("too_large")
