# SPDX-License-Identifier: GPL-3.0-or-later
"""The agent of the journeys: the demo's real client in a process of its own, with more orders for when things break.

Run as `python -m tests.journeys.agent_part`, see `tests.journeys.stage`.
"""

from __future__ import annotations

import os
import signal
import sys
from functools import partial
from pathlib import Path

from app.domain.assist import Phase, Scope
from app.domain.ports import DraftKind, ItemKind, SyncPhase, ThreadItem
from app.entry import agent_session
from app.entry.demo_agent import main
from app.entry.demo_driver import Step, Steps, pause
from app.services.texts_history import event_line
from remote_assist.agent_end import AgentEnd
from remote_assist.limits import Limits
from tests.journeys.control_agent import ControlAgent
from tests.journeys.files_agent import FilesAgent
from tests.journeys.known_parts import KnownAgent
from tests.journeys.moving_parts import MovingAgent
from tests.journeys.texts_agent import TextsAgent
from tests.journeys.whole_parts import WholeAgent
from widgets.remote.recording import RecordingTools


class TriedAgent(FilesAgent, TextsAgent, ControlAgent, KnownAgent, MovingAgent, WholeAgent):
    """An agent to whom things happen."""

    def steps(self) -> dict[str, Step]:
        """Return the orders this part knows."""
        more: dict[str, Step] = {
            "patience": self.patience,
            "resume": self.resume,
            "children": self.children,
            "strip": self.strip,
            "kill_worker": self.kill_worker,
            "reopened": self.reopened,
            "sign_in_again": self.sign_in_again,
            "sees_live": self.sees_live,
            "session": self.session,
            "wait_lost": self.wait_lost,
            "end_session": self.end_session,
            "record": self.record,
            "keep_still": self.keep_still,
            "recording_over": self.recording_over,
            "save_recording": self.save_recording,
            "note": self.note,
            "type_draft": self.type_draft,
            "draft": self.draft,
            "thread": self.thread,
            "ask_facts": self.ask_facts,
            "facts": self.facts,
        }
        return super().steps() | more

    def patience(self, lost_ms: int) -> Steps:
        """How long the next session waits for a broken line."""
        assert "AgentEnd" in vars(agent_session)  # where sessions are made
        vars(agent_session)["AgentEnd"] = partial(AgentEnd, limits=Limits(lost_ms=lost_ms))
        yield lambda: True
        return {}

    def resume(self) -> Steps:
        """A later start with the same profile: the main window comes by itself."""
        yield lambda: self._app.window is not None and self._app.window.isVisible()
        yield lambda: self._app.status.phase is SyncPhase.LIVE
        return {}

    def kill_worker(self) -> Steps:
        """Kill the sync worker, and read the strip while it says so; asked from outside it could be back before."""
        assert self._app.link is not None
        assert self._app.link.worker_pid is not None
        os.kill(self._app.link.worker_pid, signal.SIGKILL)
        return (yield from self.strip(SyncPhase.WORKER_DOWN.value))

    def reopened(self) -> Steps:
        """A later start with the same profile, whatever the server thinks of it."""
        yield lambda: self._app.window is not None and self._app.window.isVisible()
        return {}

    def sign_in_again(self, password: str) -> Steps:
        """Press what the strip offers, and sign in."""
        if self._app.sign_in is None:
            self._window.strip.action.click()
        yield lambda: self._app.sign_in is not None
        window = self._app.sign_in
        assert window is not None
        window.password.setText(password)
        window.submit.click()
        yield lambda: self._app.sign_in is None
        return {}

    def children(self) -> Steps:
        """Process ids of the children; 0 for none."""
        yield lambda: self._app.link is not None and self._app.link.worker_pid is not None
        link, session = self._app.link, self._session
        return {
            "worker": (link.worker_pid or 0) if link is not None else 0,
            "session": session._host.pid if session is not None else 0,
        }

    def strip(self, phase: str = "") -> Steps:
        """What the status strip says, once sync stands like this."""
        yield lambda: not phase or self._app.status.phase.value == phase
        status = self._app.status
        strip = self._window.strip
        return {
            "words": strip.words.text(),
            "action": strip.action.text(),
            "phase": status.phase.value,
            "waiting": status.waiting,
        }

    def sees_live(self) -> Steps:
        """Wait until new pictures come and the line is good."""
        session = self._running
        before = session.measured.frames
        yield lambda: session.info.view.flowing and not session.info.view.lost and session.measured.frames > before + 1
        return {"frames": session.measured.frames}

    def wait_lost(self) -> Steps:
        """Wait until the window says that nothing is shared now, or that it is over."""
        session = self._running
        yield lambda: session.info.view.lost or session.over
        yield pause(0.1)
        return self._told()

    def session(self, over: bool = False, look_s: float = 0.0) -> Steps:
        """How the newest session stands, with the words of its window; `over`: once it has ended and its child too."""
        session = self._running
        yield lambda: not over or (session.over and not session._host.running)
        before = session.measured.frames
        yield pause(look_s)
        return self._told() | {"frames_since": session.measured.frames - before}

    def _told(self) -> dict[str, object]:
        session, flow = self._running, self._window.flow
        view, measured = session.info.view, session.measured
        return {
            "sid": session.sid.hex(),
            "phase": view.phase.value,
            "lost": view.lost,
            "by": view.by,
            "reason": view.reason.value if view.reason else "",
            "frames": measured.frames,
            "frames_after_end": measured.frames_after_end,
            "words": flow.session.picture.accessibleDescription()
            if flow is not None and flow.session is not None
            else "",
            "strip": self._window.strip.session.text(),
            "child": session._host.running,
        }

    def end_session(self) -> Steps:
        """Press End session in the session's window."""
        flow, session = self._window.flow, self._running
        assert flow is not None
        assert flow.session is not None
        flow.session.end_button.click()
        yield lambda: session.info.view.phase is Phase.ENDED
        return {}

    def record(self) -> Steps:
        """Press Record in the session's window."""
        tools = self._tools()
        yield lambda: tools.isVisible() and tools.film.isEnabled()
        tools.film.click()
        return {}

    def keep_still(self, look_s: float = 1.0) -> Steps:
        """Once REC shows, look on for a while and press Keep picture; wait until it is kept."""
        session, tools = self._running, self._tools()
        yield lambda: session.info.recording.on
        before = session.measured.frames
        yield pause(look_s)
        tools.still.click()
        yield lambda: session.info.recording.stills == 1
        return {"frames": session.measured.frames - before}

    def recording_over(self) -> Steps:
        """Wait until the window says that nothing is kept any more."""
        session = self._running
        yield lambda: not session.info.recording.on
        return {"problem": session.info.recording.problem, "parts": session.info.recording.parts}

    def save_recording(self, folder: str, files: int) -> Steps:
        """Save what the newest note of the open ticket holds, once it holds so many files, as Save as does."""

        def note() -> ThreadItem | None:
            notes = [item for item in self._open.items if item.kind is ItemKind.NOTE and item.attachments]
            return notes[-1] if notes and len(notes[-1].attachments) == files else None

        yield lambda: note() is not None
        kept = note()
        assert kept is not None
        assert self._window.files is not None
        for number, each in enumerate(kept.attachments):
            self._window.files.save(each, Path(folder) / str(number))
        yield lambda: all((Path(folder) / str(number)).exists() for number in range(files))
        return {"note": kept.body, "names": [each.filename for each in kept.attachments]}

    def _tools(self) -> RecordingTools:
        flow = self._window.flow
        assert flow is not None
        assert flow.session is not None
        return flow.session.tools.recording

    def ask_facts(self) -> Steps:
        """Press Diagnostics in the session's window."""
        flow = self._window.flow
        assert flow is not None
        assert flow.session is not None
        button = flow.session.tools.ask[Scope.DIAGNOSTICS]
        yield lambda: button.isVisible() and button.isEnabled()
        button.click()
        return {}

    def facts(self, notes: int) -> Steps:
        """What the panel beside the picture shows, once the ticket has so many notes with a bundle."""
        flow = self._window.flow
        assert flow is not None
        assert flow.session is not None
        panel = flow.session.facts

        def kept() -> list[ThreadItem]:
            return [item for item in self._open.items if item.kind is ItemKind.NOTE and item.attachments]

        yield lambda: panel.isVisible() and len(kept()) == notes
        panel.form.click()
        return {
            "exact": panel.exact.toPlainText(),
            "since": panel.since.text(),
            "problem": panel.problem.text(),
            "note": kept()[-1].body,
            "sha256": kept()[-1].attachments[0].sha256.hex(),
        }

    def note(self, text: str) -> Steps:
        """Write an internal note on the open ticket."""
        yield from self._write(DraftKind.NOTE, text)
        return {}

    def type_draft(self, text: str) -> Steps:
        """Type a reply without sending it, and wait until the window says that the draft is saved."""
        composer = self._window.ticket.composer
        composer.reply_button.click()
        yield lambda: composer.kind() is DraftKind.REPLY
        sheet = composer.sheets[DraftKind.REPLY]
        sheet.say("")
        sheet.edit.setPlainText(text)
        yield lambda: bool(sheet.state.text())
        return {"says": sheet.state.text()}

    def draft(self) -> Steps:
        """What stands in the reply's field, once anything does; it is emptied afterwards."""
        composer = self._window.ticket.composer
        sheet = composer.sheets[DraftKind.REPLY]
        yield lambda: bool(sheet.edit.toPlainText())
        text, says = sheet.edit.toPlainText(), sheet.state.text()
        sheet.discard.click()
        yield lambda: not sheet.edit.toPlainText()
        return {"text": text, "says": says}

    def thread(self, since: int = 0, sid: str = "", wants: str = "") -> Steps:
        """The open ticket's history from the n-th event on, or of one session, once it holds an event `wants`."""
        yield lambda: not wants or any(item.event == wants for item in self._events(since, sid))
        window, found = self._window, self._events(since, sid)
        lines = [event_line(item, self._open.items, window.desk.choices) for item in found]
        return {
            "events": [item.event for item in found],
            "lines": [line.text for line in lines if line is not None],
            "count": len(self._events(0, "")),
        }

    def _events(self, since: int, sid: str) -> list[ThreadItem]:
        found = [item for item in self._open.items if item.kind is ItemKind.EVENT][since:]
        return [item for item in found if not sid or item.data.get("sid") == sid]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], TriedAgent))
