# SPDX-License-Identifier: GPL-3.0-or-later
"""One screen-sharing session of the agent client: joins the agent's end, its session child, the relay and the windows.

Everything here runs on the GUI thread. `AgentEnd` decides; this module only carries out its actions.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from PySide6.QtCore import QTimer
from PySide6.QtGui import QImage

from app.config.policy import Policy
from app.config.settings import MAX_MINUTES, REQUIRE_NOTE
from app.domain.assist import EndReason, EntryType, Notice, Phase, Scope, SessionView
from app.domain.changes import SessionRecordAdd
from app.domain.control import Deed
from app.domain.documents import BadDocument
from app.domain.ids import new_id
from app.domain.invitation import BROWSER_MODE, InvitationPolicy
from app.domain.marks import Mark, Point
from app.domain.ports import TicketDetails
from app.entry.agent_files import AgentFiles, FileControls
from app.entry.agent_note import NoteControls, is_note_missing
from app.entry.agent_proof import ProofControls, ProofLink, ways_wanted
from app.entry.agent_recording import RecordingControls, RecordingDesk
from app.entry.agent_talk import SessionTalkDesk, TalkControls
from app.services.messages import problem_text
from remote_assist import actions as act
from remote_assist.agent_end import AgentEnd, AgentIdentity, InviteRequest
from remote_assist.child_protocol import Stats
from remote_assist.control_actions import OwnHands
from widgets.remote.ports import (
    CursorPicture,
    Invited,
    InviteOrder,
    Meter,
    Part,
    SessionInfo,
    SessionScreen,
    Target,
)

if TYPE_CHECKING:
    from app.entry.agent_sessions import SessionDesk

__all__ = ["AgentSession", "Measured", "masked_mail"]

_SHARP_Q = 30  # at and below, 12 pt text is read without effort
_TICK_MOST_MS = 1000
_REFUSED = 400


@dataclass(frozen=True, slots=True)
class Measured:
    """What a session measured: the child's newest counters, and instants on the clock of `monotonic_ms`."""

    stats: dict[str, float]
    consented_ms: int | None = None
    first_frame_ms: int | None = None
    ended_ms: int | None = None
    frames: int = 0
    frames_after_end: int = 0


class AgentSession(RecordingControls, FileControls, TalkControls, ProofControls, NoteControls):
    """One session, from the agent's click to the countersigned receipt."""

    def __init__(
        self, desk: SessionDesk, order: InviteOrder, details: TicketDetails, screen: SessionScreen, rules: Policy
    ) -> None:
        """`rules` is what the organisation says when the session begins."""
        super().__init__(desk)
        self._desk = desk
        self._order = order
        self._rules = rules
        self._details = details
        self._screen = screen
        self._end_: AgentEnd | None = None
        self._certified_anew = False
        self._host = desk.make_host(self)
        self._host.message.connect(self._from_child)
        self._host.frame_ready.connect(self._frame)
        self._host.died.connect(self._child_died)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._tick)
        self._image: QImage | None = None
        self._shown: tuple[int, int] = (0, 0)  # frame id and capture time of the picture handed to the window
        self._drawn_ms: float | None = None
        self._last_no = 0
        self._cancelled = False
        self.measured = Measured({})
        self.info = SessionInfo(SessionView(Phase.INVITED), order.ticket_label, order.customer_name)
        self._talk = SessionTalkDesk(screen, order.customer_name, details.row.id, desk.record)
        self._show()

    @property
    def sid(self) -> bytes:
        """The session's id; empty before the invitation was made."""
        return self._end_.sid if self._end_ is not None else b""

    @property
    def _recordings(self) -> RecordingDesk | None:
        return self._desk.recordings

    @property
    def _ticket(self) -> bytes:
        return self._details.row.id

    def _utc_ms(self) -> int:
        return self._desk.clock.utc_ms()

    @property
    def over(self) -> bool:
        """Whether nothing more will happen."""
        return self.info.view.phase is Phase.ENDED

    def invite(self, identity: AgentIdentity | None) -> None:
        """Make the invitation, now that the certificate is here."""
        if self._cancelled:
            return
        if identity is None:
            self._fail("no_presence")
            return
        row, customer = self._details.row, self._details.customer
        if customer is None:
            self._fail("no_session_here")
            return
        if self._asks_note(wanted=self._rules.get(REQUIRE_NOTE) or self._desk.wants_note):
            return
        mail = next((a.value for a in customer.addresses if a.kind == "email"), "")
        request = InviteRequest(
            row.id.hex(), row.label.lstrip("#"), row.subject, customer.id.hex(), masked_mail(mail),
            modes=self._desk.page.modes, forbidden=self._rules.forbidden,
            policy=InvitationPolicy(hard_s=self._rules.get(MAX_MINUTES) * 60),
        )  # fmt: skip
        try:
            self._end_ = AgentEnd(identity, self._desk.clock)
            self._files = AgentFiles(self._end_, self._perform, self._screen.show_file, request.ticket_no, self)
            self._perform(self._end_.invite(request))
        except BadDocument:
            self._fail("no_session_here")

    def _fail(self, code: str) -> None:
        view = replace(self.info.view, phase=Phase.ENDED, reason=EndReason.NOT_REGISTERED, by="system")
        self.info = replace(self.info, view=view, problem=code)
        self._show()

    # --- SessionControls --------------------------------------------------------------------------------------------

    def cancel(self) -> None:
        """Withdraw the invitation."""
        self._cancelled = True
        self.stop_browser()
        if self._end_ is None:
            view = replace(self.info.view, phase=Phase.ENDED, reason=EndReason.CANCELLED, by="agent")
            self.info = replace(self.info, view=view)
            self._show()
            return
        self._perform(self._end_.cancel())

    def end(self) -> None:
        """End the session now."""
        if self._end_ is None or self.info.view.phase is Phase.INVITED:
            self.cancel()
        elif not self.over:
            self._perform(self._end_.stop())

    def pause(self) -> None:
        """Pause; only the customer can resume."""
        if self._end_ is not None:
            self._perform(self._end_.pause())

    def confirm_number(self, same: bool) -> None:
        """Say whether the customer reported the number that was read aloud."""
        if self._end_ is not None:
            self.info = replace(self.info, claimed=same)
            self._perform(self._end_.confirm_sas_same(same))
            self._show()

    def show_part(self, part: Part) -> None:
        """Ask for pictures of this part in this size."""
        if self._end_ is not None:
            self._perform(self._end_.set_view(part.width, part.height, part.source))

    def frame_drawn(self, seq: int) -> None:
        """The picture with this number is on the screen."""
        if seq == self._shown[0]:
            offset = self.measured.stats.get("clock_offset_us", 0.0)
            self._drawn_ms = (time.perf_counter_ns() / 1000 - self._shown[1] - offset) / 1000

    def request(self, scope: Scope, why: str = "") -> None:
        """Ask the customer for one more kind of access."""
        if scope is Scope.DIAGNOSTICS and self._desk.diagnostics is not None and self._details.customer is not None:
            self._desk.diagnostics.prefetch(self._details.customer.id)
        if self._end_ is not None:
            self._perform(self._end_.request(scope, why))

    def point(self, at: Point | None) -> None:
        """Point at a place of the picture."""
        if self._end_ is not None:
            self._perform(self._end_.point(at))

    def draw(self, mark: Mark) -> None:
        """Draw on the customer's screen."""
        if self._end_ is not None:
            self._perform(self._end_.draw(mark))

    def unmark(self, mark_id: int) -> None:
        """Take one drawing away."""
        if self._end_ is not None:
            self._perform(self._end_.unmark(mark_id))

    def clear_marks(self) -> None:
        """Take all drawings away."""
        if self._end_ is not None:
            self._perform(self._end_.clear_marks())

    def steer(self, deed: Deed) -> None:
        """Use mouse or keyboard on the customer's screen, as it shows in the picture handed over last."""
        if self._end_ is not None:
            self._perform(self._end_.steer(deed, self._shown[0]))

    def let_go(self) -> None:
        """Whatever is held down there goes up."""
        if self._end_ is not None:
            self._perform(self._end_.let_go())

    def note_activity(self) -> None:
        """Mouse or keyboard in the session window."""
        if self._end_ is not None:
            self._perform(self._end_.note_activity())

    # --- what arrives ------------------------------------------------------------------------------------------------

    def on_envelope(self, data: bytes) -> None:
        """Bytes from the relay."""
        if self._end_ is not None:
            self._perform(self._end_.on_envelope(data))

    def on_nack(self) -> None:
        """The relay could not deliver."""
        if self._end_ is not None:
            self._perform(self._end_.on_nack())

    def network_changed(self) -> None:
        """This computer has other addresses now."""
        if self._end_ is not None and not self.over:
            self._perform(self._end_.network_changed())

    def revoked(self, reason: EndReason) -> None:
        """The server withdrew the session."""
        if self._end_ is not None:
            self._perform(self._end_.revoked(reason))

    def _from_child(self, message: object) -> None:
        if self._end_ is None:
            return
        if isinstance(message, Stats):
            self.measured = replace(self.measured, stats=message.values)
            self._screen.show_meter(self._meter(message.values))
        if self._files is not None:
            self._files.from_child(message)
        self._perform(self._end_.on_child(message))  # type: ignore[arg-type]  # the host decoded it

    def _child_died(self, _status: int) -> None:
        if self._end_ is not None:
            self._perform(self._end_.on_child_died())
        if self.over:
            self._hand_in_recording()

    def _frame(self) -> None:
        picture = self._host.latest(self._image)
        if picture is None:
            return
        now = self._desk.clock.monotonic_ms()
        if self.over or self._end_ is None or not self._end_.view.live:
            if not self._left_before_end(picture.captured_us):
                self.measured = replace(self.measured, frames_after_end=self.measured.frames_after_end + 1)
            return
        first = self.measured.first_frame_ms or now
        self.measured = replace(self.measured, first_frame_ms=first, frames=self.measured.frames + 1)
        self._image = picture.image
        self._shown = (picture.frame_id, picture.captured_us)
        self._screen.show_frame(picture.image, picture.frame_id)

    def _left_before_end(self, captured_us: int) -> bool:
        """Whether a picture was on its way when the session ended: it is thrown away, but nobody broke a promise."""
        ended = self.measured.ended_ms
        offset = self.measured.stats.get("clock_offset_us", 0.0)
        return ended is not None and (captured_us + offset) / 1000 <= ended

    def _tick(self) -> None:
        if self._end_ is not None:
            self._perform(self._end_.tick())

    # --- actions -----------------------------------------------------------------------------------------------------

    def _perform(self, actions: Sequence[act.Action]) -> None:
        before = self.info
        for action in actions:
            self._carry_out(action)
        if self.info != before:
            self._show()
        self._arm()

    def _carry_out(self, action: act.Action) -> None:
        link = self._desk.link
        if self._files is not None and self._files.do(action):
            return
        match action:
            case act.SendEnvelope(sid, to, n, data):
                link.send_sig(sid, to, n, data)
            case act.StartChild():
                self._host.start()
            case act.ToChild(message):
                self._host.send(message)
            case act.KillChild():
                self._host.kill()
            case act.CallServer(call_id, method, path, body):
                raw = json.dumps(self._with_note(path, body)).encode()
                link.call(method, path, raw, lambda status, answer: self._answered(call_id, status, answer))
            case act.PhaseChanged(view):
                self._phase(view)
            case act.InvitationReady(url, code, pushed, expires_ms):
                page = self._desk.page.address(url)
                self.info = replace(self.info, invited=Invited(url, code, expires_ms, pushed, page))
            case act.CustomerJoined(proof, app, platform):
                self.info = replace(self.info, proof=proof, platform=platform, browser=app == BROWSER_MODE)
            case act.SasNumber(number):
                self.info = replace(self.info, check_number=number)
            case act.KeptBack(count, why):
                self.info = replace(self.info, hidden=count, held=why)
            case act.RemoteTarget(width, height, scale, kind, shows_marks):
                self.info = replace(self.info, target=Target(width, height, scale, kind, shows_marks))
            case OwnHands(on):
                self.info = replace(self.info, own_hands=on)
            case act.MarksChanged(marks):
                self._screen.show_marks(marks)
            case act.CursorMoved(at, shape):
                self._screen.show_cursor(at, shape)
            case act.CursorDrawn(id_, hot, width, height, bgra):
                self._screen.learn_cursor(CursorPicture(id_, hot, width, height, bgra))
            case act.DiagnosticsArrived() | act.DiagnosticsUnreadable():
                self._facts_came(action)
            case act.ChainEntry():
                self._keep_entry(action)
            case act.OpenEnd():
                self._keep_open_end(action)
            case act.RecordingChanged() | act.RecordingWanted():
                self._recording(action)
            case act.Receipt():
                self._keep_receipt(action)
            case act.Notify(notice, detail):
                self._screen.show_notice(notice, detail)
            case _:
                self._talk.take(action)  # else the customer's questions, and what `PhaseChanged` says already

    def _facts_came(self, action: act.DiagnosticsArrived | act.DiagnosticsUnreadable) -> None:
        keeper, customer = self._desk.diagnostics, self._details.customer
        if isinstance(action, act.DiagnosticsUnreadable) or keeper is None or customer is None:
            self._screen.show_facts_problem(problem_text("facts_unreadable"))
        else:
            keeper.arrived(self._details.row.id, customer.id, action, self._screen.show_facts)

    def _phase(self, view: SessionView) -> None:
        info = replace(self.info, view=view)
        now = self._desk.clock.monotonic_ms()
        if info.view.phase is Phase.CONNECTING and self.measured.consented_ms is None:
            self.measured = replace(self.measured, consented_ms=now)
        if view.reason is EndReason.NOT_REGISTERED:
            self._desk.forget_certificate()
        if info.view.phase is Phase.ENDED and self.measured.ended_ms is None:
            self.measured = replace(self.measured, ended_ms=now)
            self._talk.ended()
        self.info = info

    def _proofs(self) -> ProofLink:
        return self._desk.link

    def _invite_anew(self) -> None:
        """Make another invitation, with its ten minutes before it: the refused one was never registered."""
        self._desk.with_identity(self.invite)

    def _answered(self, call_id: int, status: int, body: bytes) -> None:
        ask, no_note = ways_wanted(status, body), is_note_missing(status, body)
        waits = self.info.invited is None and self.info.view.phase is Phase.INVITED
        if waits and status == _REFUSED and not self._certified_anew:
            # its certificate may count no more: withdrawn, or the organisation has a new key; once, with another one
            self._certified_anew = True
            self._take_back()
            self._desk.forget_certificate()
            self._invite_anew()
            return
        if waits and (ask is not None or no_note):
            self._take_back()
            self.info = replace(self.info, proof_ask=ask, note_ask=no_note)
            self._show()
            return
        if self._end_ is not None:
            self._perform(self._end_.on_server_result(call_id, status, body))

    def _take_back(self) -> None:
        """Let go of an invitation that the server did not take."""
        self._end_ = None
        self._timer.stop()
        if self._files is not None:
            self._files.close()

    def _keep_entry(self, entry: act.ChainEntry) -> None:
        self._last_no = max(self._last_no, entry.n)
        if entry.type == EntryType.TARGET.value:
            self._screen.show_notice(Notice.TARGET, "")
        ticket = bytes.fromhex(entry.ticket_id)
        self._desk.record(
            SessionRecordAdd(new_id(), ticket, entry.sid, entry.n, entry.type, entry.text, entry.hash, entry.at)
        )

    def _keep_receipt(self, receipt: act.Receipt) -> None:
        ticket, text = bytes.fromhex(receipt.ticket_id), receipt.data.decode()
        digest, now = hashlib.sha256(receipt.data).digest(), self._desk.clock.utc_ms()
        number = self._last_no + 1
        self._desk.record(SessionRecordAdd(new_id(), ticket, receipt.sid, number, "receipt", text, digest, now))

    def _keep_open_end(self, end: act.OpenEnd) -> None:
        """Say on the ticket that the record has no end: only the customer's computer could have written it."""
        ticket, digest = bytes.fromhex(end.ticket_id), hashlib.sha256(end.text.encode()).digest()
        self._desk.record(SessionRecordAdd(new_id(), ticket, end.sid, end.n, "open", end.text, digest, end.at))

    def _meter(self, values: dict[str, float]) -> Meter:
        quality = values.get("q")
        latency = self._drawn_ms if self._drawn_ms is not None else values.get("latency_p50_ms")
        return Meter(
            latency_ms=latency,
            fps=values.get("fps", 0.0),
            text="" if quality is None else ("sharp" if quality <= _SHARP_Q else "coarse"),
            path=self.info.view.path,
            loss_percent=values.get("loss_percent", 0.0),
            mbit_s=values.get("mbit_s", 0.0),
        )

    def _arm(self) -> None:
        due = self._end_.deadline_ms() if self._end_ is not None else None
        if due is None:
            self._timer.stop()
        else:
            # not longer: timers stand still while the computer sleeps, the times they wait for do not
            self._timer.start(max(0, min(due - self._desk.clock.monotonic_ms(), _TICK_MOST_MS)))

    def _show(self) -> None:
        self._screen.show_session(self.info)

    def shut_down(self) -> None:
        """Kill the child and wait for its thread; for the end of the program."""
        self._timer.stop()
        self._host.shut_down()
        if self._files is not None:
            self._files.close(wait=True)


def masked_mail(mail: str) -> str:
    """Return a mail address that its owner recognises and nobody else can use: p***@example.com."""
    name, at, domain = mail.partition("@")
    return f"{name[:1]}***@{domain}" if at and name else ""
