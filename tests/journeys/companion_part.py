# SPDX-License-Identifier: GPL-3.0-or-later
"""The customer of the journeys: the demo's real companion in a process of its own, to which things happen.

Run as `python -m tests.journeys.companion_part`, see `tests.journeys.stage`.
"""

from __future__ import annotations

import sys
from functools import partial

import msgspec
from PySide6.QtCore import Qt

from app.domain.assist import Scope
from app.entry import companion_invitations
from app.entry.demo_companion import main, press
from app.entry.demo_driver import Step, Steps, pause
from remote_assist.customer_end import CustomerEnd
from remote_assist.limits import Limits
from sync.customer_protocol import SessionEntry
from tests.journeys.control_customer import ControlCustomer
from tests.journeys.files_customer import FilesCustomer
from tests.journeys.known_parts import KnownCustomer
from tests.journeys.texts_customer import TextsCustomer
from tests.journeys.whole_parts import WholeCustomer
from widgets.foundation import PlainLabel


class TriedCustomer(FilesCustomer, TextsCustomer, ControlCustomer, KnownCustomer, WholeCustomer):
    """A customer to whom things happen."""

    def steps(self) -> dict[str, Step]:
        """Return the orders this part knows."""
        more: dict[str, Step] = {
            "patience": self.patience,
            "resume": self.resume,
            "child": self.child,
            "session": self.session,
            "wait_lost": self.wait_lost,
            "sent_more": self.sent_more,
            "press_stop": self.press_stop,
            "allow_recording": self.allow_recording,
            "take_back_recording": self.take_back_recording,
            "send_facts": self.send_facts,
            "close_home": self.close_home,
            "kept": self.kept,
            "home": self.home,
            "blind_prompt": self.blind_prompt,
        }
        return super().steps() | more

    def patience(self, lost_ms: int) -> Steps:
        """How long the next session waits for a broken line."""
        assert "CustomerEnd" in vars(companion_invitations)  # where sessions are made
        vars(companion_invitations)["CustomerEnd"] = partial(CustomerEnd, limits=Limits(lost_ms=lost_ms))
        yield lambda: True
        return {}

    def resume(self) -> Steps:
        """A later start with the same profile: Home comes by itself, and the server is reached."""
        app = self._app
        yield lambda: app.home is not None and app.home.shown is not None and bool(app.home.shown.tickets)
        yield lambda: app.online
        return {}

    def child(self, other_than: int = 0) -> Steps:
        """Process id of the session child, once there is one, or another one."""
        session = self._session()
        yield lambda: session._host.pid not in (0, other_than)
        return {"pid": session._host.pid}

    def wait_lost(self) -> Steps:
        """Wait until the bar says that nothing is shared now, or that it is over; `frames` as they stood then.

        The child counts once a second: what left in the last one before is told after the bar's words.
        """
        session = self._session()
        counts: list[int] = []
        counted = session._count

        def note(sent: float) -> None:
            counted(sent)
            if session.view.lost:
                counts.append(session.frames)

        session._count = note  # type: ignore[method-assign]  # listen in, then count as ever
        yield lambda: session.view.lost or session.over
        yield pause(0.1)
        told = self._told()
        yield lambda: session.over or (len(counts) > 1 and counts[-1] == counts[-2])
        return told | {"frames": session.frames}

    def session(self, over: bool = False, look_s: float = 0.0) -> Steps:
        """How it stands, with the words of its windows; `over`: once the summary is there and the child gone."""
        session = self._session()
        yield lambda: not over or (session.over and session.ended is not None and not session._host.running)
        before = session.frames
        yield pause(look_s)
        return self._told() | {"frames_since": session.frames - before}

    def sent_more(self, than: int) -> Steps:
        """Wait until more pictures have left this computer in this session."""
        session = self._session()
        yield lambda: session.frames > than
        return {"frames": session.frames}

    def _told(self) -> dict[str, object]:
        session, view = self._session(), self._session().view
        bar, ended = session.bar, session.ended
        return {
            "sid": session.sid.hex(),
            "phase": view.phase.value,
            "lost": view.lost,
            "by": view.by,
            "reason": view.reason.value if view.reason else "",
            "frames": session.frames,
            "bar": [label.text() for label in bar.findChildren(PlainLabel)] if bar is not None else [],
            "summary": [label.text() for label in ended.findChildren(PlainLabel)] if ended is not None else [],
            "child": session._host.running,
        }

    def press_stop(self) -> Steps:
        """Press STOP on the bar, and wait until the child is gone."""
        session = self._session()
        assert session.bar is not None
        session.bar.stop.click()
        yield lambda: session.over and not session._host.running
        return self._told()

    def allow_recording(self) -> Steps:
        """Read the question and press Allow recording; wait for REC on the bar."""
        session = self._session()
        yield lambda: Scope.RECORDING in session.more.questions
        question = session.more.questions[Scope.RECORDING]
        yield question.yes.isEnabled
        press(question.yes)
        yield lambda: session.bar is not None and Scope.RECORDING in session.bar.given
        assert session.bar is not None
        return {"bar": session.bar.given[Scope.RECORDING].text().strip()}

    def take_back_recording(self) -> Steps:
        """Press REC on the bar."""
        session = self._session()
        assert session.bar is not None
        session.bar.given[Scope.RECORDING].click()
        yield lambda: session.bar is not None and Scope.RECORDING not in session.bar.given
        return {}

    def send_facts(self) -> Steps:
        """Let this computer be looked at, keep the first line back, and send the rest."""
        session = self._session()
        yield lambda: Scope.DIAGNOSTICS in session.more.questions
        question = session.more.questions[Scope.DIAGNOSTICS]
        yield question.yes.isEnabled
        press(question.yes)
        yield lambda: session.facts.window is not None and session.facts.window.tree.topLevelItemCount() > 0
        window = session.facts.window
        assert window is not None
        covered = bool(session._covered)
        first = window.tree.topLevelItem(0)
        line = first.child(0) if first is not None else None
        assert line is not None
        line.setCheckState(0, Qt.CheckState.Unchecked)
        yield window.yes.isEnabled
        exact = window.exact.toPlainText()
        press(window.yes)
        yield lambda: "has got it" in window.time.text()
        window.no.click()
        return {"exact": exact, "line": line.text(1), "covered": covered}

    def home(self) -> Steps:
        """Whether Home stands and can be used."""
        home = self._app.home
        yield lambda: True
        return {"usable": home is not None and home.isVisible() and home.isEnabled(), "online": self._app.online}

    def blind_prompt(self) -> Steps:
        """Read the request on a computer that can show nothing, and try to allow it."""
        app = self._app
        yield lambda: app.session is not None and (app.session.scam is not None or app.session.request is not None)
        session = self._session()
        if session.scam is not None:
            yield session.scam.yes.isEnabled
            press(session.scam.yes)
        yield lambda: session.request is not None
        request = session.request
        assert request is not None
        yield request.problem.isVisible
        request.yes.click()
        words = [label.text() for label in request.problem.findChildren(PlainLabel)]
        return {"allow": request.yes.isEnabled(), "words": words}

    def kept(self, kind: str) -> Steps:
        """Wait until an entry of this kind lies in the file and was not handed in."""
        opened = self._app.opened
        assert opened is not None
        kinds: list[str] = []

        def waits() -> bool:
            kinds[:] = [msgspec.json.decode(row.body, type=SessionEntry).kind for row in opened.store.unsent_entries()]
            return kind in kinds

        yield waits
        return {"kinds": kinds}

    def close_home(self) -> Steps:
        """Close the companion as a person does; this process ends."""
        assert self._app.home is not None
        self._app.home.close()
        yield lambda: False
        return {}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], TriedCustomer, behind=False))
