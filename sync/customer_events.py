# SPDX-License-Identifier: GPL-3.0-or-later
"""What a companion's way to the server tells and keeps: events for the programs above it, and rows on the disk."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from app.domain.key_exchange import PinnedKey
from sync import customer_protocol as wire
from sync.published_protocol import Published
from sync.session_protocol import Redeemed, Revocations

__all__ = [
    "Answered",
    "CertificateArrived",
    "CustomerEvent",
    "Entries",
    "EntryKept",
    "FileLost",
    "HomeArrived",
    "InviteArrived",
    "KeyExchanged",
    "LineChanged",
    "PinnedKeys",
    "PublishedArrived",
    "PublishedRows",
    "RedeemAnswered",
    "RevocationsArrived",
    "Rows",
    "RowsFailed",
    "SessionClosed",
    "SigArrived",
    "SigRefused",
    "Waiting",
    "WrittenChanged",
]


@dataclass(frozen=True, slots=True)
class Waiting:
    """Something written here that the server has not accepted. `path` is request, message or check."""

    id: str
    path: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Entries:
    """Entries of one session that the server has not confirmed."""

    sid: str
    hashes: tuple[str, ...]
    body: bytes


class Rows(Protocol):
    """What the client keeps on disk. Called on the client's thread; raises StoreUnavailable."""

    def waiting(self) -> Sequence[Waiting]:
        """Return what waits, oldest first."""
        ...

    def settle(self, item: str, number: int | None, refused: str) -> None:
        """Note that the server has it, or that it refuses it for good with this code."""
        ...

    def entries(self) -> Sequence[Entries]:
        """Return entries of sessions that wait, by session."""
        ...

    def entries_sent(self, entries: Entries) -> None:
        """Note that the server has them."""
        ...

    def home_tag(self) -> str:
        """Return the tag of the home kept last."""
        ...

    def save_home(self, raw: bytes, tag: str, at_ms: int) -> None:
        """Keep home as it came."""
        ...


class PublishedRows(Protocol):
    """What the client keeps of articles and announcements. Called on the client's thread; raises StoreUnavailable."""

    def published_tag(self) -> str:
        """Return the tag of what is kept."""
        ...

    def save_published(self, raw: bytes, tag: str) -> None:
        """Keep it as it came."""
        ...


class PinnedKeys(Protocol):
    """The organisation key that is trusted, and how it may change. Called on the client's thread."""

    def judge(self, statements: Sequence[str]) -> PinnedKey:
        """Return the key that signed statements lead to, oldest first. Raises KeyRefused; nothing is changed."""
        ...

    def keep(self, pinned: PinnedKey) -> None:
        """Trust this key from now on: the old one or the new one, never half. Raises StoreUnavailable."""
        ...


@dataclass(frozen=True, slots=True)
class KeyExchanged:
    """The organisation has another key; the one trusted before vouched for it, the server holds it, it is kept."""

    pinned: PinnedKey


@dataclass(frozen=True, slots=True)
class PublishedArrived:
    """Articles and announcements, newer than those kept."""

    published: Published


@dataclass(frozen=True, slots=True)
class HomeArrived:
    """Home as of now; `unchanged` when it is the one kept already."""

    home: wire.Home | None
    at_ms: int


@dataclass(frozen=True, slots=True)
class LineChanged:
    """The way to the server: `online`, or not with `code` as the reason. It is tried again whatever the reason."""

    online: bool
    since_ms: int
    code: str = ""


@dataclass(frozen=True, slots=True)
class WrittenChanged:
    """What waits, or was sent, changed: read the rows again."""


@dataclass(frozen=True, slots=True)
class FileLost:
    """A file of something that was written will never reach the server. `code` says why."""

    item: str
    code: str


@dataclass(frozen=True, slots=True)
class RowsFailed:
    """The disk did not take something. `code` as in StoreUnavailable."""

    code: str


@dataclass(frozen=True, slots=True)
class EntryKept:
    """Entry `number` of a session's record is on disk, or could not be kept."""

    session: bytes
    number: int
    kept: bool


@dataclass(frozen=True, slots=True)
class InviteArrived:
    """An invitation pushed by the server; nothing in it is trusted yet."""

    iid: bytes
    invitation: bytes
    signature: bytes
    join_secret: bytes


@dataclass(frozen=True, slots=True)
class RedeemAnswered:
    """Answer to `redeem`: the invitation, or None and why."""

    redeemed: Redeemed | None
    code: str = ""


@dataclass(frozen=True, slots=True)
class CertificateArrived:
    """What the organisation signed about this computer's key, newest."""

    text: str


@dataclass(frozen=True, slots=True)
class RevocationsArrived:
    """The newest list of revoked certificates; its signature is not checked yet."""

    revocations: Revocations


@dataclass(frozen=True, slots=True)
class SigArrived:
    """Signalling data from the other end of a session."""

    session: bytes
    n: int
    data: bytes


@dataclass(frozen=True, slots=True)
class SigRefused:
    """The relay could not deliver our message `n`."""

    session: bytes
    code: str
    n: int


@dataclass(frozen=True, slots=True)
class SessionClosed:
    """The server ended the session."""

    session: bytes
    reason: str


@dataclass(frozen=True, slots=True)
class Answered:
    """Answer to `call`: the HTTP status, 0 when the server was not reached, and what it said."""

    session: bytes
    number: int
    status: int
    body: bytes = field(default=b"", repr=False)


CustomerEvent = (
    KeyExchanged
    | HomeArrived
    | PublishedArrived
    | LineChanged
    | WrittenChanged
    | FileLost
    | RowsFailed
    | EntryKept
    | InviteArrived
    | RedeemAnswered
    | CertificateArrived
    | RevocationsArrived
    | SigArrived
    | SigRefused
    | SessionClosed
    | Answered
)
