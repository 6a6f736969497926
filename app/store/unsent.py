# SPDX-License-Identifier: GPL-3.0-or-later
"""What a profile holds that no server has: drafts, changes that wait, refused ones, attachments. Changes nothing."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.domain.attachments import Attachment, load_attachments
from app.domain.changes_reading import READ_MARK_NAME
from app.domain.errors import StoreUnavailable
from app.store.blobs import BlobFolder
from app.store.cipher import file_uri, open_raw, our_errors
from app.store.pending_file import check_key, connect_reader, pending_path
from app.store.replica_file import replica_path
from app.store.schema import PENDING_VERSION

__all__ = ["Unsent", "UnsentChange", "UnsentDraft", "read_unsent"]

_STEP = 1 << 20


@dataclass(frozen=True, slots=True)
class UnsentDraft:
    """Text that was begun. `subject` is the ticket's; both it and `number` may be unknown here."""

    ticket: bytes
    number: int | None
    subject: str
    kind: str
    text: str
    updated: int
    files: tuple[Attachment, ...] = ()


@dataclass(frozen=True, slots=True)
class UnsentChange:
    """A change that waits, or one that the server did not take (`refused`). `args` as it is sent."""

    name: str
    v: int
    args: bytes
    ticket: bytes | None
    number: int | None
    subject: str
    created: int
    refused: str = ""


@dataclass(frozen=True, slots=True)
class Unsent:
    """All of it, oldest first, and the folder that its attachments are read from."""

    drafts: tuple[UnsentDraft, ...] = ()
    changes: tuple[UnsentChange, ...] = ()
    files: tuple[bytes, ...] = ()
    blobs: BlobFolder | None = None

    @property
    def count(self) -> int:
        """How many drafts and changes."""
        return len(self.drafts) + len(self.changes)

    def parts_of(self, sha256: bytes) -> Iterator[bytes]:
        """Yield the content of an attachment, nothing where it is not here. Raises StoreUnavailable."""
        size = self.blobs.size_of(sha256) if self.blobs is not None else None
        if self.blobs is None or size is None:
            return
        sealed = self.blobs.whole(sha256, size)
        for start in range(0, size, _STEP):
            yield sealed.read(start, min(_STEP, size - start))


def read_unsent(folder: Path, key: bytes) -> Unsent:
    """Read a profile. Blocks on the disk. The caller holds ui.lock.

    Raises StoreUnavailable: store_wrong_key, store_too_new, store_damaged.
    """
    check_key(folder, key)
    if not pending_path(folder).exists():
        return Unsent()
    with our_errors():
        raw = connect_reader(pending_path(folder), key)
        try:
            version = raw.execute("PRAGMA user_version").fetchone()[0]
            if version > PENDING_VERSION:
                raise StoreUnavailable("store_too_new", found=version, known=PENDING_VERSION)
            drafts = _rows(
                raw, "draft", ("kind", "subject_id", "body", "updated", "attachments", "discarded"), "updated"
            )
            waits = _rows(raw, "outbox", ("name", "v", "args", "ticket", "created", "confirmed"), "mid")
            tray = _rows(raw, "needs_you_kept", ("name", "v", "content", "kind", "created", "answered"), "created")
            blobs = _rows(raw, "blob_new", ("sha256",), "sha256")
        finally:
            raw.close()
    tickets = _tickets(folder, key, {d[1] for d in drafts} | {w[3] for w in waits if w[3]})
    return Unsent(
        tuple(
            UnsentDraft(id_, *tickets.get(id_, (None, "")), kind, body, updated, _files(files))
            for kind, id_, body, updated, files, discarded in drafts
            if discarded is None and (body.strip() or files)
        ),
        (
            *(
                UnsentChange(name, v, args, ticket, *tickets.get(ticket, (None, "")), created)
                for name, v, args, ticket, created, confirmed in waits
                if confirmed is None and name != READ_MARK_NAME
            ),
            *(
                UnsentChange(name, v or 1, content, None, None, "", created, refused=kind)
                for name, v, content, kind, created, answered in tray
                if not answered and name and content
            ),
        ),
        tuple(sha256 for (sha256,) in blobs),
        BlobFolder(folder, key),
    )


def _rows(raw: Any, table: str, columns: Iterable[str], order: str) -> list[tuple[Any, ...]]:
    """Return columns of a table; one that an older program did not have yet is None, a table none."""
    there = {row[1] for row in raw.execute(f"PRAGMA table_info({table})").fetchall()}
    if not there:
        return []
    words = ", ".join(name if name in there else f"NULL AS {name}" for name in columns)
    found: list[tuple[Any, ...]] = raw.execute(f"SELECT {words} FROM {table} ORDER BY {order}").fetchall()
    return found


def _files(raw: str | None) -> tuple[Attachment, ...]:
    with suppress(ValueError, KeyError, TypeError, json.JSONDecodeError):
        return tuple(load_attachments(raw))
    return ()


def _tickets(folder: Path, key: bytes, ids: set[bytes]) -> dict[bytes | None, tuple[int | None, str]]:
    """Return number and subject of tickets, as far as the replica can be read: it only helps to find one's way."""
    found: dict[bytes | None, tuple[int | None, str]] = {}
    if not ids or not replica_path(folder).exists():
        return found
    with suppress(StoreUnavailable), our_errors():
        raw = open_raw(file_uri(replica_path(folder), "rw"), key, cache_kib=1_024)
        try:
            raw.execute("PRAGMA query_only=ON")
            for id_ in ids:
                row = raw.execute("SELECT number, subject FROM ticket WHERE id = ?", (id_,)).fetchone()
                if row is not None:
                    found[id_] = (row[0], row[1])
        finally:
            raw.close()
    return found
