# SPDX-License-Identifier: GPL-3.0-or-later
"""What the agent's session windows need from outside, as plain values and Protocols; app.entry fulfils them.

The flow: the ticket page hands an `InviteOrder` to `SessionDesk.start`, together with a `SessionScreen` (the windows).
The desk returns `SessionControls` and from then on calls the screen: `show_session` after every change, `show_frame`
for every picture, `show_meter` once a second, `show_notice` for what changes no state. GUI thread throughout.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from PySide6.QtGui import QImage

from app.domain.assist import Notice, ProofKind, Scope, SessionView
from app.domain.control import Deed
from app.domain.facts import FactsReport
from app.domain.ids import CustomerId, TicketId
from app.domain.marks import Mark, Marks, Point
from app.domain.plain_text import ChatLine
from app.domain.recording import RecordingState
from app.domain.session_files import FileView

__all__ = [
    "CursorPicture",
    "InviteOrder",
    "Invited",
    "Meter",
    "Part",
    "ProofAsk",
    "SessionControls",
    "SessionDesk",
    "SessionInfo",
    "SessionScreen",
    "Target",
]


@dataclass(frozen=True, slots=True)
class InviteOrder:
    """What the agent asks for: the screen of this ticket's customer, looking only."""

    ticket: TicketId
    ticket_label: str
    subject: str
    customer: CustomerId
    customer_name: str


@dataclass(frozen=True, slots=True)
class Invited:
    """The invitation as the server registered it. `expires_ms` is on the clock of `monotonic_ms`."""

    link: str
    code: str  # nine digits, or empty
    expires_ms: int
    pushed: bool  # the customer's companion is online and shows it
    page: str = ""  # the address for a browser; empty where the organisation offers none


@dataclass(frozen=True, slots=True)
class Target:
    """What the customer shares, in physical pixels. `kind` is window, region or screen.

    `shows_marks`: what the agent draws is in the picture.
    """

    width: int
    height: int
    scale: float
    kind: str
    shows_marks: bool = False


@dataclass(frozen=True, slots=True)
class CursorPicture:
    """A shape of the customer's cursor: premultiplied rows, exactly width * height * 4 bytes; `hot` is its tip."""

    id: int
    hot: tuple[int, int]
    width: int
    height: int
    bgra: bytes


@dataclass(frozen=True, slots=True)
class ProofAsk:
    """The server wants to know again who invites: how this can be proved, and how the last try went.

    `problem` is a code of `app.services.messages`. `page`: no browser could be opened; this is the address.
    """

    password: bool
    browser: bool
    busy: bool = False
    in_browser: bool = False
    page: str = ""
    problem: str = ""
    wait_s: int = 0  # so long nobody may try again


@dataclass(frozen=True, slots=True)
class SessionInfo:
    """Everything a session window says. `problem` is a code of `app.services.messages` when inviting failed."""

    view: SessionView
    ticket_label: str
    customer_name: str
    invited: Invited | None = None
    proof: ProofKind | None = None
    platform: str = ""
    check_number: str = ""  # "482 917"; empty until the handshake is done
    claimed: bool = False  # the agent confirmed; the customer's choice decides
    target: Target | None = None
    hidden: int = 0  # parts of the picture that the customer keeps back
    held: str = ""  # why nothing comes: rule, locked, hidden, changed, or empty
    own_hands: bool = False  # the customer uses mouse or keyboard, so that the agent's do nothing
    pending: frozenset[Scope] = frozenset()  # asked for, not answered
    problem: str = ""
    recording: RecordingState = field(default_factory=RecordingState)
    proof_ask: ProofAsk | None = None
    note_ask: bool = False  # a reason is wanted before the invitation is made
    browser: bool = False  # the customer joined by the page, not by the companion


@dataclass(frozen=True, slots=True)
class Meter:
    """How the line is, of the last second. `text` is coarse, sharp or exact; `path` is direct, relay or empty."""

    latency_ms: float | None = None
    fps: float = 0.0
    text: str = ""
    path: str = ""
    loss_percent: float = 0.0
    mbit_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Part:
    """What the window shows: `width` x `height` device pixels of this part of the source (x, y, w, h), or all of it."""

    width: int
    height: int
    source: tuple[int, int, int, int] | None = None


class SessionControls(Protocol):
    """What the agent can do in a session. Calls return at once; later calls after the end do nothing."""

    def cancel(self) -> None:
        """Withdraw the invitation."""
        ...

    def end(self) -> None:
        """End the session now."""
        ...

    def give_note(self, text: str) -> None:
        """Say why; then the invitation goes on."""
        ...

    def prove(self, password: str) -> None:
        """Prove with the password who invites; then the invitation goes on."""
        ...

    def prove_in_browser(self) -> None:
        """Prove it at the organisation's provider."""
        ...

    def stop_browser(self) -> None:
        """Wait for the browser no longer."""
        ...

    def pause(self) -> None:
        """Pause; only the customer can resume."""
        ...

    def confirm_number(self, same: bool) -> None:
        """Say whether the customer reported the number that was read aloud."""
        ...

    def show_part(self, part: Part) -> None:
        """Ask for pictures of this part in this size."""
        ...

    def request(self, scope: Scope, why: str = "") -> None:
        """Ask the customer for one more kind of access, with the agent's own reason; the view's `asks` say the rest."""
        ...

    def point(self, at: Point | None) -> None:
        """Point at a place of the picture, in steps; None takes the pointer away."""
        ...

    def draw(self, mark: Mark) -> None:
        """Draw on the customer's screen, or change the drawing with this id."""
        ...

    def unmark(self, mark_id: int) -> None:
        """Take one drawing away."""
        ...

    def clear_marks(self) -> None:
        """Take all drawings away."""
        ...

    def record(self, why: str = "") -> None:
        """Keep what is shown from now on; where the customer was not asked yet, ask first."""
        ...

    def stop_recording(self) -> None:
        """Keep nothing any more."""
        ...

    def keep_still(self, why: str = "") -> None:
        """Keep one picture of what is shown; where the customer was not asked yet, ask first."""
        ...

    def offer_files(self, paths: Sequence[Path], why: str = "") -> None:
        """Offer files to the customer, one after the other, for one reason; each needs a yes of its own."""
        ...

    def stop_file(self, number: int) -> None:
        """Stop a file, whichever way it goes."""
        ...

    def steer(self, deed: Deed) -> None:
        """Use mouse or keyboard on the customer's screen; places in steps."""
        ...

    def let_go(self) -> None:
        """Whatever is held down there goes up."""
        ...

    def say_chat(self, text: str) -> None:
        """Write to the customer; the screen shows it again by `show_chat`."""
        ...

    def offer_clip(self, text: str, why: str = "") -> None:
        """Ask whether this text may be put on the customer's clipboard; when allowed it is, once."""
        ...

    def note_activity(self) -> None:
        """The agent moved the pointer or pressed a key in the window; the session is not idle."""
        ...

    def frame_drawn(self, seq: int) -> None:
        """The picture with this number is on the screen (for the latency shown at both ends)."""
        ...


class SessionScreen(Protocol):
    """The windows of one session."""

    def show_session(self, info: SessionInfo) -> None:
        """Show the state; called once at the start and after every change."""
        ...

    def show_frame(self, image: QImage, seq: int) -> None:
        """Paint a picture. The image's memory must stay valid until the next call; a copy is not made."""
        ...

    def show_meter(self, meter: Meter) -> None:
        """Show how the line is."""
        ...

    def show_marks(self, marks: Marks) -> None:
        """Show the agent's own marks, where the picture does not show them."""
        ...

    def show_cursor(self, at: tuple[int, int] | None, shape: int) -> None:
        """The customer's cursor is here, in pixels of the source; None: it does not show."""
        ...

    def learn_cursor(self, picture: CursorPicture) -> None:
        """Keep a shape of the cursor."""
        ...

    def show_file(self, view: FileView) -> None:
        """Show how a file stands."""
        ...

    def show_chat(self, lines: tuple[ChatLine, ...], *, open_: bool) -> None:
        """Show all that was written; `open_`: the customer's program can chat."""
        ...

    def show_clip(self, text: str) -> None:
        """Show the text that the customer gave."""
        ...

    def show_given(self, *, ok: bool) -> None:
        """Say what became of the text for the customer's clipboard."""
        ...

    def show_facts(self, report: FactsReport) -> None:
        """Show what the customer sent about the computer."""
        ...

    def show_facts_problem(self, text: str) -> None:
        """Something came that is no bundle of diagnostics."""
        ...

    def show_notice(self, notice: Notice, detail: str) -> None:
        """Say something that changes no state."""
        ...


class SessionDesk(Protocol):
    """Starts sessions."""

    def start(self, order: InviteOrder, screen: SessionScreen) -> SessionControls:
        """Invite the customer. Raises Refused when the ticket allows no session (closed, no known requester)."""
        ...
