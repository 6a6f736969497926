# SPDX-License-Identifier: GPL-3.0-or-later
"""Bugs of attachments, on both ends."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any
from unittest.mock import patch

import app.entry.sync_worker_blobs
import app.store.blob_desk
import sync.blobs
import sync.server.blobs
import sync.server.rows
from app.domain.errors import ServerUnreachable
from tests.sync.sim.plants_registry import Change, plant


@plant("cut_upload_believed", "a file counts as sent when the line broke")
def _believed() -> Sequence[Change]:
    async def upload(transport: Any, file: Any, parts: Any = None) -> None:
        with contextlib.suppress(ServerUnreachable):
            await sync.blobs.upload(transport, file, parts)

    return [(app.entry.sync_worker_blobs, "upload", upload)]


@plant("file_not_noted", "what is attached is not noted for the worker")
def _not_noted() -> Sequence[Change]:
    before = app.store.blob_desk.BlobStore._take

    def take(self: Any, *args: Any) -> Any:
        made = before(self, *args)
        with self._lock, self._pending.write() as tx:
            tx.run("DELETE FROM blob_new WHERE sha256 = ?", (made.sha256,))
        return made

    return [(app.store.blob_desk.BlobStore, "_take", take)]


@plant("sent_to_lost_server", "a file that a restored server has lost is not sent again")
def _lost_server() -> Sequence[Change]:
    def is_sent(_self: Any, known: Any) -> bool:
        return known is not None and known.sent is not None

    return [(app.entry.sync_worker_blobs.BlobMover, "_is_sent", is_sent)]


@plant("unsent_makes_room", "what is not sent yet makes room like what was fetched")
def _makes_room() -> Sequence[Change]:
    before = app.entry.sync_worker_blobs.BlobMover.make_room

    class Nothing:
        @contextlib.contextmanager
        def read(self) -> Iterator[Any]:
            yield self

        def all(self, _sql: str) -> list[Any]:
            return []

    def make_room(self: Any, named: set[bytes]) -> Any:
        kept, self._pending = self._pending, Nothing()
        try:
            return before(self, named)
        finally:
            self._pending = kept

    return [(app.entry.sync_worker_blobs.BlobMover, "make_room", make_room)]


@plant("complete_before_it_is_there", "the server says that it has a file before the file has its place")
def _too_early() -> Sequence[Change]:
    blobs = sync.server.blobs
    before = blobs.Blobs._complete

    def complete(self: Any, who: Any, sha256: bytes, part: Any, size: int) -> None:
        content, target = part.read_bytes(), self.path(sha256)
        had = target.exists()
        try:
            before(self, who, sha256, part, size)
        except BaseException:  # killed: the file would have been moved only now
            if target.exists() and not had:
                target.unlink()
                part.write_bytes(content)
            raise

    return [(blobs.Blobs, "_complete", complete)]


@plant("parts_in_any_place", "a part is added wherever the file ends, and the whole is not looked at")
def _any_place() -> Sequence[Change]:
    blobs = sync.server.blobs
    before = blobs.Blobs.append

    def append(self: Any, who: Any, sha256: bytes, offset: int, length: int, chunk: bytes) -> Any:
        have = self._seal.length(self._part(who, sha256)) or 0
        return before(self, who, sha256, have, max(length, have + len(chunk)), chunk)

    class Unseen:
        """A hash that is always the right one."""

        def __init__(self, mark: bytes) -> None:
            self._mark = mark

        def sha256(self) -> Any:
            return self

        def update(self, _: bytes) -> None:
            pass

        def digest(self) -> bytes:
            return self._mark

    complete = blobs.Blobs._complete

    def unseen(self: Any, who: Any, sha256: bytes, part: Any, size: int) -> None:
        with patch.object(blobs, "hashlib", Unseen(sha256)):
            complete(self, who, sha256, part, size)

    return [(blobs.Blobs, "append", append), (blobs.Blobs, "_complete", unseen)]


@plant("readers_not_kept", "the server does not note which rows name a file: only its sender can read it")
def _readers() -> Sequence[Change]:
    return [(sync.server.rows, "note_references", lambda *_: None)]
