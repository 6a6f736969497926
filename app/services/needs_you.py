# SPDX-License-Identifier: GPL-3.0-or-later
"""Deciding what waits: keep mine, keep theirs, send anyway, send again, restore, discard; with undo. Blocks on disk."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from app.domain.changes import AnyChange, ConflictResolve, ReplyDiscard, ReplyRelease
from app.domain.errors import Refused
from app.domain.ids import new_id
from app.domain.needs import NeedItem, NeedKind, NeedsYouStore
from app.domain.ports import Commits

__all__ = ["ACTIONS", "Action", "NeedsYou", "Settled", "actions_of", "both_texts", "can_edit"]


class Action(StrEnum):
    """What a person can do with an entry."""

    MINE = "mine"
    THEIRS = "theirs"
    RELEASE = "release"
    EDIT = "edit"
    RESTORE = "restore"
    AGAIN = "again"
    COPY = "copy"
    EXPORT = "export"
    DISCARD = "discard"


ACTIONS: Mapping[NeedKind, tuple[Action, ...]] = {
    NeedKind.FIELD: (Action.MINE, Action.THEIRS, Action.EDIT, Action.COPY),
    NeedKind.TEXT: (Action.MINE, Action.THEIRS, Action.EDIT, Action.COPY),
    NeedKind.STALE_REPLY: (Action.RELEASE, Action.EDIT, Action.COPY, Action.DISCARD),
    NeedKind.DELETED: (Action.RESTORE, Action.COPY, Action.DISCARD),
    NeedKind.REJECTED: (Action.AGAIN, Action.COPY, Action.DISCARD),
    NeedKind.HELD: (Action.AGAIN, Action.COPY, Action.DISCARD),
    NeedKind.ORPHANED: (Action.COPY, Action.EXPORT, Action.DISCARD),
    NeedKind.DRAFT: (Action.COPY, Action.EXPORT, Action.DISCARD),
}
# a held reply goes out only after its own news were read, a merged text is written by hand
_ONE_BY_ONE = frozenset({Action.EDIT, Action.RELEASE})
_ID_DIGITS = 32


def can_edit(item: NeedItem) -> bool:
    """Whether an entry holds text that a person can put together by hand; a choice from a list cannot be merged."""
    if item.kind is NeedKind.STALE_REPLY:
        return True
    return all(v is None or (isinstance(v, str) and not _is_id(v)) for v in (item.mine, item.theirs))


def _is_id(text: str) -> bool:
    return len(text) == _ID_DIGITS and all(c in "0123456789abcdef" for c in text)


def actions_of(items: Sequence[NeedItem]) -> tuple[Action, ...]:
    """Return what can be done with all of these at once, in the order of the buttons."""
    if not items:
        return ()
    shared = [a for a in ACTIONS[items[0].kind] if all(a in ACTIONS[i.kind] for i in items)]
    if len(items) > 1:
        shared = [a for a in shared if a not in _ONE_BY_ONE]
    return tuple(
        a for a in shared
        if not (a is Action.EDIT and not can_edit(items[0])) and not (a is Action.AGAIN and _unknown(items))
    )  # fmt: skip


def _unknown(items: Sequence[NeedItem]) -> bool:
    return any(i.change is None for i in items)


def both_texts(theirs: str, mine: str, base: str | None = None) -> str:
    """Return a start for merging by hand, without markers: what only one side changed, as it changed it; where both
    did, theirs and then mine.
    """
    one, two = theirs.splitlines(), mine.splitlines()
    before = set(base.splitlines()) if base is not None else set()
    out: list[str] = []
    for tag, a1, a2, b1, b2 in difflib.SequenceMatcher(None, one, two, autojunk=False).get_opcodes():
        if tag == "equal" or a2 - a1 != b2 - b1:
            out += one[a1:a2] + (two[b1:b2] if tag != "equal" else [])
            continue
        for their_line, my_line in zip(one[a1:a2], two[b1:b2], strict=True):
            out += [line for line in (their_line, my_line) if line not in before] or [their_line]
    return "\n".join(out)


@dataclass(frozen=True, slots=True)
class Settled:
    """What was decided and saved. `choice` names the words for it; `undo` and `ticked` reverse it."""

    choice: str
    entries: tuple[bytes, ...]
    ids: frozenset[bytes] = frozenset()
    mid: int = 0
    undo: tuple[AnyChange, ...] = ()
    ticked: tuple[bytes, ...] = ()
    refused: tuple[tuple[bytes, Refused], ...] = ()

    @property
    def can_undo(self) -> bool:
        """Whether all of it can be taken back; what was sent to others cannot."""
        return self.choice != "again" and bool(self.ticked or self.undo)


class NeedsYou:
    """Use cases of the Needs-you page. Thread: a worker, one call at a time; saved when a call returns.

    An entry that a rule refuses stays where it is, is reported in `refused`, and does not stop the others.
    """

    def __init__(self, commits: Commits, store: NeedsYouStore, make_id: Callable[[], bytes] = new_id) -> None:
        self._commits = commits
        self._store = store
        self._make_id = make_id

    def keep(self, items: Sequence[NeedItem], *, mine: bool) -> Settled:
        """Let one's own value stand, or the other one's. Raises StoreUnavailable."""
        choice = "mine" if mine else "theirs"
        return self._resolve(choice, [(i, ConflictResolve(self._make_id(), i.id, choice)) for i in items])

    def edited(self, item: NeedItem, value: str) -> Settled:
        """Let a value stand that was put together by hand. Raises StoreUnavailable."""
        return self._resolve("edited", [(item, ConflictResolve(self._make_id(), item.id, "edited", value))])

    def restore(self, items: Sequence[NeedItem]) -> Settled:
        """Bring back what was deleted, with one's own change. It is there for all then: undo is deleting it again."""
        done = self._commit("restore", [(i, ConflictResolve(self._make_id(), i.id, "mine")) for i in items])
        return replace(done, undo=())

    def release(self, item: NeedItem, seen_seq: int, body: str | None = None, seen_id: bytes | None = None) -> Settled:
        """Send a held reply, as it is or edited. `seen_seq`, `seen_id`: the newest message read. Cannot be undone."""
        held = item.mine.get("args") if isinstance(item.mine, Mapping) else None
        formatted = isinstance(held, Mapping) and bool(held.get("html"))
        html = "" if formatted and body is not None else None  # other words have none of the looks of those held
        change = ReplyRelease(self._make_id(), item.id, seen_seq, body, seen_id, html)
        done = self._commit("release", [(item, change)])
        return replace(done, undo=())

    def discard(self, items: Sequence[NeedItem]) -> Settled:
        """Let entries go. Raises StoreUnavailable."""
        changes: list[tuple[NeedItem, AnyChange]] = []
        for item in items:
            if item.kind is NeedKind.STALE_REPLY:
                changes.append((item, ReplyDiscard(self._make_id(), item.id)))
            elif item.is_conflict:
                changes.append((item, ConflictResolve(self._make_id(), item.id, "theirs")))
        return self._tick(self._resolve("discard", changes), [i.id for i in items if not i.is_conflict])

    def send_again(self, items: Sequence[NeedItem]) -> Settled:
        """Make new changes of refused ones. Rows keep their ids, so that nothing can be there twice."""
        changes: list[tuple[NeedItem, AnyChange]] = [
            (i, replace(i.change, event=self._make_id())) for i in items if i.change is not None
        ]
        done = self._commit("again", changes)
        return self._tick(replace(done, undo=()), done.entries)

    def undo(self, settled: Settled) -> Settled:
        """Take a decision back. Raises StoreUnavailable."""
        ids: frozenset[bytes] = frozenset()
        refused: list[tuple[bytes, Refused]] = []
        mid = 0
        for change in settled.undo:
            try:
                done = self._commits.commit(change)
            except Refused as why:
                refused.append((b"", why))
                continue
            ids, mid = ids | done.ids, done.mid
        if settled.ticked:
            self._store.unsettle(settled.ticked)
        return Settled("undo", settled.entries, ids | settled.ids, mid, refused=tuple(refused))

    def _resolve(self, choice: str, changes: Sequence[tuple[NeedItem, AnyChange]]) -> Settled:
        """Close conflicts; what takes it back is the mutation that opens them again, with the other value in place."""
        done = self._commit(choice, changes)
        back = tuple(ConflictResolve(self._make_id(), entry, "reopen") for entry in reversed(done.entries))
        return replace(done, undo=back)

    def _tick(self, done: Settled, entries: Collection[bytes]) -> Settled:
        if not entries:
            return done
        self._store.settle(entries)
        return replace(done, entries=tuple(dict.fromkeys((*done.entries, *entries))), ticked=tuple(entries))

    def _commit(self, choice: str, changes: Sequence[tuple[NeedItem, AnyChange]]) -> Settled:
        ids: set[bytes] = set()
        good: list[bytes] = []
        refused: list[tuple[bytes, Refused]] = []
        mid = 0
        for item, change in changes:
            try:
                done = self._commits.commit(change)
            except Refused as why:
                refused.append((item.id, why))
                continue
            mid = done.mid
            ids |= done.ids | ({item.ticket} if item.ticket else set())
            good.append(item.id)
        return Settled(choice, tuple(good), frozenset(ids), mid, refused=tuple(refused))
