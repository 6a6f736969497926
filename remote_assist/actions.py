# SPDX-License-Identifier: GPL-3.0-or-later
"""What the two ends of a session ask their host to do: values only, carried out in the order of the list.

`AgentEnd` and `CustomerEnd` never touch a socket, process, file or window. Each of their methods returns a list of the
actions below; the host (a window process) performs them in order and reports back by further method calls.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from app.domain.assist import Notice, PromptInfo, ProofKind, Question, SasChoice, Scope, SessionView, TargetChoice
from app.domain.marks import Marks
from app.domain.plain_text import ChatLine
from app.domain.recording import RecordingState
from remote_assist.child_protocol import ToChild as ChildMessage
from remote_assist.control_actions import ControlAction
from remote_assist.diagnostics import Bundle
from remote_assist.file_actions import FileAction

__all__ = [
    "Action",
    "Alarm",
    "AskQuestion",
    "AskScope",
    "CallServer",
    "ChainEntry",
    "ChatChanged",
    "ChoiceOver",
    "ClipArrived",
    "ClipGiven",
    "Clock",
    "CollectDiagnostics",
    "CursorDrawn",
    "CursorMoved",
    "CustomerJoined",
    "DiagnosticsArrived",
    "DiagnosticsSettled",
    "DiagnosticsStep",
    "DiagnosticsUnreadable",
    "GrantsChanged",
    "InvitationReady",
    "KeptBack",
    "KillChild",
    "MarksChanged",
    "Notify",
    "OpenEnd",
    "PhaseChanged",
    "Receipt",
    "RecordingChanged",
    "RecordingWanted",
    "RemoteTarget",
    "SasNumber",
    "SasQuestion",
    "ScopeSettled",
    "SendEnvelope",
    "ShowPrompt",
    "StartChild",
    "TargetMoved",
    "TargetsListed",
    "ToChild",
]


class Clock(Protocol):
    """The two clocks of an end. Tests hand in a fake."""

    def monotonic_ms(self) -> int:
        """Milliseconds that never jump; every timer uses them."""
        ...

    def utc_ms(self) -> int:
        """Milliseconds since 1970 UTC; documents and chain entries carry them."""
        ...


@dataclass(frozen=True, slots=True)
class SendEnvelope:
    """Send `data` in a `sig` message of session `sid` (16 bytes). On `sig_nack` call `on_nack()`.

    `to` is the role of the receiver; `n` is the envelope's own number, the same when it is repeated.
    """

    sid: bytes
    to: str
    n: int
    data: bytes


@dataclass(frozen=True, slots=True)
class StartChild:
    """Start a session child. ToChild messages may follow at once: the host queues them until the pipe is open."""

    role: str


@dataclass(frozen=True, slots=True)
class ToChild:
    """Send this message to the session child; without a child drop it."""

    message: ChildMessage


@dataclass(frozen=True, slots=True)
class KeptBack:
    """Both: how many parts of the picture the customer hides, and why nothing of it comes at the moment.

    `why` is "rule" (a window that must not be seen is open), "locked", "hidden" (the shared window is minimised),
    "changed" (screens are others than the customer looked at), or empty.
    """

    count: int
    why: str


@dataclass(frozen=True, slots=True)
class KillChild:
    """Kill the session child now; it did not confirm `end` within 80 ms, or must not go on."""


@dataclass(frozen=True, slots=True)
class CallServer:
    """Make this call in the own name; answer with `on_server_result(call_id, status, body)`. Never log the answer."""

    call_id: int
    method: str
    path: str
    body: dict[str, object]


@dataclass(frozen=True, slots=True)
class PhaseChanged:
    """The session's state as windows show it; sent on every change of phase, flag, question or grants."""

    view: SessionView


@dataclass(frozen=True, slots=True)
class InvitationReady:
    """Agent: the server holds the invitation. `code` is nine digits or empty; `expires_ms` on the monotonic clock.

    `pushed`: an enrolled companion of the customer was online and got it.
    """

    link: str
    code: str
    pushed: bool
    expires_ms: int


@dataclass(frozen=True, slots=True)
class CustomerJoined:
    """Agent: the customer opened the invitation. `app` and `platform` are texts from outside."""

    proof: ProofKind
    app: str
    platform: str


@dataclass(frozen=True, slots=True)
class ShowPrompt:
    """Customer: show the consent window."""

    prompt: PromptInfo


@dataclass(frozen=True, slots=True)
class TargetsListed:
    """Customer: what can be shared now; the consent window's chooser shows exactly this."""

    targets: tuple[TargetChoice, ...]


@dataclass(frozen=True, slots=True)
class SasNumber:
    """Agent: the check number to read aloud, as "482 917". Customer: the confirmed number, for the bar."""

    number: str


@dataclass(frozen=True, slots=True)
class SasQuestion:
    """Customer: ask which number the agent read aloud; answer with `pick_number` or `none_of_these`."""

    choice: SasChoice


@dataclass(frozen=True, slots=True)
class AskQuestion:
    """Customer: show this question until it is answered or `deadline_ms` (monotonic); silence ends the session."""

    question: Question
    deadline_ms: int


@dataclass(frozen=True, slots=True)
class AskScope:
    """Customer: ask whether the agent may have this scope too, until `deadline_ms` (monotonic); silence is a no.

    `why` is the agent's text, from outside. Answer with `grant(scope)` or `refuse_scope(scope)`.
    """

    scope: Scope
    why: str
    deadline_ms: int


@dataclass(frozen=True, slots=True)
class ScopeSettled:
    """Customer: the question about this scope is answered, or nobody may answer it any more: take it away."""

    scope: Scope


@dataclass(frozen=True, slots=True)
class MarksChanged:
    """What the agent points at and draws: show exactly this. Customer: on the screen. Agent: in the own window, unless
    the picture shows it already."""

    marks: Marks


@dataclass(frozen=True, slots=True)
class TargetMoved:
    """Customer: where the target is now, x, y, width, height in physical pixels of the desktop."""

    rect: tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class CursorMoved:
    """Agent: the customer's pointer, in pixels of the source; None where it does not show."""

    at: tuple[int, int] | None
    shape: int


@dataclass(frozen=True, slots=True)
class CursorDrawn:
    """Agent: a shape of the customer's pointer; `bgra` premultiplied rows, exactly width * height * 4 bytes."""

    id: int
    hot: tuple[int, int]
    width: int
    height: int
    bgra: bytes


class DiagnosticsStep(StrEnum):
    """What became of the bundle that the agent may have."""

    SENDING = "sending"
    ARRIVED = "arrived"
    NOT_ARRIVED = "not_arrived"
    WITHHELD = "withheld"
    TAKEN_BACK = "taken_back"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class CollectDiagnostics:
    """Customer: find out about this computer, off the GUI thread, and show all of it until `deadline_ms` (monotonic).

    Answer with `send_diagnostics(confirmed)` or `withhold_diagnostics()`; silence is a no.
    """

    deadline_ms: int


@dataclass(frozen=True, slots=True)
class DiagnosticsSettled:
    """Customer: from `sending` on nothing of it can be changed; any other step takes the window away."""

    step: DiagnosticsStep


@dataclass(frozen=True, slots=True)
class DiagnosticsArrived:
    """Agent: the customer sent this. `payload` are the bytes that the customer saw, and `sha256` stands in the record.

    `device` is a mark of the customer's computer that says nothing else, or empty.
    """

    bundle: Bundle
    payload: bytes
    sha256: bytes
    device: str


@dataclass(frozen=True, slots=True)
class DiagnosticsUnreadable:
    """Agent: what came is no bundle. Nothing of it is kept."""


@dataclass(frozen=True, slots=True)
class GrantsChanged:
    """The scopes live now, at both ends the same list."""

    scopes: tuple[Scope, ...]


@dataclass(frozen=True, slots=True)
class RecordingChanged:
    """Agent: how the recording stands, for the window."""

    state: RecordingState


@dataclass(frozen=True, slots=True)
class RecordingWanted:
    """Agent: the customer allowed it; answer with `recording_place(folder, secret)`, once a session."""


@dataclass(frozen=True, slots=True)
class RemoteTarget:
    """Agent: size and kind of what the customer shares, in physical pixels.

    `shows_marks`: what the agent draws is in the picture already, so that no second copy is painted.
    """

    width: int
    height: int
    scale: float
    kind: str
    shows_marks: bool = False


@dataclass(frozen=True, slots=True)
class ChainEntry:
    """Record this entry on the ticket (`session.record`), deduplicated by `hash`; keep it while offline.

    `text` is the signed entry exactly as it travels; `at` is UTC milliseconds of the customer's computer.
    """

    sid: bytes
    ticket_id: str
    n: int
    type: str
    at: int
    hash: bytes
    text: str


@dataclass(frozen=True, slots=True)
class ChatChanged:
    """Everything that was written, oldest first. `open`: the other end's program can chat. Never log a text."""

    lines: tuple[ChatLine, ...]
    open: bool


@dataclass(frozen=True, slots=True)
class ClipArrived:
    """A text came that was allowed. Customer: put it on the clipboard and show it. Agent: show it. Never log it."""

    text: str


@dataclass(frozen=True, slots=True)
class ClipGiven:
    """What became of the text that this end gave: the other end has it, or it does not come any more."""

    ok: bool


@dataclass(frozen=True, slots=True)
class Receipt:
    """The session's receipt file (JSON, UTF-8). Comes again when the agent countersigned it: the later one wins."""

    sid: bytes
    ticket_id: str
    data: bytes
    countersigned: bool


@dataclass(frozen=True, slots=True)
class OpenEnd:
    """Agent: say on the ticket (`session.record` of kind "open") that the customer's end never wrote its last entry.

    `text` is the statement of `remote_assist.closing`, signed by this device; `n` the number that the entry would have.
    """

    sid: bytes
    ticket_id: str
    n: int
    at: int
    text: str


@dataclass(frozen=True, slots=True)
class ChoiceOver:
    """Customer: nothing else is being chosen any more (`begin_choice`); take its window away."""


@dataclass(frozen=True, slots=True)
class Notify:
    """Tell the person something that changes no state (texts: `remote_assist.texts.notice_text`)."""

    notice: Notice
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Alarm:
    """Something supervisors should hear of: bad invitation, wrong check number. `why` is for logs, not for people."""

    code: str
    why: str


Action = (
    SendEnvelope
    | StartChild
    | ToChild
    | KeptBack
    | KillChild
    | CallServer
    | PhaseChanged
    | InvitationReady
    | CustomerJoined
    | ShowPrompt
    | TargetsListed
    | SasNumber
    | SasQuestion
    | AskQuestion
    | AskScope
    | ScopeSettled
    | MarksChanged
    | CollectDiagnostics
    | DiagnosticsSettled
    | DiagnosticsArrived
    | DiagnosticsUnreadable
    | TargetMoved
    | CursorMoved
    | CursorDrawn
    | GrantsChanged
    | RecordingChanged
    | RecordingWanted
    | RemoteTarget
    | ChainEntry
    | ChatChanged
    | ClipArrived
    | ClipGiven
    | Receipt
    | OpenEnd
    | ChoiceOver
    | Notify
    | Alarm
    | ControlAction
    | FileAction
)
