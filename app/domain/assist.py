# SPDX-License-Identifier: GPL-3.0-or-later
"""Words of remote assistance that several layers share: phases, scopes, reasons, and what the windows are told."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

__all__ = [
    "WHY_MAX",
    "AskState",
    "EndReason",
    "EntryType",
    "Notice",
    "Phase",
    "PromptInfo",
    "ProofKind",
    "Question",
    "Role",
    "SasChoice",
    "Scope",
    "ScopeAsk",
    "SessionView",
    "TargetChoice",
]


WHY_MAX: Final = 200  # characters of an agent's reason for a request


class Role(StrEnum):
    """The two ends of a session."""

    AGENT = "agent"
    CUSTOMER = "customer"


class Phase(StrEnum):
    """Where a session stands. A phase never goes back."""

    INVITED = "invited"
    PROMPTED = "prompted"
    CONNECTING = "connecting"
    UNVERIFIED = "unverified"
    VERIFIED = "verified"
    ENDED = "ended"


class EndReason(StrEnum):
    """Why a session ended; every session has exactly one."""

    CANCELLED = "cancelled"
    EXPIRED = "expired"
    NOT_REGISTERED = "not_registered"
    BAD_INVITATION = "bad_invitation"
    FORBIDDEN = "forbidden"
    REFUSED = "refused"
    UNREACHABLE = "unreachable"
    NO_RELAY = "no_relay"
    SAS_MISMATCH = "sas_mismatch"
    UNVERIFIED = "unverified"
    IDLE = "idle"
    LOST = "lost"
    NOT_CONFIRMED = "not_confirmed"
    LIMIT = "limit"
    STOPPED = "stopped"
    REVOKED = "revoked"
    TICKET_CLOSED = "ticket_closed"
    TICKET_MOVED = "ticket_moved"
    REQUESTER_CHANGED = "requester_changed"
    REQUESTER_BLOCKED = "requester_blocked"
    PROTOCOL = "protocol"
    CHILD_FAILED = "child_failed"
    CAPTURE_FAILED = "capture_failed"
    NOT_KEPT = "not_kept"


# for these the server ends a session at both ends, whatever they say of it themselves
SERVER_ENDS = frozenset(
    {
        EndReason.REVOKED,
        EndReason.BAD_INVITATION,
        EndReason.TICKET_CLOSED,
        EndReason.TICKET_MOVED,
        EndReason.REQUESTER_CHANGED,
        EndReason.REQUESTER_BLOCKED,
    }
)


def server_end(reason: str) -> EndReason | None:
    """Return the reason if the server itself ends sessions for it, else None: what members told it is no news."""
    return next((known for known in SERVER_ENDS if known.value == reason), None)


class Scope(StrEnum):
    """A kind of access that the customer can give in one session, each alone."""

    VIEW = "view"
    POINTER = "pointer"
    CONTROL = "control"
    CLIPBOARD_TO_CUSTOMER = "clipboard.to_customer"
    CLIPBOARD_TO_AGENT = "clipboard.to_agent"
    FILES_TO_CUSTOMER = "files.to_customer"
    FILES_TO_AGENT = "files.to_agent"
    DIAGNOSTICS = "diagnostics"
    RECORDING = "recording"


class AskState(StrEnum):
    """How a scope beyond looking stands at the agent's end."""

    POSSIBLE = "possible"
    NOT_NOW = "not_now"
    WAITING = "waiting"
    GRANTED = "granted"
    REFUSED = "refused"
    TOO_OFTEN = "too_often"
    FORBIDDEN = "forbidden"


class EntryType(StrEnum):
    """Types of entries in a session's chain."""

    JOINED = "joined"
    PROMPTED = "prompted"
    CONSENT = "consent"
    REFUSAL = "refusal"
    SAS = "sas"
    GRANT = "grant"
    REVOKE = "revoke"
    PAUSE = "pause"
    RESUME = "resume"
    CONTROL = "control"
    FILE = "file"
    CLIPBOARD = "clipboard"
    DIAGNOSTICS = "diagnostics"
    RECORDING = "recording"
    MASKS = "masks"
    VIOLATION = "violation"
    RECONNECT = "reconnect"
    TARGET = "target"
    CONFIRM = "confirm"
    END = "end"


class Question(StrEnum):
    """What the customer is asked in mid-session. Left alone, each ends the session."""

    GO_ON_UNVERIFIED = "go_on_unverified"
    CONTINUE = "continue"


class Notice(StrEnum):
    """What both people are told before something happens."""

    IDLE_SOON = "idle_soon"
    PAUSE_SOON = "pause_soon"
    LOST = "lost"
    BACK = "back"
    RETRYING = "retrying"
    VIOLATION = "violation"
    REFUSED = "refused"
    FORBIDDEN = "forbidden"
    SHORTER = "shorter"
    CHILD_RESTARTED = "child_restarted"
    CAPTURE = "capture"
    TARGET = "target"


class ProofKind(StrEnum):
    """How the joining customer proved to be the invited one, best last."""

    LINK = "link"
    DEVICE_UNKNOWN = "device_unknown"
    DEVICE = "device"


@dataclass(frozen=True, slots=True)
class PromptInfo:
    """Everything the consent window must show. All texts are from outside: show them plain.

    `expires_ms` is on the monotonic clock of the end that made it; `key_mark` is the organisation key's fingerprint in
    groups of four. `forbidden`: what policy of this computer's organisation allows in no session; `hidden`: words of
    windows that it always keeps back.
    """

    agent_name: str
    agent_team: str
    organisation: str
    key_mark: str
    ticket_no: str
    subject: str
    scope: Scope
    expires_ms: int
    hard_limit_s: int
    forbidden: tuple[Scope, ...] = ()
    hidden: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TargetChoice:
    """One thing the customer can share. `title` is text from outside; `rect` is x, y, width, height in pixels."""

    id: str
    kind: str
    title: str
    rect: tuple[int, int, int, int]
    scale: float = 1.0


@dataclass(frozen=True, slots=True)
class SasChoice:
    """The check-number question: three numbers in the form "482 917", one of them right, none marked."""

    numbers: tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class ScopeAsk:
    """One scope the agent may ask for. `until_ms`, monotonic: silence is a no then (waiting), or asking is free again
    (refused); 0 otherwise. `revoked`: it was granted before and taken back. `by`: whose policy forbids it, "agent" or
    "customer".
    """

    scope: Scope
    state: AskState
    until_ms: int = 0
    revoked: bool = False
    by: str = ""


@dataclass(frozen=True, slots=True)
class SessionView:
    """State of a session as a window shows it. `reason` and `by` are set once the phase is `ended`.

    `by` is "agent", "customer" or "system" (a timer or the machine). `question` is open towards the customer.
    `started_ms` is the monotonic time of the consent, None before it. `asks` is known at the agent's end alone.
    `path` is "direct" or "relay", empty before there is a connection. `rests_until_ms`: when a session that stays
    paused ends by itself, on the monotonic clock; None while it is not paused.
    """

    phase: Phase
    paused: bool = False
    lost: bool = False
    reason: EndReason | None = None
    by: str = ""
    question: Question | None = None
    started_ms: int | None = None
    grants: tuple[Scope, ...] = ()
    asks: tuple[ScopeAsk, ...] = ()
    path: str = ""
    rests_until_ms: int | None = None

    @property
    def live(self) -> bool:
        """True from the first picture's permission to the end, paused or not."""
        return self.phase in (Phase.UNVERIFIED, Phase.VERIFIED)

    @property
    def flowing(self) -> bool:
        """True while pictures may pass."""
        return self.live and not self.paused and not self.lost
