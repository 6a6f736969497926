# SPDX-License-Identifier: GPL-3.0-or-later
"""Watches the server's commits: checks each against the model, and remembers every state the server ever had."""

from __future__ import annotations

import bisect
import hashlib
import json
import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from app.domain.entities import ENTITIES
from sync.protocol import Mutation
from tests.sync.sim.env import Env
from tests.sync.sim.model import Model
from tests.sync.sim.model_base import ANY, CHECKED, CHILDREN, CONFLICT, TICKET, Deed, Image, Key, Refusal


class Violation(BaseException):
    """An invariant does not hold. No Exception: the product must not take it for an error of its own."""

    def __init__(self, invariant: str, text: str) -> None:
        super().__init__(f"{invariant}: {text}")
        self.invariant = invariant


_TABLES = {e.number: (e.name, e.columns) for e in ENTITIES}
_SELECT = {
    number: f'SELECT id, seq, deleted, rev, fld, {", ".join(chr(34) + c + chr(34) for c in columns)} FROM "{name}" '  # noqa: S608  # - names of our own registry
    "WHERE scope_id = ? AND seq > ? ORDER BY seq"
    for number, (name, columns) in _TABLES.items()
}
_BOOLS = {e.number: {f.name for f in e.fields if f.type == "bool"} for e in ENTITIES}


_LATE = 8  # how far below the head a seq is looked for that was given but not committed in time


def version_hash(type_: int, id_: bytes, seq: int) -> int:
    """Return the hash of a row's version, unsigned."""
    digest = hashlib.blake2b(type_.to_bytes(2, "big") + id_ + seq.to_bytes(8, "big"), digest_size=8).digest()
    return int.from_bytes(digest, "big")


def signed(total: int) -> int:
    """Return a sum as the protocol writes it."""
    total &= (1 << 64) - 1
    return total - (1 << 64) if total >> 63 else total


@dataclass
class Past:
    """What the oracle knows; copied when the server's database is copied."""

    rows: dict[Key, Image] = field(default_factory=dict)
    seqs: dict[Key, tuple[str, int]] = field(default_factory=dict)
    versions: dict[str, dict[Key, list[tuple[int, Image | None]]]] = field(default_factory=dict)
    heads: dict[str, int] = field(default_factory=dict)
    sums: dict[str, list[tuple[int, int, int]]] = field(default_factory=dict)  # scope -> (seq, n, xsum)
    lmids: dict[bytes, int] = field(default_factory=dict)
    moments: list[tuple[dict[bytes, int], dict[str, int]]] = field(default_factory=list)  # lmids and heads together
    results: dict[tuple[bytes, int], tuple[str, str | None]] = field(default_factory=dict)
    numbers: dict[bytes, int] = field(default_factory=dict)

    def copy(self) -> Past:
        """Return a past that may go its own way."""
        versions = {s: {k: list(v) for k, v in rows.items()} for s, rows in self.versions.items()}
        sums = {s: list(v) for s, v in self.sums.items()}
        return Past(
            dict(self.rows), dict(self.seqs), versions, dict(self.heads), sums, dict(self.lmids), list(self.moments),
            dict(self.results), dict(self.numbers),
        )  # fmt: skip


class _View:
    """Rows of the server with those that the running transaction changed.

    `told`: rows that the model cannot foretell, as the server made them.
    """

    def __init__(self, staged: dict[Key, Image], rows: dict[Key, Image], told: dict[Key, Image]) -> None:
        self._staged, self._rows, self._told = staged, rows, told

    def get(self, type_: int, id_: bytes) -> Image | None:
        key = (type_, id_)
        return self._staged.get(key) or self._rows.get(key) or self._told.get(key)

    def find(self, type_: int, column: str, value: bytes) -> dict[bytes, Image]:
        here = ((i, r) for (t, i), r in self._rows.items() if t == type_ and r.values.get(column) == value)
        out = {i: r for i, r in here if (type_, i) not in self._staged}
        return out | {i: r for (t, i), r in self._staged.items() if t == type_ and r.values.get(column) == value}


class Oracle:
    """One world's memory of the server."""

    def __init__(self, env: Env, note: Callable[..., None]) -> None:
        self._env = env
        self._note = note
        self.past = Past()
        self.sent: dict[tuple[bytes, int, bytes], Mutation] = {}
        self.codes: dict[str, bytes] = {p.code: p.account for p in env.people}
        self.model = Model(env.states, self.codes.get)
        self._cx: sqlite3.Connection
        self.open()
        self._read_commit(check=False)

    def open(self) -> None:
        """Open the server's file, also after it was replaced."""
        self._cx = sqlite3.connect(f"file:{self._env.server_file}?mode=ro", uri=True, isolation_level=None)

    def close(self) -> None:
        """Let go of the file."""
        self._cx.close()

    def replace(self, past: Past) -> None:
        """Go back to an older state: the server's file was restored."""
        self.past = past.copy()
        self.open()

    # --- a commit -----------------------------------------------------------------------------------------------------

    def on_commit(self) -> None:
        """Read what the server just committed and check it."""
        self._read_commit(check=True)

    def _read_commit(self, *, check: bool) -> None:
        past, cx = self.past, self._cx
        cx.execute("BEGIN")
        try:
            scopes = cx.execute("SELECT id, head, n, xsum, floor FROM scope").fetchall()
            changed: dict[Key, Image] = {}
            for scope, head, n, xsum, floor in scopes:
                if head != past.heads.get(scope, 0):
                    self._read_scope(scope, head, changed, floor)
                    self._check_sums(scope, head, n, xsum)
            devices = cx.execute("SELECT id, account_id, code, lmid, offset_ms FROM device").fetchall()
            for device in devices:
                if device[3] != past.lmids.get(device[0], 0):
                    self._read_results(device, changed, check=check)
        finally:
            cx.execute("ROLLBACK")
        past.rows |= changed
        for key, row in changed.items():
            self._check_parent(key, row)
            if key[0] == TICKET:
                self._check_number(key[1], row)
        for device in devices:
            self.codes[device[2]] = device[1]
            past.lmids[device[0]] = device[3]
        past.moments.append((dict(past.lmids), dict(past.heads)))

    def _read_scope(self, scope: str, head: int, changed: dict[Key, Image], floor: int) -> None:
        past, before = self.past, self.past.heads.get(scope, 0)
        seqs: list[int] = []
        low = max(0, before - _LATE)
        versions = past.versions.setdefault(scope, {})
        for seq, type_, id_ in self._cx.execute(
            "SELECT seq, type, id FROM scope_exit WHERE scope_id = ? AND seq > ?", (scope, low)
        ):
            known = versions.setdefault((type_, id_), [])
            if all(s != seq for s, _ in known):
                seqs.append(seq)
                known.append((seq, None))
                known.sort(key=lambda v: v[0])
        for type_, (_, columns) in _TABLES.items():
            for raw in self._cx.execute(_SELECT[type_], (scope, low)):
                if raw[1] <= before and self.past.seqs.get((type_, raw[0])) == (scope, raw[1]):
                    continue
                values = dict(zip(columns, raw[5:], strict=True))
                for name in _BOOLS[type_]:
                    values[name] = None if values[name] is None else bool(values[name])
                fld = {k: (v[0], v[1], v[2], v[3]) for k, v in json.loads(raw[4]).items()} if raw[4] != "{}" else {}
                image = Image(scope, raw[3], values, fld, bool(raw[2]))
                key = (type_, raw[0])
                changed[key] = image
                seqs.append(raw[1])
                self._take(key, scope, raw[1], image)
        if len(seqs) != len(set(seqs)) or any(seq > head for seq in seqs):
            raise Violation("I2", f"scope {scope} went from {before} to {head} with seqs {sorted(seqs)}")
        past.heads[scope] = head

    def _take(self, key: Key, scope: str, seq: int, image: Image) -> None:
        self.past.versions[scope].setdefault(key, []).append((seq, image))
        self.past.versions[scope][key].sort(key=lambda v: v[0])
        self.past.seqs[key] = (scope, seq)

    def _check_sums(self, scope: str, head: int, n: int, xsum: int) -> None:
        count = total = 0
        for key, versions in self.past.versions[scope].items():
            seq, image = versions[-1]
            if image is not None and not image.deleted:
                count, total = count + 1, total + version_hash(*key, seq)
        self.past.sums.setdefault(scope, []).append((head, count, signed(total)))
        if (count, signed(total)) != (n, xsum):
            raise Violation("I2", f"scope {scope} counts {n} rows, has {count}; or its sum differs")

    def _check_parent(self, key: Key, row: Image) -> None:
        parent = self.past.rows.get((TICKET, row.values[CHILDREN[key[0]]])) if key[0] in CHILDREN else None
        if parent is not None and parent.scope != row.scope:
            raise Violation("I6", f"{key[0]} {key[1].hex()} is in {row.scope}, its ticket in {parent.scope}")

    def _check_number(self, ticket: bytes, row: Image) -> None:
        number, held = row.values["number"], self.past.numbers.get(ticket)
        if number is None or (held is not None and held != number):
            raise Violation("I14", f"ticket {ticket.hex()} had number {held}, has {number}")
        if held is None:
            if number in self.past.numbers.values():
                raise Violation("I14", f"number {number} was given twice")
            self.past.numbers[ticket] = number

    # --- mutations ----------------------------------------------------------------------------------------------------

    def _read_results(self, device: Sequence[Any], changed: dict[Key, Image], *, check: bool) -> None:
        id_, account, code, lmid, offset = device
        seen = self.past.lmids.get(id_, 0)
        rows = self._cx.execute(
            "SELECT mid, hash, st, code, at FROM mutation_result WHERE device_id = ? AND mid > ? ORDER BY mid",
            (id_, seen),
        ).fetchall()
        if [r[0] for r in rows] != list(range(seen + 1, lmid + 1)):
            raise Violation("I4", f"device {code}: lmid went from {seen} to {lmid} with results {[r[0] for r in rows]}")
        scopes = {s for (s,) in self._cx.execute("SELECT scope_id FROM scope_access WHERE account_id = ?", (account,))}
        staged: dict[Key, Image] = {}
        told = self._conflicts_of_texts(changed)
        for mid, hash_, st, why, at in rows:
            self.past.results[id_, mid] = (st, why)
            mutation = self.sent.get((id_, mid, hash_))
            if mutation is None:
                raise Violation("I4", f"device {code} never sent mid {mid} with this hash")
            if check:
                hlc = self._clamped(mutation.hlc, offset, at)
                view = _View(staged, self.past.rows, told)
                self._predict(self.deed(mutation, hlc, code, account), scopes, st, why, view, staged)
        if check:
            self._compare(staged, changed, code)

    @staticmethod
    def _clamped(hlc: int, offset: int, now: int) -> int:
        return (max(0, min((hlc >> 16) + offset, now)) << 16) | (hlc & 0xFFFF)

    @staticmethod
    def deed(mutation: Any, hlc: int, code: str, account: bytes, *, on_server: bool = True) -> Deed:
        """Return a mutation as the model takes it."""
        args = msgspec.msgpack.decode(mutation.args)
        return Deed(mutation.name, args, mutation.base, hlc, code, mutation.mid, account, on_server)

    def _conflicts_of_texts(self, changed: dict[Key, Image]) -> dict[Key, Image]:
        """Return new conflicts of long texts as they came to be: a later deed of the same push may settle them."""
        return {
            key: Image(row.scope, 1, {**row.values, "status": "open"})
            for key, row in changed.items()
            if key[0] == CONFLICT and row.values["kind"] == "text" and key not in self.past.rows
        }

    def _predict(
        self, deed: Deed, scopes: set[str], st: str, why: str | None, view: _View, staged: dict[Key, Image]
    ) -> None:
        why_not: str | None = None
        try:
            expected, put = self._run(deed, view, scopes)
        except Refusal as refusal:
            expected, put = "conflict" if self.model.waits(view, deed) else "rejected", {}
            why_not = refusal.code
        if st != expected and not (expected == ANY and st in ("ok", "merged", "conflict")):
            raise Violation(
                "I2", f"{deed.name} mid {deed.mid} of {deed.code} is {st} ({why}), should be {expected} ({why_not})"
            )
        staged.update(put)

    def _run(self, deed: Deed, view: _View, scopes: set[str]) -> tuple[str, dict[Key, Image]]:
        named = (view.get(*key) for key in self.model.roots(view, deed))
        if any(row is not None and row.scope not in scopes for row in named):
            raise Refusal("scope")
        expected, put = self.model.run(view, deed)
        if any(k[0] == TICKET and r.scope not in scopes and view.get(*k) is None for k, r in put.items()):
            raise Refusal("scope")
        return expected, put

    def _compare(self, staged: dict[Key, Image], changed: dict[Key, Image], code: str) -> None:
        for key, image in changed.items():
            names = CHECKED.get(key[0])
            if names is None:
                continue
            wanted = staged.get(key)
            if wanted is None:
                if key in self.past.rows and all(
                    self.past.rows[key].values.get(n) == image.values.get(n) for n in names
                ):
                    continue  # only derived columns moved
                if key[0] == CONFLICT and image.values["kind"] == "text":
                    continue  # its words are looked for at the end
                raise Violation("I2", f"row {key[0]} {key[1].hex()} changed by {code}, and no mutation says so")
            self._same(key, wanted, image, names)
        for key, image in staged.items():
            if key not in changed and (held := self.past.rows.get(key)) is not None:
                self._same(key, image, held, CHECKED.get(key[0], ()))
            elif key not in changed and key[0] in CHECKED:
                raise Violation("I2", f"row {key[0]} {key[1].hex()} should be there")

    @staticmethod
    def _same(key: Key, wanted: Image, image: Image, names: Sequence[str]) -> None:
        for name in names:
            if key[0] == CONFLICT and name not in wanted.values:
                continue  # a held change: its words are looked for at the end
            if wanted.values.get(name) != image.values.get(name):
                raise Violation(
                    "I2",
                    f"{key[0]} {key[1].hex()} {name}: {image.values.get(name)!r}, not {wanted.values.get(name)!r}",
                )
        if (wanted.scope, wanted.deleted) != (image.scope, image.deleted):
            raise Violation(
                "I2", f"{key[0]} {key[1].hex()} is in {image.scope} deleted {image.deleted}, "
                f"should be in {wanted.scope} deleted {wanted.deleted}",
            )  # fmt: skip
        for name, stamp in wanted.fld.items():
            if image.fld.get(name) != stamp:
                raise Violation("I2", f"{key[0]} {key[1].hex()} {name} has stamp {image.fld.get(name)}, should {stamp}")

    # --- looking back -------------------------------------------------------------------------------------------------

    def at(self, scope: str, seq: int) -> dict[Key, tuple[int, Image]]:
        """Return the live rows of a scope as they were at a seq."""
        out: dict[Key, tuple[int, Image]] = {}
        for key, versions in self.past.versions.get(scope, {}).items():
            place = bisect.bisect_right(versions, seq, key=lambda v: v[0])
            if place and (image := versions[place - 1][1]) is not None and not image.deleted:
                out[key] = (versions[place - 1][0], image)
        return out

    def sums_at(self, scope: str, seq: int) -> tuple[int, int]:
        """Return n and xsum of a scope at a seq that was once its head."""
        for head, n, xsum in reversed(self.past.sums.get(scope, [])):
            if head <= seq:
                return n, xsum
        return 0, 0

    def one_moment(self, device: bytes, lmid: int, cursors: dict[str, int]) -> bool:
        """Whether the server ever had this lmid and these heads at the same time."""
        return any(
            lmids.get(device, 0) == lmid and all(heads.get(s, 0) == c for s, c in cursors.items())
            for lmids, heads in reversed(self.past.moments)
        )

    def access(self, account: bytes) -> set[str]:
        """Return the scopes that an account may see."""
        sql = "SELECT scope_id FROM scope_access WHERE account_id = ?"
        return {s for (s,) in self._cx.execute(sql, (account,))}

    @property
    def epoch(self) -> bytes:
        """The server's epoch."""
        row = self._cx.execute("SELECT id FROM epoch ORDER BY no DESC LIMIT 1").fetchone()
        return bytes(row[0])

    def texts(self) -> str:
        """Return everything the server holds, as one text."""
        out = []
        for name, columns in _TABLES.values():
            quoted = ", ".join(f'"{c}"' for c in columns)
            out += [str(row) for row in self._cx.execute(f'SELECT {quoted} FROM "{name}"')]  # noqa: S608  # - names of our own registry
        return "\n".join(out)


def copy_file(source: Path, target: Path) -> None:
    """Copy a database through SQLite's backup, log included."""
    target.unlink(missing_ok=True)
    a, b = sqlite3.connect(source), sqlite3.connect(target)
    a.backup(b)
    a.close()
    b.close()
