# SPDX-License-Identifier: GPL-3.0-or-later
"""What the customer's windows show, as plain values. Every text in them is from outside: show it plain."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from app.domain.assist import Scope
from app.domain.session_files import FileView

__all__ = [
    "Acknowledged",
    "AssetLine",
    "CallLine",
    "EndedView",
    "HomeView",
    "Hours",
    "Line",
    "LineState",
    "MessageLine",
    "OpenState",
    "Organisation",
    "RequestLine",
    "RequestState",
    "TicketLine",
]


@dataclass(frozen=True, slots=True)
class Organisation:
    """Whom this computer trusts. `key_mark` is the key's fingerprint in groups of four."""

    name: str
    key_mark: str
    server: str


@dataclass(frozen=True, slots=True)
class OpenState:
    """Whether somebody can be reached now, and until (or from) when, UTC milliseconds; 0 = not known."""

    open: bool
    changes_ms: int


@dataclass(frozen=True, slots=True)
class Hours:
    """Open times as (from, to) in UTC seconds, in order."""

    spans: tuple[tuple[int, int], ...]

    def at(self, now_ms: int) -> OpenState:
        """Say how it stands at a time."""
        now = now_ms // 1000
        for start, end in self.spans:
            if start <= now < end:
                return OpenState(open=True, changes_ms=end * 1000)
            if start > now:
                return OpenState(open=False, changes_ms=start * 1000)
        return OpenState(open=False, changes_ms=0)


@dataclass(frozen=True, slots=True)
class AssetLine:
    """One product. `free_until` and `warranty_until` are ISO dates or ""; `status` in_use, in_repair or retired."""

    id: str
    product: str
    model: str
    serial: str
    free_until: str = ""
    included: str = ""
    after: str = ""
    plan: str = ""
    warranty_until: str = ""
    status: str = "in_use"
    order_ref: str = ""


@dataclass(frozen=True, slots=True)
class MessageLine:
    """One message of a ticket."""

    own: bool
    author: str
    body: str
    at_ms: int
    files: tuple[str, ...] = ()  # their names


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """What was told of the wait when a request came; UTC seconds. `basis`: answers, target, opening, unknown."""

    name: str
    basis: str
    usual_s: int | None = None
    latest_s: int | None = None
    opens_s: int | None = None
    offers_call: bool = False


@dataclass(frozen=True, slots=True)
class CallLine:
    """A call on a ticket. `owed`: still ahead, or to be made up for; `pending`: the server has not heard of it."""

    id: str
    state: str
    start_ms: int
    phone: str
    owed: bool
    pending: bool = False


@dataclass(frozen=True, slots=True)
class TicketLine:
    """One of the customer's tickets. `category` chooses the badge; `number` is None until the server gave one."""

    id: str
    number: int | None
    subject: str
    category: str
    state: str
    updated_ms: int
    messages: tuple[MessageLine, ...] = ()
    asked: bool = False  # the two questions wait for an answer
    acknowledged: Acknowledged | None = None
    calls: tuple[CallLine, ...] = ()  # the newest last
    slots: tuple[int, ...] = ()  # starts of half hours in which support can call
    phone: str = ""  # the customer's number


@dataclass(frozen=True, slots=True)
class HomeView:
    """Everything Home shows that came from the server; `as_of_ms` is when."""

    organisation: str
    customer: str
    phone: str
    mail: str
    hours: Hours
    assets: tuple[AssetLine, ...]
    tickets: tuple[TicketLine, ...]
    as_of_ms: int
    somebody: bool | None = None  # an agent was at the desk at that time


class RequestState(StrEnum):
    """Where a request written on this computer stands."""

    WAITING = "waiting"
    SENT = "sent"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class RequestLine:
    """A request (or message) written here. `files`: so many that go with it are not at the server."""

    id: str
    subject: str
    state: RequestState
    written_ms: int
    number: int | None = None
    code: str = ""
    files: int = 0


class Line(StrEnum):
    """How the way to the server stands."""

    CONNECTING = "connecting"
    ONLINE = "online"
    OFFLINE = "offline"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class LineState:
    """`since_ms` is when it became so; `code` says why (see `texts.trouble`); `waiting` counts unsent items."""

    line: Line
    since_ms: int
    code: str = ""
    waiting: int = 0


@dataclass(frozen=True, slots=True)
class EndedView:
    """The summary of a session; times UTC ms, 0 = never. `seen` is the title of what was shared, "" if nothing.

    `allowed` is every access beyond looking that was given, also if it was taken back; `files` those that were allowed.
    """

    agent: str
    organisation: str
    ticket_no: str
    started_ms: int
    ended_ms: int
    reason: str
    seen: str
    paused_s: int
    verified: bool
    frames: int
    allowed: tuple[Scope, ...] = ()
    files: tuple[FileView, ...] = ()
