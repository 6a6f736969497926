# SPDX-License-Identifier: GPL-3.0-or-later
"""The invariants I1 to I9 and I16, asked at every checkpoint; each raises Violation. Those of the end: `ends.py`."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

import msgspec

from app.domain.entities import ENTITIES
from app.domain.replica import OutboxEntry, ReplicaState, ScopeState
from app.store.cipher import Session
from app.store.schema import quoted, table_of
from app.store.shown import Shown, ShownRows
from sync.protocol import Begin, FrameReader, Mark, PullFrame, PushAnswer, Sums
from tests.sync.sim.model_base import CHECKED, MESSAGE, NOTE, TICKET, TIME, Image, Key, Refusal
from tests.sync.sim.oracle import Violation, signed, version_hash

if TYPE_CHECKING:
    from tests.sync.sim.computer import Client
    from tests.sync.sim.world import World

_INSERTS = {
    "ticket.create": (TICKET, "ticket"), "message.add": (MESSAGE, "message"), "note.add": (NOTE, "note"),
    "time.add": (TIME, "entry"), "ticket.split": (TICKET, "new_ticket"),
}  # fmt: skip
_FULL_CHECK_EVERY = 4
_LIVE_ROWS = {
    e.number: f"SELECT {quoted(table_of(e.number).columns)} FROM {e.name} WHERE deleted = 0"  # noqa: S608  # - names of our own registry
    for e in ENTITIES
}


def short(state: ReplicaState) -> str:
    """Return a replica's cursors in a few words."""
    return " ".join(f"{s.id[:7]}={s.cursor}{'' if s.state == 'live' else s.state}" for s in state.scopes.values())


# --- after each checkpoint --------------------------------------------------------------------------------------------


def replica_is_true(world: World, client: Client, state: ReplicaState) -> None:
    """I1, I2, I5: cursors do not fall, and the base rows are what the server had at the cursors."""
    oracle, worker = world.oracle, client.worker
    assert worker is not None
    if world.asking:
        _many_went_unasked(world, client, state)
    if state.epoch != oracle.epoch:
        return  # it does not know yet that the server was restored
    if worker.core.counters.differing:
        raise Violation("I2", f"{client.person.login}: sums of {worker.core.counters.differing} differed")
    for scope in state.scopes.values():
        if scope.cursor < client.cursors.get(scope.id, 0) and scope.state == "live":
            raise Violation("I1", f"{client.person.login}: cursor of {scope.id} fell to {scope.cursor}")
        if scope.state == "live":
            client.cursors[scope.id] = scope.cursor
            expected = world.tomorrow.sums_at(scope.id, scope.cursor)
            loading = any(s.state == "loading" for s in state.scopes.values())
            if (scope.n, scope.xsum) != expected and (loading or _lacks_withdrawn(client, state, scope)):
                contents_are_true(world, client, state)  # some may have gone ahead to a scope that is being loaded
            elif (scope.n, scope.xsum) != expected:
                raise Violation(
                    "I2", f"{client.person.login}: {scope.id} at {scope.cursor} counts {scope.n}, not {expected[0]}"
                )
    client.cursors = {s: c for s, c in client.cursors.items() if s in state.scopes}
    live = {s.id: s.cursor for s in state.scopes.values() if s.state == "live"}
    # what a device renewed its id with has no counter yet, also when a hello takes scopes away before the next pull
    counted = state.lmid_seen or not live.items() <= client.uncounted.items()
    if counted and len(live) == len(state.scopes) and not oracle.one_moment(state.device, state.lmid_seen, live):
        raise Violation("I2", f"{client.person.login}: lmid {state.lmid_seen} and its cursors were never true together")
    if world.healed or state.checkpoint_no % _FULL_CHECK_EVERY == 0:
        contents_are_true(world, client, state)


def _many_went_unasked(world: World, client: Client, state: ReplicaState) -> None:
    """I16: most tickets go at once only when their scope is withdrawn, or when a person said so."""
    worker, before = client.worker, client.tickets
    assert worker is not None
    with worker.replica._file.read() as tx:
        here = dict(tx.all("SELECT id, scope_id FROM ticket WHERE deleted = 0"))
    here = {id_: scope for id_, scope in here.items() if scope in state.scopes}
    # what is loaded again is still here until its checkpoint; a first load is not yet anybody's to lose
    client.tickets = {id_: scope for id_, scope in here.items() if state.scopes[scope].state != "loading"}
    rows = world.oracle.past.rows
    gone = [
        id_
        for id_, scope in before.items()
        if id_ not in here
        and scope in state.scopes
        # one that went to a scope which is about to be loaded comes back with it; whether it was deleted there is not
        # known here yet: its exit only says where it went, and a first load leaves deleted rows out
        and (
            (row := rows.get((TICKET, id_))) is None
            or (to := state.scopes.get(row.scope)) is None
            or (row.deleted and to.state != "loading")
        )
    ]
    if len(gone) > 1 and len(gone) > 0.3 * len(before) and not client.allowed:
        raise Violation("I16", f"{client.person.login}: {len(gone)} of {len(before)} tickets went unasked")
    client.allowed = worker.core._unguarded  # a leave that is not used up yet outlives a server that starts over


def answer_is_stored(world: World, client: Client, device: bytes, answer: PushAnswer) -> None:
    """I4: an answer to a push, repeated or not, says what was stored when the mutation was first applied."""
    for result in answer.results:
        stored = world.oracle.past.results.get((device, result.mid))
        told = (result.was if result.st == "dup" else result.st, result.code)
        if told != stored:
            raise Violation("I4", f"{client.person.login}: mid {result.mid} was {stored}, the answer says {told}")


def answer_is_one_moment(world: World, client: Client, device: bytes, raw: list[bytes]) -> None:
    """I2: a complete answer to a pull says nothing that was not true all at once."""
    frames: list[PullFrame] = list(FrameReader().feed(b"".join(raw)))
    begin = next((f for f in reversed(frames) if isinstance(f, Begin)), None)
    sums = next((f for f in frames if isinstance(f, Sums)), None)
    if begin is None or sums is None or begin.epoch != world.oracle.epoch:
        return
    marks = {f.scope: f.to for f in frames if isinstance(f, Mark)}
    heads = {s: marks.get(s, begin.heads[s]) for s in sums.scopes}
    if not world.oracle.one_moment(device, begin.lmid, heads):
        raise Violation(
            "I2", f"{client.person.login} is told lmid {begin.lmid} with heads that were never true with it"
        )
    for scope, told in sums.scopes.items():
        if (told.n, told.xsum) != world.tomorrow.sums_at(scope, heads[scope]):
            raise Violation("I2", f"{client.person.login} is told wrong sums of {scope} at {heads[scope]}")


def contents_are_true(world: World, client: Client, state: ReplicaState) -> None:
    """I2 in full: every base row of every live scope, and none besides."""
    worker = client.worker
    assert worker is not None
    if state.epoch != world.oracle.epoch:
        return
    with worker.replica._file.read() as tx:
        held = _base_rows(tx)
        early = {s.id for s in state.scopes.values() if _lacks_withdrawn(client, state, s)}
        novel = world.tomorrow.held(client.person.login, tx, state, early)
    ahead = {key: s.id for s in state.scopes.values() if s.state == "loading" for key in held.get(s.id, ())}
    for scope in state.scopes.values():
        if scope.state != "live":
            continue
        wanted = world.oracle.at(scope.id, scope.cursor)
        mine = held.pop(scope.id, {})
        # what moved to a scope in its first load is there already; its exit comes with the next checkpoint
        gone = {key: ahead[key] for key in wanted.keys() - mine.keys() if key in ahead}
        gone |= {key: to for key, to in _lacks_withdrawn(client, state, scope).items() if key in wanted.keys() - mine}
        client.ahead[scope.id] = (scope.cursor, gone)
        wanted = {key: row for key, row in wanted.items() if key not in gone}
        if mine.keys() != wanted.keys():
            raise Violation(
                "I2", f"{client.person.login}: {scope.id} lacks {_names(wanted.keys() - mine.keys())}, "
                f"has too many {_names(mine.keys() - wanted.keys())}",
            )  # fmt: skip
        count, total = novel.get(scope.id, (0, 0))
        for key, (seq, image) in wanted.items():
            own_seq, own = mine[key]
            count, total = count + 1, total + version_hash(*key, seq)
            if own_seq != seq or own.rev != image.rev or own.values != image.values:
                raise Violation(
                    "I2", f"{client.person.login}: row {key[0]} {key[1].hex()} is not the server's at {seq}"
                )
        if (scope.n, scope.xsum) != (count, signed(total)):
            raise Violation("I2", f"{client.person.login}: {scope.id} has wrong sums for its rows")
    strangers = [s for s, rows in held.items() if rows and s not in state.scopes]
    if strangers:
        raise Violation("I5", f"{client.person.login}: still has rows of {strangers}")


def _lacks_withdrawn(client: Client, state: ReplicaState, scope: ScopeState) -> dict[Key, str]:
    """Return what a scope lacks since it went ahead to another that was withdrawn in its first load.

    By the newest word that is here, such a row is in a scope which this person may no longer see. To show its older
    version again would break I5; its exit from the scope that it left comes with that scope's next checkpoint.
    """
    cursor, gone = client.ahead.get(scope.id, (-1, {}))
    if cursor != scope.cursor:
        return {}
    return {key: to for key, to in gone.items() if to not in state.scopes or state.scopes[to].state == "loading"}


def _names(keys: set[Key]) -> list[str]:
    return [f"{t} {i.hex()}" for t, i in sorted(keys)]


def _base_rows(tx: Session) -> dict[str, dict[Key, tuple[int, Image]]]:
    out: dict[str, dict[Key, tuple[int, Image]]] = {}
    for number, sql in _LIVE_ROWS.items():
        for raw in tx.all(sql):
            out.setdefault(raw[1], {})[number, raw[0]] = (raw[2], _image_of(number, raw))
    return out


@lru_cache(maxsize=4096)
def _image_of(number: int, raw: tuple[Any, ...]) -> Image:
    """Return a stored row as the model has it; most are read again and again."""
    row = table_of(number).row(raw)
    return Image(row.scope, row.rev, dict(row.values))


# --- what people see --------------------------------------------------------------------------------------------------


def _active(client: Client, tx: Session) -> list[OutboxEntry]:
    """Return what counts as own work by the files alone, whatever the product makes of them."""
    device, lmid = client.person.device, tx.value("SELECT v FROM main.meta WHERE k = 'lmid_seen'") or 0
    if tx.value("SELECT v FROM main.meta WHERE k = 'device_id'") != device:
        lmid = 0
    rows = tx.all(
        "SELECT mid, name, v, hlc, hash, args, base, created FROM pending.outbox WHERE mid IN (SELECT mid FROM "
        "main.waiting) OR (mid > ? AND mid NOT IN (SELECT mid FROM main.needs_you WHERE kind = 'orphaned' "
        "AND device = ?)) ORDER BY mid",
        (lmid, device),
    )
    decode = msgspec.msgpack.Decoder(dict[str, tuple[int, int]]).decode
    return [OutboxEntry(m, name, v, hlc, h, args, decode(base), at) for m, name, v, hlc, h, args, base, at in rows]


def own_work_is_shown(world: World, client: Client) -> None:
    """I7, I8, I9: what was saved and is not confirmed is in view, whatever the worker did meanwhile."""
    window = client.window
    assert window is not None
    window.read(lambda shown: own_work_in(world, client, shown))


def own_work_in(world: World, client: Client, shown: Shown) -> None:
    """The same for one read transaction, however long ago it began."""
    rows = ShownRows(shown)
    stored = world.oracle.past.rows
    scopes = {scope for (scope,) in shown.tx.all("SELECT id FROM main.scope_state")}
    # what was confirmed once may wait for a lost replica to load, or after a restore for the rebuild
    for entry in _active(client, shown.tx):
        kind = _INSERTS.get(entry.name)
        if kind is None or entry.mid <= client.excused:
            continue
        id_ = msgspec.msgpack.decode(entry.args)[kind[1]]
        if rows.get(kind[0], id_) is not None:
            continue
        # one that waits for its scope to load may come with it and leave again, as its ticket did
        there = stored.get((kind[0], id_))
        if entry.mid > shown.lmid or (there is not None and there.scope in scopes):
            raise Violation("I9", f"{client.person.login}: {entry.name} mid {entry.mid} is not in view")


def view_is_replay(world: World, client: Client) -> None:
    """I3: after the rebuild the view is the base with the pending mutations replayed over it."""
    window = client.window
    assert window is not None
    window.read(lambda shown: _compare_view(world, client, shown))


def _compare_view(world: World, client: Client, shown: Shown) -> None:
    person = client.person
    scopes = dict(shown.tx.all("SELECT id, state FROM main.scope_state"))
    if scopes.get("ref") != "live":
        return  # without the states no rule can run: last images stay
    loading = {s for s, state in scopes.items() if state != "live"}
    put: dict[Key, Image] = {}
    unsure: set[bytes] = set()

    view = _Base(shown.tx, put)
    for entry in _active(client, shown.tx):
        deed = world.oracle.deed(entry, entry.hlc, person.code, person.account, on_server=False)
        about = {id_ for _, id_ in world.oracle.model.roots(view, deed)}
        try:
            if about & unsure:
                unsure |= about
                continue
            put.update(world.oracle.model.run(view, deed)[1])
        except Refusal:
            unsure |= about  # its last image stays until the server's word
    rows = ShownRows(shown)
    for key, image in put.items():
        owner = key[1] if key[0] in (TICKET, 10) else image.values.get("ticket") or image.values.get("subject")
        if owner in unsure or key[1] in unsure or image.scope in loading or key[0] not in CHECKED:
            continue
        seen = rows.get(*key)
        if seen is None:
            raise Violation("I3", f"{person.login}: row {key[0]} {key[1].hex()} is not in view")
        if seen.deleted != image.deleted:
            raise Violation("I3", f"{person.login}: {key[0]} {key[1].hex()} is shown deleted: {seen.deleted}")
        for name in CHECKED[key[0]]:
            if seen.values.get(name) != image.values.get(name):
                raise Violation(
                    "I3", f"{person.login}: {key[0]} {key[1].hex()} shows {name} {seen.values.get(name)!r}, "
                    f"should be {image.values.get(name)!r}",
                )  # fmt: skip


class _Base:
    """The replica's rows with what the replay has put over them so far."""

    def __init__(self, tx: Session, put: dict[Key, Image]) -> None:
        self._tx, self._put = tx, put

    def get(self, type_: int, id_: bytes) -> Image | None:
        return self._put.get((type_, id_)) or _base_row(self._tx, type_, id_)

    def find(self, type_: int, column: str, value: bytes) -> dict[bytes, Image]:
        name = table_of(type_).name
        ids = {i for (i,) in self._tx.all(f'SELECT id FROM main.{name} WHERE "{column}" = ?', (value,))}  # noqa: S608  # - names of our own registry
        ids |= {i for (t, i), row in self._put.items() if t == type_ and row.values.get(column) == value}
        found = {i: row for i in ids if (row := self.get(type_, i)) is not None}
        return {i: row for i, row in found.items() if row.values.get(column) == value}


def _base_row(tx: Session, type_: int, id_: bytes) -> Image | None:
    table = table_of(type_)
    columns = ", ".join(f'"{c}"' for c in table.columns)
    raw = tx.one(f"SELECT {columns} FROM main.{table.name} WHERE id = ?", (id_,))  # noqa: S608  # - names of our own registry
    if raw is None:
        return None
    row = table.row(raw)
    fld = {name: (s.rev, s.hlc, s.device, s.mid) for name, s in row.fld.items()}
    return Image(row.scope, row.rev, dict(row.values), fld, row.deleted)
