# SPDX-License-Identifier: GPL-3.0-or-later
"""Attachments by content: uploads that go on where they stopped, a checked hash, and readers who may see a row.

Files lie sealed in a folder that all server processes share. What is not complete belongs to the account that sends it.
Whoever writes, moves or removes a file holds its lock, so that no two of them meet. Blocking; `now` in milliseconds.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from app.domain.attachments import MAX_FILE_BYTES
from app.domain.changes import Row
from app.domain.entities import BY_NUMBER, CONFLICT, MESSAGE, TICKET
from sync.server.access import check_companion, load_device, scopes_of
from sync.server.blob_locks import BlobLocks
from sync.server.problems import ProblemError
from sync.server.schema import ENTITY_TABLES, SYSTEM
from sync.server.sealed_blobs import HEAD_BYTES, BlobSeal, StoredBlob
from sync.server.sight import seen_by, sight_columns
from sync.server.store import Store
from sync.server.tokens import COMPANION, Grant

__all__ = ["CHUNK_MAX_BYTES", "MAX_BYTES", "PUT_MAX_BYTES", "Blobs", "note_references"]

MAX_BYTES = MAX_FILE_BYTES
CHUNK_MAX_BYTES = 4 << 20
PUT_MAX_BYTES = 1 << 20
_UNFINISHED_MAX_BYTES = 1 << 30  # of one account
_UNFINISHED_MAX = 500
_CUSTOMER_DAY_BYTES = 1 << 30  # whole ones of one customer: whoever is invited to write must not fill the disk
_UNFINISHED_MS = 7 * 86_400_000
_LONE_MS = 30 * 86_400_000
_FRESH_MS = 86_400_000
_FORM = "form"  # who sends by a form has no device
_CLAIM = 0  # a `blob_ref` of this type names an account that sent the content itself
_HASH_STEP = 1 << 20


class Blobs:
    """Uploads and downloads over a store and a folder."""

    def __init__(self, store: Store, folder: Path, clock: Callable[[], int], key: bytes) -> None:
        """`key` seals what lies in the folder, 32 bytes: `ServerKeys.attachments`."""
        self._store = store
        self._folder = folder
        self._seal = BlobSeal(key)
        self._clock = clock
        self._locks = BlobLocks(folder / "locks")

    def path(self, sha256: bytes) -> Path:
        """Return where a complete blob lies."""
        return self._folder / sha256[:1].hex() / sha256.hex()

    def offset(self, who: Grant, sha256: bytes) -> tuple[int, bool]:
        """Return how much the server has for this account, and whether that is all. Raises ProblemError 404.

        A blob that the account may not read, and did not send, does not exist for it.
        """
        size = self._wanted_again(who, sha256)
        if size is not None:
            return size, True
        have = self._seal.length(self._part(who, sha256))
        if have is None:
            raise ProblemError(404, "not_found")
        return have, False

    def read(self, who: Grant, sha256: bytes) -> StoredBlob:
        """Return a complete blob. Raises ProblemError 404."""
        return self._found(sha256, self._readable(who, sha256))

    def _found(self, sha256: bytes, size: int | None) -> StoredBlob:
        if size is None or not self.path(sha256).exists():
            raise ProblemError(404, "not_found")
        return StoredBlob(self.path(sha256), size, self._seal)

    def append(self, who: Grant, sha256: bytes, offset: int, length: int, chunk: bytes) -> tuple[int, bool]:
        """Take a chunk; return how much is there now and whether that is all.

        Raises ProblemError: 409 `offset` with the expected one, 413 `too_large` or `quota`, 400 `hash` when the whole
        is not what its name says (it must be sent again from 0), 503 `busy` when the disk is full.
        """
        if not 0 <= length <= MAX_BYTES or len(chunk) > CHUNK_MAX_BYTES or offset + len(chunk) > length:
            raise ProblemError(413, "too_large")
        self._check_quota(who, len(chunk))
        if who.kind == COMPANION and offset == 0:
            self._check_day(who, length)
        with self._locks.held(sha256):  # two at once, of one account or from two servers, would mix their bytes
            size = self._wanted_again(who, sha256)
            if size is not None:
                return size, True
            part = self._part(who, sha256)
            have = self._seal.length(part) or 0
            if offset != have:
                raise ProblemError(409, "offset", expected=have)
            self._add_to(part, have, chunk, is_last=have + len(chunk) == length)
            if have + len(chunk) < length:
                return have + len(chunk), False
            self._complete(who, sha256, part, length)
            return length, True

    def put(self, who: Grant, sha256: bytes, content: bytes) -> None:
        """Take a small blob whole. Raises ProblemError as `append`."""
        if len(content) > PUT_MAX_BYTES:
            raise ProblemError(413, "too_large")
        if hashlib.sha256(content).digest() != sha256:
            raise ProblemError(400, "hash")
        if self._wanted_again(who, sha256) is None:
            with self._locks.held(sha256), suppress(OSError):
                self._part(who, sha256).unlink(missing_ok=True)
            self.append(who, sha256, 0, len(content), content)

    def take(self, customer: bytes, content: bytes) -> bytes:
        """Take a file that came with a form, as sent by this customer, and return its hash. Raises as `append`."""
        if not content or len(content) > MAX_BYTES:
            raise ProblemError(413, "too_large")
        who, sha256 = Grant(_FORM, customer, customer, 0), hashlib.sha256(content).digest()
        self._check_quota(who, len(content))
        self._check_day(who, len(content))
        with self._locks.held(sha256):
            part = self._part(who, sha256)
            with suppress(OSError):
                part.unlink(missing_ok=True)
            self._add_to(part, 0, content, is_last=True)
            self._complete(who, sha256, part, len(content))
        return sha256

    def of_message(self, message: bytes, sha256: bytes) -> StoredBlob:
        """Return a complete blob that a message names, whose author had it. Raises ProblemError 404."""
        table = SYSTEM.blob
        with self._store.read() as connection:
            named = _naming(ENTITY_TABLES[MESSAGE.number], sha256, MESSAGE.number)
            rows = ENTITY_TABLES[MESSAGE.number]
            found = connection.execute(named.where(rows.c.id == message)).first()
            query = sa.select(table.c.size).where(table.c.sha256 == sha256, table.c.state == "complete")
            size = connection.execute(query).scalar() if found is not None else None
        return self._found(sha256, size)

    def clear(self) -> int:
        """Delete what no row has named for 30 days and uploads nobody went on with for a week; return how many.

        What an earlier version left plain is sealed.
        """
        now = self._clock()
        removed = 0
        for part in (self._folder / "parts").glob("*.part"):
            with suppress(OSError, ValueError, ProblemError), self._locks.held(bytes.fromhex(part.name[:64])):
                if part.stat().st_mtime * 1000 < now - _UNFINISHED_MS:
                    part.unlink()
                    removed += 1
        for sha256 in self._store.write(lambda cx: _forget_lone(cx, now - _LONE_MS)):
            removed += self._remove(sha256)
        self._seal_plain()
        return removed + self._remove_strays(now)

    def _seal_plain(self) -> None:
        table = SYSTEM.blob
        with self._store.read() as connection:
            rows = connection.execute(sa.select(table.c.sha256, table.c.size).where(table.c.state == "complete")).all()
        for sha256, size in rows:
            stored = StoredBlob(self.path(bytes(sha256)), size, self._seal)
            if stored.is_plain:
                with suppress(OSError, ProblemError), self._locks.held(bytes(sha256)):
                    if stored.is_plain:  # another process may have been here first
                        self._seal.close_up(stored.path)

    def _remove(self, sha256: bytes) -> int:
        """Delete the file of a blob that the database does not know (any more)."""
        with suppress(OSError, ProblemError), self._locks.held(sha256):
            with self._store.read() as connection:  # it may have been sent again since it was forgotten
                known = connection.execute(sa.select(SYSTEM.blob.c.size).where(SYSTEM.blob.c.sha256 == sha256)).first()
            if known is None:
                self.path(sha256).unlink()
                return 1
        return 0

    def _remove_strays(self, now: int) -> int:
        """Delete old files without a row: a server that died between the two left them."""
        removed, table = 0, SYSTEM.blob
        for folder in self._folder.glob("[0-9a-f][0-9a-f]"):
            with suppress(OSError, ValueError):
                old = [p.name for p in folder.iterdir() if p.stat().st_mtime * 1000 < now - _LONE_MS]
                marks = [bytes.fromhex(name) for name in old]
                with self._store.read() as connection:
                    asked = sa.select(table.c.sha256).where(table.c.sha256.in_(marks))
                    known = {bytes(mark) for mark in connection.execute(asked).scalars()}
                removed += sum(self._remove(mark) for mark in marks if mark not in known)
        return removed

    def damaged(self, connection: sa.Connection) -> list[bytes]:
        """Return the complete ones whose file is not there, or not of its size."""
        table = SYSTEM.blob
        rows = connection.execute(sa.select(table.c.sha256, table.c.size).where(table.c.state == "complete"))
        found = [(bytes(sha256), size) for sha256, size in rows]
        return sorted(mark for mark, size in found if not StoredBlob(self.path(mark), size, self._seal).is_there)

    def _wanted_again(self, who: Grant, sha256: bytes) -> int | None:
        """Return the size of what the sender need not send; as the row that names it may follow, it is kept on.

        Who may read it might have sent it: a claim says so, and rows of that account may name it.
        """
        size = self._readable(who, sha256)
        if size is None:
            return None
        now, table = self._clock(), SYSTEM.blob
        with self._store.read() as connection:
            at = connection.execute(sa.select(table.c.at).where(table.c.sha256 == sha256)).scalar()
            if at is not None and at >= now - _FRESH_MS and _has_claim(connection, sha256, who.subject):
                return size

        def work(connection: sa.Connection) -> bool:
            kept = connection.execute(table.update().where(table.c.sha256 == sha256).values(at=now)).rowcount
            if kept:
                _refer(connection, [(sha256, _CLAIM, who.subject)])
            return bool(kept)

        return size if self._store.write(work) else None

    def _readable(self, who: Grant, sha256: bytes) -> int | None:
        """Return the size of a complete blob that the account sent itself or sees a row of.

        The row must be of somebody who had the content: naming a hash that one has read somewhere opens nothing.
        """
        table = SYSTEM.blob
        with self._store.read() as connection:
            if who.kind == COMPANION:
                check_companion(connection, who.device, who.subject)
                shows = partial(_shown_to_customer, customer=who.subject)
            else:
                device = load_device(connection, who.device, who.subject)
                shows = partial(_shown_to_staff, scopes=list(scopes_of(connection, device.account)))
            query = sa.select(table.c.size).where(table.c.sha256 == sha256, table.c.state == "complete")
            size = connection.execute(query).scalar()
            if size is None:
                return None
            if _has_claim(connection, sha256, who.subject):
                return int(size)
            refs = SYSTEM.blob_ref
            types = connection.execute(sa.select(refs.c.type).where(refs.c.sha256 == sha256).distinct()).scalars()
            found = any(shows(connection, sha256, type_) for type_ in sorted({*types.all()} - {_CLAIM}))
            return int(size) if found else None

    def _part(self, who: Grant, sha256: bytes) -> Path:
        return self._folder / "parts" / f"{sha256.hex()}-{who.subject.hex()}.part"

    def _check_quota(self, who: Grant, more: int) -> None:
        parts = (self._folder / "parts").glob(f"*-{who.subject.hex()}.part")
        own = [size for part in parts if (size := self._seal.length(part)) is not None]
        if sum(own) + more > _UNFINISHED_MAX_BYTES or len(own) > _UNFINISHED_MAX:
            raise ProblemError(413, "quota")

    def _check_day(self, who: Grant, more: int) -> None:
        table = SYSTEM.blob
        sent = sa.select(sa.func.coalesce(sa.func.sum(table.c.size), 0)).where(
            table.c.account_id == who.subject, table.c.at > self._clock() - _FRESH_MS
        )
        with self._store.read() as connection:
            if int(connection.execute(sent).scalar_one()) + more > _CUSTOMER_DAY_BYTES:
                raise ProblemError(413, "quota")

    def _add_to(self, part: Path, have: int, chunk: bytes, *, is_last: bool) -> None:
        """Write a chunk, the last one down to the disk. Raises ProblemError 503 `busy`; then nothing was added."""
        try:
            part.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            if self._seal.length(part) is None:  # none, or one that is not sealed: it begins anew
                part.write_bytes(self._seal.begin())
            with part.open("r+b") as stream:
                head = stream.read(HEAD_BYTES)
                stream.seek(HEAD_BYTES + have)
                stream.write(self._seal.seal(head, have, chunk))
                if is_last:
                    stream.flush()
                    os.fsync(stream.fileno())
        except OSError as error:
            with suppress(OSError):
                os.truncate(part, HEAD_BYTES + have)
            raise ProblemError(503, "busy", retry_s=60) from error

    def _complete(self, who: Grant, sha256: bytes, part: Path, size: int) -> None:
        digest = hashlib.sha256()
        with self._seal.open(part) as stream:
            while piece := stream.read(_HASH_STEP):
                digest.update(piece)
        if digest.digest() != sha256:
            part.unlink(missing_ok=True)
            raise ProblemError(400, "hash")
        target, now = self.path(sha256), self._clock()
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        part.replace(target)

        def work(connection: sa.Connection) -> None:
            connection.execute(
                sa.text(
                    "INSERT INTO blob (sha256, size, have, state, media_type, account_id, at) VALUES "
                    "(:sha256, :size, :size, 'complete', '', :account, :at) "
                    "ON CONFLICT (sha256) DO UPDATE SET at = excluded.at"
                ),
                {"sha256": sha256, "size": size, "account": who.subject, "at": now},
            )
            _refer(connection, [(sha256, _CLAIM, who.subject)])

        self._store.write(work)


def note_references(connection: sa.Connection, rows: Iterable[Row]) -> None:
    """Keep which rows name which blobs. In the transaction of the rows."""
    found = [(sha256, row.type, row.id) for row in rows for sha256 in _named(_attachments_of(row))]
    if found:
        _refer(connection, found)


def _attachments_of(row: Row) -> object:
    """Return the JSON of what a row names; a held reply's files wait with it."""
    if row.type != CONFLICT.number:
        return row.values.get("attachments")
    mine = row.values.get("mine")
    if not isinstance(mine, str) or '"attachments":[{' not in mine:
        return None
    with suppress(ValueError, KeyError, TypeError, AttributeError):
        return json.dumps(json.loads(mine)["args"]["attachments"])
    return None


def _shown_to_staff(connection: sa.Connection, sha256: bytes, type_: int, *, scopes: list[str]) -> bool:
    rows = ENTITY_TABLES[type_]
    seen = _naming(rows, sha256, type_).where(rows.c.scope_id.in_(scopes))
    return connection.execute(seen.limit(1)).first() is not None


def _shown_to_customer(connection: sa.Connection, sha256: bytes, type_: int, *, customer: bytes) -> bool:
    """Customers read on their own tickets what is theirs to read, never a note or another customer's words."""
    if type_ != MESSAGE.number:
        return False
    rows, tickets = ENTITY_TABLES[type_], ENTITY_TABLES[TICKET.number]
    own = sa.select(tickets.c.id).where(tickets.c.customer == customer, tickets.c.deleted == sa.false())
    found = connection.execute(_naming(rows, sha256, type_).where(rows.c.ticket.in_(own)).add_columns(*sight_columns()))
    return bool(seen_by(connection, customer, found.all()))


def _naming(rows: sa.Table, sha256: bytes, type_: int) -> sa.Select[Any]:
    """Select the live rows that name a blob and whose author had it, or that the server wrote itself."""
    refs, claims = SYSTEM.blob_ref, SYSTEM.blob_ref.alias()
    ids = sa.select(refs.c.entity_id).where(refs.c.sha256 == sha256, refs.c.type == type_)  # a logo is in every message
    owners = sa.select(claims.c.entity_id).where(claims.c.sha256 == sha256, claims.c.type == _CLAIM)
    proven = sa.or_(rows.c.created_by.is_(None), rows.c.created_by.in_(owners))
    return sa.select(rows.c.id).where(rows.c.id.in_(ids), rows.c.deleted == sa.false(), proven)


def _has_claim(connection: sa.Connection, sha256: bytes, account: bytes) -> bool:
    refs = SYSTEM.blob_ref
    own = sa.select(refs.c.type).where(
        refs.c.sha256 == sha256, refs.c.type == _CLAIM, refs.c.entity_id == account
    )  # fmt: skip
    return connection.execute(own).first() is not None


def _named(text: object) -> list[bytes]:
    if not isinstance(text, str) or len(text) < 64:
        return []
    try:
        items = json.loads(text)
    except ValueError:
        return []
    marks = [str(item.get("sha256")) for item in items if isinstance(item, dict)] if isinstance(items, list) else []
    out = []
    for mark in marks:
        with suppress(ValueError):
            raw = bytes.fromhex(mark)
            out += [raw] if len(raw) == 32 else []
    return out


def _refer(connection: sa.Connection, refs: list[tuple[bytes, int, bytes]]) -> None:
    sql = sa.text(
        "INSERT INTO blob_ref (sha256, type, entity_id) VALUES (:sha256, :type, :id) "
        "ON CONFLICT (sha256, type, entity_id) DO NOTHING"
    )
    connection.execute(sql, [{"sha256": sha256, "type": type_, "id": id_} for sha256, type_, id_ in refs])


def _forget_lone(connection: sa.Connection, before: int) -> list[bytes]:
    """Remove blobs of before this time that no row names (any more); purged rows count as gone."""
    table, refs = SYSTEM.blob, SYSTEM.blob_ref
    for type_ in connection.execute(sa.select(refs.c.type).distinct()).scalars().all():
        if type_ in BY_NUMBER:
            gone = refs.c.entity_id.not_in(sa.select(ENTITY_TABLES[type_].c.id))
            connection.execute(refs.delete().where(refs.c.type == type_, gone))
    named = sa.select(refs.c.sha256).where(refs.c.type != _CLAIM)
    lone = sa.and_(table.c.at < before, table.c.sha256.not_in(named))
    found = []
    for sha256 in connection.execute(sa.select(table.c.sha256).where(lone)).scalars().all():
        # asked again: meanwhile somebody may have sent it again, or named it
        if connection.execute(table.delete().where(table.c.sha256 == sha256, lone)).rowcount:
            connection.execute(refs.delete().where(refs.c.sha256 == sha256, refs.c.type == _CLAIM))
            found.append(bytes(sha256))
    return found
