# SPDX-License-Identifier: GPL-3.0-or-later
"""pending.db, the precious file: saves changes with their previews, drafts and window state; fulfils `Commits`.

Written only here, only by the window's process. One writer at a time: a lock, not luck. "Saved" means that the
transaction is on disk; nothing waits for the worker or the server.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Protocol

import msgspec

from app.domain.changes import WHOLE_ROW, Actor, AnyChange, Context, Row, inverse, touched_fields
from app.domain.entities import CONFLICT, HISTORY, TICKET
from app.domain.errors import Refused, StoreUnavailable
from app.domain.executor import Decide, Outcome, Texts, execute
from app.domain.ids import TicketId, UserId, hlc_ms, hlc_of, new_id
from app.domain.ports import Committed, Draft, DraftKey, DraftKind, Identity, PlannedSend, Seen
from app.store import carried_drafts, drafts, renumber
from app.store.cipher import Database, Session
from app.store.schema import table_of
from app.store.shown import Shown, ShownRows
from app.store.stray_drafts import label_of
from app.store.text import INDEXED, columns, document

_AHEAD_MS = 60_000


class ChangeCodec(Protocol):
    """The wire form of changes, handed in by app.entry: this package knows nothing of sync."""

    def encode(self, change: AnyChange) -> tuple[str, int, bytes]:
        """Return (name, version, canonical bytes)."""
        ...

    def decode(self, name: str, v: int, raw: bytes) -> AnyChange:
        """Return the change."""
        ...

    def hash(self, name: str, v: int, hlc: int, args: bytes, base: dict[str, tuple[int, int]]) -> bytes:
        """Return the hash over a mutation's canonical bytes."""
        ...


@dataclass(frozen=True, slots=True)
class Tools:
    """What the store is given: the wire form, the conflict policy, the clock, how long texts are merged.

    `discarded_days`: how long a discarded draft can be brought back.
    """

    codec: ChangeCodec
    decide: Decide
    now_ms: Callable[[], int]
    texts: Texts | None = None
    discarded_days: int = 30


def seen_of(row: Row | None, name: str, device: str, shown: Shown) -> Seen:
    """Return what an edit of a field starts from: its revision, and the own pending mid that last set it, or 0."""
    if row is None:
        return Seen(0)
    if name == WHOLE_ROW:
        mine = (s.mid for s in row.fld.values() if s.device == device and s.mid > 0 and shown.is_active(s.mid))
        return Seen(row.rev, max(mine, default=0))
    stamp = row.stamp(name)
    own = stamp.device == device and stamp.mid > 0 and shown.is_active(stamp.mid)
    return Seen(stamp.rev, stamp.mid if own else 0)


class PendingStore:
    """Saves what people here type. Every method blocks on the disk: call from the writer thread, never the GUI's."""

    def __init__(self, file: Database, readers: Callable[[], Database], tools: Tools) -> None:
        """`file` opens pending.db to write, `readers` gives the pool that reads both files."""
        self._file = file
        self._readers = readers
        self._tools = tools
        self._lock = threading.Lock()
        self._unsure = False  # what the last transaction left is to be read
        self._hlc = 0
        with file.read() as tx:
            self._identity = read_identity(tx)
            self._read_numbers(tx)

    def _read_numbers(self, tx: Session) -> None:
        self._next_mid = int(tx.value("SELECT v FROM meta WHERE k = 'next_mid'") or 1)
        self._next_provisional = int(tx.value("SELECT v FROM meta WHERE k = 'next_provisional'") or 1)
        near = hlc_of(self._tools.now_ms() + _AHEAD_MS)
        self._hlc = max(self._hlc, int(tx.value("SELECT max(hlc) FROM outbox WHERE hlc <= ?", (near,)) or 0))
        self._unsure = False

    @property
    def identity(self) -> Identity | None:
        """Who is signed in on this device."""
        return self._identity

    def save_identity(self, identity: Identity) -> None:
        """Remember who signed in. Raises Refused("other_account"): a profile belongs to one account."""
        with self._lock:
            if self._identity is not None and self._identity.account != identity.account:
                raise Refused("other_account")
            with self._file.write() as tx:
                write_identity(tx, identity)
            self._identity = identity

    def provisional(self) -> str:
        """Return the next provisional ticket number of this device, as ~K7-12; never given twice."""
        with self._lock:
            identity = self._signed_in()
            number = self._next_provisional
            with self._file.write() as tx:
                set_meta(tx, "next_provisional", number + 1)
            self._next_provisional = number + 1
            return f"~{identity.device_code}-{number}"

    def commit(
        self, change: AnyChange, seen: Mapping[str, Seen] | None = None, clears: DraftKey | None = None
    ) -> Committed:
        """Save a change and its preview in one transaction, in which the draft `clears` goes.

        Raises Refused, StoreUnavailable.
        """
        return self._commit(change, seen, clears)

    def _commit(
        self, change: AnyChange, seen: Mapping[str, Seen] | None, clears: DraftKey | None,
        carried: carried_drafts.Due | None = None,
    ) -> Committed:  # fmt: skip
        with self._lock:
            identity = self._signed_in()
            if self._unsure:
                with self._file.read() as tx:
                    self._read_numbers(tx)
            with self._readers().read() as tx:
                shown = Shown(tx)
                rows = ShownRows(shown)
                base = self._base(change, seen or {}, rows, identity, shown)
                # a file from a backup would give numbers again that are confirmed: such work never showed nor went out
                context = self._context(identity, max(self._next_mid, shown.lmid + 1), self._next_hlc())
                undo = inverse(change, rows.get, new_id())
                outcome = execute(change, base, rows, context, self._tools.decide, self._tools.texts)
                ticket = root_ticket(change, outcome)
                images = [(row, rows.seq(row.type, row.id)) for row in outcome.puts.values()]
            self._save(change, base, context, images, ticket, clears, carried)
            ids = frozenset(id_ for _, id_ in outcome.puts) | (frozenset({ticket}) if ticket else frozenset())
            return Committed(context.mid, ids, undo)

    def _signed_in(self) -> Identity:
        if self._identity is None:
            raise Refused("not_signed_in")
        return self._identity

    def _next_hlc(self) -> int:
        """Later than the last one, unless that was made while the clock was far ahead: such a time is not carried on.

        The order of own changes does not hang on it: they go out by mid, and each names the one it follows.
        """
        now_ms = self._tools.now_ms()
        now = hlc_of(now_ms)
        return now if self._hlc > hlc_of(now_ms + _AHEAD_MS) else max(now, self._hlc + 1)

    def _context(self, identity: Identity, mid: int, hlc: int) -> Context:
        now = self._tools.now_ms()
        return context_of(identity, mid, hlc, now)

    def _base(
        self, change: AnyChange, seen: Mapping[str, Seen], rows: ShownRows, identity: Identity, shown: Shown
    ) -> dict[str, tuple[int, int]]:
        touched = touched_fields(change, rows)
        if touched is None:
            return {}
        type_, id_, names = touched
        row = rows.get(type_, id_)
        found = {n: seen.get(n) or seen_of(row, n, identity.device_code, shown) for n in names}
        return {name: (entry.rev, entry.after) for name, entry in found.items()}

    def _save(
        self,
        change: AnyChange,
        base: dict[str, tuple[int, int]],
        context: Context,
        images: Sequence[tuple[Row, int]],
        ticket: bytes | None,
        clears: DraftKey | None,
        carried: carried_drafts.Due | None,
    ) -> None:
        codec = self._tools.codec
        name, version, args = codec.encode(change)
        touched = msgspec.msgpack.encode([(row.type, row.id) for row, _ in images])
        scopes = json.dumps(sorted({row.scope for row, _ in images}))
        hashed = codec.hash(name, version, context.hlc, args, base)
        packed = msgspec.msgpack.encode(base)
        with self._sure_of(context.mid, hashed), self._file.write() as tx:
            tx.run(
                "INSERT INTO outbox(mid, name, v, args, base, hash, hlc, touched, scopes, ticket, created) "
                "VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    context.mid,
                    name,
                    version,
                    args,
                    packed,
                    hashed,
                    context.hlc,
                    touched,
                    scopes,
                    ticket,
                    context.now_ms,
                ),
            )
            set_meta(tx, "next_mid", context.mid + 1)
            if clears is not None:
                drafts.clear(tx, clears, context.now_ms, sent=True)
            if carried is not None:
                drafts.mark_carried(tx, carried.row, carried.updated)
            for row, seq in images:
                write_image(tx, row, seq)
                tx.run("INSERT OR IGNORE INTO over_key VALUES(?, ?, ?)", (row.type, row.id, context.mid))
        self._next_mid = context.mid + 1
        self._hlc = context.hlc

    @contextmanager
    def _sure_of(self, mid: int, hashed: bytes) -> Iterator[None]:
        """A COMMIT may report an error and be on disk all the same: then the change is saved, and saved once."""
        self._unsure = True
        try:
            yield
        except StoreUnavailable:
            with self._file.read() as tx:
                there = tx.value("SELECT hash FROM outbox WHERE mid = ?", (mid,))
            if there != hashed:
                raise
        self._unsure = False

    def renumber(self, device: bytes, device_code: str, keep_above: int) -> bool:
        """Take a new device id and number what the server has not confirmed anew; False if that is done already.

        One transaction. Raises StoreUnavailable, Refused("not_signed_in").
        """
        with self._lock:
            identity = self._signed_in()
            if identity.device == device:
                return False
            identity = replace(identity, device=device, device_code=device_code)
            with self._file.read() as tx:
                outbox = renumber.read_outbox(tx)
            with self._readers().read() as tx:
                shown = ShownRows(Shown(tx))
                codec = self._tools.codec
                new = renumber.plan(outbox, keep_above, codec, shown, lambda *field: renumber.base_rev(tx, *field))
            with self._file.write() as tx:
                renumber.write(tx, new, self._tools.now_ms())
                write_identity(tx, identity)
                set_meta(tx, "next_mid", new.next_mid)
            self._identity, self._next_mid = identity, new.next_mid
            return True

    # --- drafts and window state ----------------------------------------------------------------------------------

    def save_draft(self, draft: Draft) -> None:
        """Keep unsent text; an empty body discards the draft. Raises StoreUnavailable."""
        with self._readers().read() as both:
            label = label_of(Shown(both), draft.ticket)
        with self._lock, self._file.write() as tx:
            drafts.keep(tx, draft, label, self._tools.now_ms())

    def draft(self, ticket: TicketId, kind: DraftKind) -> Draft | None:
        """Return the unsent text, or None: that of this device, of another one, or of a ticket merged into this one."""
        identity = self._identity
        if identity is None:
            with self._file.read() as tx:
                return drafts.read(tx, ticket, kind)
        who = identity.account, identity.device_code
        with self._readers().read() as both:
            shown = Shown(both)
            found = carried_drafts.find(shown, *who, ticket, kind)
            away = carried_drafts.merged_away(shown, ticket)
            came = [(t, f.draft) for t in away if (f := carried_drafts.find(shown, *who, t, kind)).draft is not None]
        if found.gone:
            with self._lock, self._file.write() as tx:
                drafts.clear(tx, (ticket, kind), self._tools.now_ms(), sent=True)
        return self._follow_merges(ticket, found.draft, came)

    def _follow_merges(
        self, ticket: TicketId, found: Draft | None, came: Sequence[tuple[TicketId, Draft | None]]
    ) -> Draft | None:
        """Move what was typed on tickets that were merged into this one; nothing is lost, and nothing goes out."""
        if not came or (found is not None and found.send is not None):
            return found
        for _source, draft in came:
            found = carried_drafts.moved(found, draft, ticket) if draft is not None else found
        if found is not None:
            self.save_draft(found)
        with self._lock, self._file.write() as tx:
            for source, draft in came:
                if draft is not None:
                    drafts.take_away(tx, replace(draft, ticket=source), self._tools.now_ms())
        return found

    def carry_drafts(self, ticket: TicketId | None) -> int:
        """Queue what other devices of this person do not know of a ticket's drafts (None: all); returns the mid or 0.

        Raises StoreUnavailable.
        """
        identity = self._identity
        if identity is None:
            return 0
        with self._readers().read() as both:
            todo = carried_drafts.due(Shown(both), identity.account, ticket)
        mid = 0
        for each in todo:
            mid = self._commit(each.change, None, None, each).mid
        return mid

    def planned_sends(self) -> Sequence[PlannedSend]:
        """Return the drafts that go out by themselves, the next one first."""
        with self._file.read() as tx:
            return drafts.planned(tx)

    def ui_state(self, key: str) -> str | None:
        """Return a remembered piece of window state."""
        with self._file.read() as tx:
            value = tx.value("SELECT v FROM ui_state WHERE k = ?", (key,))
        return None if value is None else str(value)

    def save_ui_state(self, key: str, value: str) -> None:
        """Remember a piece of window state."""
        with self._lock, self._file.write() as tx:
            tx.run("INSERT OR REPLACE INTO ui_state VALUES(?, ?)", (key, value))

    @property
    def lock(self) -> threading.Lock:
        """Held by whoever writes the file."""
        return self._lock


# --- shared by the repair, the rebuild and the tests ------------------------------------------------------------------


def context_of(identity: Identity, mid: int, hlc: int, now_ms: int) -> Context:
    """Return the context of an own change, now or replayed."""
    actor = Actor("user", identity.account, identity.roles)
    return Context(actor, hlc_ms(hlc), now_ms, hlc, identity.device_code, mid, on_server=False)


def set_meta(tx: Session, key: str, value: object) -> None:
    """Write one of the file's own facts."""
    tx.run("INSERT OR REPLACE INTO meta VALUES(?, ?)", (key, value))


def read_identity(tx: Session) -> Identity | None:
    """Return who is signed in, from pending.db as `main`."""
    raw = tx.value("SELECT v FROM meta WHERE k = 'identity'")
    device = tx.value("SELECT v FROM meta WHERE k = 'device_id'")
    if raw is None or device is None:
        return None
    data = json.loads(raw)
    return Identity(
        UserId(bytes.fromhex(data["account"])), data["login"], data["name"], frozenset(data["roles"]), device,
        data["device_code"], data["server"],
    )  # fmt: skip


def write_identity(tx: Session, identity: Identity) -> None:
    """Store who is signed in."""
    set_meta(tx, "device_id", identity.device)
    data = {
        "account": identity.account.hex(), "login": identity.login, "name": identity.name,
        "roles": sorted(identity.roles), "device_code": identity.device_code, "server": identity.server,
    }  # fmt: skip
    set_meta(tx, "identity", json.dumps(data, ensure_ascii=False))


def write_image(tx: Session, row: Row, seq: int) -> None:
    """Write a row's image and its index entry."""
    table = table_of(row.type)
    tx.run(table.insert(table.overlay), table.raw(row, seq))
    indexed = INDEXED.get(row.type)
    if indexed is None:
        return
    drop_document(tx, row.type, row.id)
    if row.deleted:
        return
    names, owner = indexed
    text = document(row.type, [row.values.get(c) for c in names])
    tx.run(
        "INSERT INTO fts_doc(type, id, owner) VALUES(?, ?, ?)",
        (row.type, row.id, row.id if owner == "id" else row.values.get(owner)),
    )
    rowid = tx.value("SELECT rowid FROM fts_doc WHERE type = ? AND id = ?", (row.type, row.id))
    tx.run("INSERT INTO fts(rowid, body, cjk) VALUES(?, ?, ?)", (rowid, *columns(text)))


def drop_document(tx: Session, type_: int, id_: bytes) -> None:
    """Remove a row's index entry."""
    rowid = tx.value("SELECT rowid FROM fts_doc WHERE type = ? AND id = ?", (type_, id_))
    if rowid is not None:
        tx.run("DELETE FROM fts WHERE rowid = ?", (rowid,))
        tx.run("DELETE FROM fts_doc WHERE rowid = ?", (rowid,))


def root_ticket(change: AnyChange, outcome: Outcome) -> bytes | None:
    """Return the ticket that a change is about."""
    ticket = getattr(change, "ticket", None)
    if isinstance(ticket, bytes):
        return ticket
    for type_, id_ in outcome.puts:
        if type_ == TICKET.number:
            return id_
        row = outcome.puts[type_, id_]
        subject = row.values.get("subject")
        tells = type_ in (HISTORY.number, CONFLICT.number) and row.values.get("subject_type") == TICKET.number
        if tells and isinstance(subject, bytes):
            return subject
    return None
