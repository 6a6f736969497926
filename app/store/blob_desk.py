# SPDX-License-Identifier: GPL-3.0-or-later
"""Attachments as the window's process handles them: taken in, looked up, saved and opened. Fulfils `BlobDesk`.

What is taken in lies sealed in the profile and is noted in pending.db before anything names it, so the worker finds it
whatever dies. Plain content leaves only where a person says so.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import mimetypes
import secrets
import stat
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import BinaryIO

from app.domain.attachments import (
    MAX_FILE_BYTES,
    Attachment,
    BlobState,
    BlobStatus,
    accepted,
    clean_name,
)
from app.domain.errors import Refused, StoreUnavailable
from app.store.blob_index import index_path
from app.store.blobs import FRESH, BlobFolder, copies_folder, remove_copies
from app.store.cipher import Database
from app.store.pending_file import connect_reader

__all__ = ["BlobStore"]

_STEP = 1 << 20
_KEPT_MS = 8 * 86_400_000  # longer than a confirmed change is kept to be sent again
_JUST_TAKEN_S = 3600.0  # until the draft that will name it is saved


class BlobStore:
    """Methods block on the disk. Any thread; those that write pending.db hold its lock."""

    def __init__(
        self, profile: Path, key: bytes, pending: Database, lock: threading.Lock, now_ms: Callable[[], int]
    ) -> None:
        self._profile = profile
        self._folder = BlobFolder(profile, key)
        self._pending = pending
        self._lock = lock
        self._now_ms = now_ms
        self._index = Database(lambda: connect_reader(index_path(profile), key), keep=1)

    def tidy(self) -> None:
        """Remove what an earlier window left: files half taken in, plain copies; forget what was sent long ago."""
        remove_copies(self._profile)
        self._folder.sweep(FRESH, time.time())
        with contextlib.suppress(StoreUnavailable):
            self.prune()

    # --- taking in ----------------------------------------------------------------------------------------------------

    def add(self, path: Path) -> Attachment:
        """Take a file in. Raises Refused (file_missing, not_a_file, file_unreadable, file_empty, file_too_large,
        file_changed), StoreUnavailable.
        """
        with _readable(path) as stream:
            media = mimetypes.guess_type(path.name)[0] or ""
            return self._take(stream, path.name, media)

    def add_content(self, content: bytes, filename: str, media_type: str) -> Attachment:
        """Take in what was pasted. Raises Refused, StoreUnavailable."""
        return self._take(io.BytesIO(content), filename, media_type)

    def add_stream(self, stream: BinaryIO, filename: str, media_type: str) -> Attachment:
        """Take in what a stream gives that can be read twice. Raises Refused, StoreUnavailable."""
        return self._take(stream, filename, media_type)

    def _take(self, stream: BinaryIO, filename: str, media_type: str) -> Attachment:
        sha256, size = _measured(stream, filename)
        made = accepted([Attachment(sha256, filename, media_type, size)])[0]
        if self._folder.size_of(sha256) == size:
            self._folder.touch(sha256)
        else:
            self._seal(stream, made)
        with self._lock, self._pending.write() as tx:
            tx.run("INSERT OR REPLACE INTO blob_new VALUES(?, ?)", (sha256, f"blobs/{sha256.hex()}"))
        return made

    def _seal(self, stream: BinaryIO, made: Attachment) -> None:
        sealed = self._folder.part(made.sha256, made.size_bytes, f".{secrets.token_hex(4)}{FRESH}")
        digest, left = hashlib.sha256(), made.size_bytes
        try:
            stream.seek(0)
            while left and (piece := _read(stream, min(_STEP, left), made.filename)):
                digest.update(piece)
                left -= len(piece)
                sealed.append(piece)
            same = not left and digest.digest() == made.sha256 and not _read(stream, 1, made.filename)
            if same:
                sealed.finish()
        except BaseException:
            sealed.forget()
            raise
        if not same:
            sealed.forget()
            raise Refused("file_changed", file=made.filename)

    # --- looking up ---------------------------------------------------------------------------------------------------

    def statuses(self, attachments: Sequence[Attachment]) -> Mapping[bytes, BlobStatus]:
        """Return how each stands. Raises StoreUnavailable."""
        marks = sorted({a.sha256 for a in attachments if a.sha256})
        places = ", ".join("?" * len(marks))
        with self._pending.read() as tx:
            own = {row[0] for row in tx.all(f"SELECT sha256 FROM blob_new WHERE sha256 IN ({places})", marks)}
        known = self._known(marks)
        return {a.sha256: self._status(a, a.sha256 in own, *known.get(a.sha256, (False, ""))) for a in attachments}

    def _status(self, attachment: Attachment, own: bool, sent: bool, code: str) -> BlobStatus:
        size = attachment.size_bytes
        if not attachment.sha256:
            return BlobStatus(BlobState.NEVER, 0, size)
        failed = bool(code) and code != "not_uploaded"
        if self._folder.size_of(attachment.sha256) is None:
            return BlobStatus(BlobState.FAILED if failed else BlobState.ABSENT, 0, size, code)
        if own and not sent:  # what the server lacked when a colleague's was asked for is what we bring now
            return BlobStatus(BlobState.FAILED if failed else BlobState.WAITING, 0, size, code if failed else "")
        return BlobStatus(BlobState.HERE, size, size)

    def _known(self, marks: Sequence[bytes]) -> dict[bytes, tuple[bool, str]]:
        """Return whether the server has them, and what went wrong, as the worker notes it."""
        if not marks or not index_path(self._profile).exists():
            return {}
        places = ", ".join("?" * len(marks))
        try:
            with self._index.read() as tx:
                found = tx.all(f"SELECT sha256, sent, code FROM blob WHERE sha256 IN ({places})", marks)
        except StoreUnavailable:  # the worker is just making it
            return {}
        return {mark: (sent is not None, code or "") for mark, sent, code in found}

    # --- giving out ---------------------------------------------------------------------------------------------------

    def save_as(self, attachment: Attachment, target: Path) -> None:
        """Write the plain content. Raises Refused (not_here_yet, file_damaged, attachment_not_saved)."""
        part = target.with_name(f".{target.name[:80]}.{secrets.token_hex(4)}.part")
        try:
            with part.open("xb") as out:
                for piece in self._pieces(attachment):
                    out.write(piece)
            part.replace(target)
        except OSError as error:
            raise Refused("attachment_not_saved", file=target.name) from error
        finally:
            with contextlib.suppress(OSError):
                part.unlink(missing_ok=True)

    def content(self, attachment: Attachment, most: int) -> bytes:
        """Return the plain content, for the program itself. Raises Refused as `save_as`, and file_too_large."""
        if attachment.size_bytes > most:
            raise Refused("file_too_large", file=attachment.filename, limit_mb=most >> 20)
        return b"".join(self._pieces(attachment))

    def open_copy(self, attachment: Attachment) -> Path:
        """Return a plain copy for another program, read-only, removed with the window. Raises as `save_as`."""
        folder = copies_folder(self._profile) / secrets.token_hex(8)
        target = folder / clean_name(attachment.filename)
        try:
            folder.mkdir(mode=0o700, parents=True)
        except OSError as error:
            raise Refused("attachment_not_saved", file=target.name) from error
        self.save_as(attachment, target)
        with contextlib.suppress(OSError):
            target.chmod(0o400)
        return target

    def _pieces(self, attachment: Attachment) -> Iterator[bytes]:
        mark, size = attachment.sha256, attachment.size_bytes
        if not mark or self._folder.size_of(mark) != size:
            raise Refused("not_here_yet", file=attachment.filename)
        whole, digest = self._folder.whole(mark, size), hashlib.sha256()
        try:
            for start in range(0, size, _STEP):
                piece = whole.read(start, _STEP)
                digest.update(piece)
                yield piece
        except StoreUnavailable as error:
            self._drop_damaged(mark)
            raise Refused("file_damaged", file=attachment.filename) from error
        if digest.digest() != mark:
            self._drop_damaged(mark)
            raise Refused("file_damaged", file=attachment.filename)
        self._folder.touch(mark)

    def _drop_damaged(self, mark: bytes) -> None:
        """What the server has can be fetched again; what it does not have yet is kept, however little is left of it."""
        with self._pending.read() as tx:
            own = tx.value("SELECT 1 FROM blob_new WHERE sha256 = ?", (mark,))
        if own is None or self._known([mark]).get(mark, (False, ""))[0]:
            self._folder.remove(mark)

    # --- forgetting ---------------------------------------------------------------------------------------------------

    def drop(self, attachment: Attachment) -> None:
        """Send it no further, unless a draft or a change still names it. Raises StoreUnavailable."""
        with self._lock, self._pending.write() as tx:
            tx.run(f"DELETE FROM blob_new WHERE sha256 = ? AND {_UNNAMED}", (attachment.sha256,))

    def prune(self) -> None:
        """Forget own files that nothing names here any more: they may make room once. Raises StoreUnavailable."""
        with self._pending.read() as tx:
            lone = [row[0] for row in tx.all(f"SELECT sha256 FROM blob_new WHERE {_UNNAMED}")]
        known = self._sent_at(lone)
        last_used = {mark: used for mark, _size, used in self._folder.listed()}
        now_ms = self._now_ms()
        for mark in lone:
            sent_long_ago = known.get(mark, now_ms) < now_ms - _KEPT_MS
            never_named = mark not in known and last_used.get(mark, 0.0) < time.time() - _JUST_TAKEN_S
            if sent_long_ago or never_named:
                self.drop(Attachment(mark, "", "", 0))

    def _sent_at(self, marks: Sequence[bytes]) -> dict[bytes, int]:
        if not marks or not index_path(self._profile).exists():
            return {}
        with self._index.read() as tx:
            return dict(tx.all("SELECT sha256, sent FROM blob WHERE sent IS NOT NULL"))

    def close(self) -> None:
        """Close the file and remove plain copies. Idempotent."""
        self._index.close()
        remove_copies(self._profile)


_UNNAMED = (
    "NOT EXISTS (SELECT 1 FROM draft d WHERE d.discarded IS NULL "
    "AND instr(d.attachments, lower(hex(blob_new.sha256)))) "
    "AND NOT EXISTS (SELECT 1 FROM outbox o WHERE instr(o.args, blob_new.sha256))"
)


@contextlib.contextmanager
def _readable(path: Path) -> Iterator[BinaryIO]:
    """Open a file to be taken in. Raises Refused."""
    name = clean_name(path.name)
    try:
        found = path.stat()
        if not stat.S_ISREG(found.st_mode):  # a pipe would never end, a folder is not one file
            raise Refused("not_a_file", file=name)
        stream = path.open("rb")
    except FileNotFoundError as error:
        raise Refused("file_missing", file=name) from error
    except (OSError, ValueError) as error:
        raise Refused("file_unreadable", file=name) from error
    with stream:
        yield stream


def _read(stream: BinaryIO, size: int, name: str) -> bytes:
    try:
        return stream.read(size)
    except OSError as error:
        raise Refused("file_unreadable", file=clean_name(name)) from error


def _measured(stream: BinaryIO, filename: str) -> tuple[bytes, int]:
    """Return hash and size. Raises Refused."""
    digest, size = hashlib.sha256(), 0
    while piece := _read(stream, _STEP, filename):
        digest.update(piece)
        size += len(piece)
        if size > MAX_FILE_BYTES:
            raise Refused("file_too_large", file=clean_name(filename), limit_mb=MAX_FILE_BYTES >> 20)
    if not size:
        raise Refused("file_empty", file=clean_name(filename))
    return digest.digest(), size
