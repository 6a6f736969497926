# SPDX-License-Identifier: GPL-3.0-or-later
"""What waits for a person's decision: conflicts, held replies, refused and orphaned work; and the ports to reach it.

Implementation: app.store.needs_you. Methods block on the local disk and run on a worker thread, never on the GUI's.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from dataclasses import field as made
from enum import StrEnum
from typing import Protocol

from app.domain.changes import AnyChange
from app.domain.ids import TicketId, UserId
from app.domain.ports import ThreadItem


class NeedKind(StrEnum):
    """Why something waits. The first four are open conflict rows, the others stand on this device only."""

    FIELD = "field"
    TEXT = "text"
    STALE_REPLY = "stale_reply"
    DELETED = "deleted"
    REJECTED = "rejected"
    ORPHANED = "orphaned"
    HELD = "held"
    DRAFT = "draft"  # unsent text of a ticket that is not in view any more


CONFLICT_KINDS = frozenset({NeedKind.FIELD, NeedKind.TEXT, NeedKind.STALE_REPLY, NeedKind.DELETED})


@dataclass(frozen=True, slots=True)
class NeedItem:
    """One entry. `mine`, `theirs` and `base` are plain values (ids as hex); `names` gives words for ids among them.

    `change` is the kept mutation of a tray entry; `body` the text that it, or a held reply, would have written.
    """

    id: bytes
    kind: NeedKind
    at: int
    subject_type: int = 0
    subject: bytes = b""
    ticket: TicketId | None = None
    label: str = ""
    title: str = ""
    customer_name: str = ""
    field: str = ""
    mine: object = None
    theirs: object = None
    base: object = None
    author: UserId | None = None
    author_name: str = ""
    author_at: int | None = None
    reason: str = ""
    name: str = ""
    body: str = ""
    fields: Mapping[str, object] = made(default_factory=dict)
    change: AnyChange | None = None
    names: Mapping[str, str] = made(default_factory=dict)

    @property
    def is_conflict(self) -> bool:
        """Whether it is settled by a mutation; tray entries are ticked off on this device."""
        return self.kind in CONFLICT_KINDS


@dataclass(frozen=True, slots=True)
class NeedDetail:
    """One entry with what is read only when it is looked at.

    `news`: messages that the author of a held reply had not seen, oldest first; `seen_seq`, `seen_id`: the ticket's
    newest message, its number and id; `mine_at`: when the person made the change, if known.
    """

    item: NeedItem
    news: tuple[ThreadItem, ...] = ()
    seen_seq: int = 0
    mine_at: int | None = None
    seen_id: bytes | None = None


class NeedsYouStore(Protocol):
    """The tray. Raises StoreUnavailable."""

    def entries(self) -> Sequence[NeedItem]:
        """Return what waits, newest first; both files are read in one transaction."""
        ...

    def number(self) -> int:
        """Return how many wait; equals the length of `entries`."""
        ...

    def detail(self, entry: bytes) -> NeedDetail | None:
        """Return an entry with all that is needed to decide, or None when it is settled."""
        ...

    def settle(self, entries: Collection[bytes]) -> None:
        """Tick tray entries off on this device."""
        ...

    def unsettle(self, entries: Collection[bytes]) -> None:
        """Put ticked-off tray entries back."""
        ...
