# SPDX-License-Identifier: GPL-3.0-or-later
"""The agent's session windows: inviting, the check number, the picture, the meter, the end."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from app.config.i18n import set_language
from app.domain.assist import EndReason, Notice, Phase, ProofKind, Scope, SessionView
from app.domain.errors import Refused
from tests.fakes.link import FakeSessions
from tests.fakes.queries import customer_id, ticket_id
from widgets.foundation import Theme
from widgets.remote.flow import SessionFlow
from widgets.remote.invite import code_text
from widgets.remote.ports import Invited, InviteOrder, Meter, Part, SessionInfo, Target
from widgets.remote.view import View
from widgets.remote.words import meter_words

ORDER = InviteOrder(ticket_id(0), "#14821", "Printer stops", customer_id(0), "Minsu Park")


def now_ms() -> int:
    """The monotonic clock."""
    return time.monotonic_ns() // 1_000_000


def info(phase: Phase, **more: object) -> SessionInfo:
    """A session's state; `more` goes to its view."""
    grants = (Scope.VIEW,) if phase in (Phase.UNVERIFIED, Phase.VERIFIED) else ()
    view = SessionView(phase, grants=grants, started_ms=now_ms(), **more)  # type: ignore[arg-type]  # test values
    invited = Invited("deskside://invite/x#y", "482917305", now_ms() + 600_000, pushed=True)
    return SessionInfo(
        view,
        "#14821",
        "Minsu Park",
        invited,
        ProofKind.DEVICE,
        "Linux",
        "482 917",
        target=Target(800, 500, 1.0, "window"),
    )


def picture(colour: str = "#ff0000", width: int = 800, height: int = 500) -> QImage:
    """A picture of one colour."""
    image = QImage(width, height, QImage.Format.Format_RGB32)
    image.fill(QColor(colour))
    return image


class Stage:
    """A flow with a desk that a test plays."""

    def __init__(self, qtbot: QtBot, theme: Theme) -> None:
        self.window = QWidget()
        qtbot.addWidget(self.window)
        self.window.show()
        self.desk = FakeSessions()
        self.flow = SessionFlow(theme, ORDER, self.window)
        self.flow.start(self.desk)

    def live(self, phase: Phase = Phase.UNVERIFIED) -> None:
        """Go on until the picture may flow."""
        self.flow.show_session(info(Phase.CONNECTING))
        self.flow.show_session(info(phase))


@pytest.fixture
def stage(qtbot: QtBot, theme: Theme) -> Iterator[Stage]:
    """An invitation just asked for."""
    made = Stage(qtbot, theme)
    yield made
    made.flow.close()


def test_the_invitation_shows_that_it_reached_the_companion_and_a_code_to_read(stage: Stage) -> None:
    """Push, code and link, with the time left."""
    stage.flow.show_session(info(Phase.INVITED))
    window = stage.flow.invitation
    assert window is not None
    sent = "Sent to Minsu Park's companion. The request shows there now, or as soon as another session there is over."
    assert window.words.text() == sent  # nothing is promised of a computer that cannot be seen from here
    assert window.code.text() == "482 917 305"
    assert window.left.text().startswith("Valid for another 9:5") or window.left.text().endswith("10:00")
    assert code_text("001002003") == "001 002 003"


def test_a_companion_that_is_offline_is_said(stage: Stage) -> None:
    """Then the code or the link is the way."""
    invited = Invited("deskside://invite/x#y", "482917305", now_ms() + 600_000, pushed=False)
    stage.flow.show_session(replace(info(Phase.INVITED), invited=invited))
    assert stage.flow.invitation is not None
    assert "is not online" in stage.flow.invitation.words.text()


def test_closing_the_invitation_withdraws_it(stage: Stage) -> None:
    """Escape, the button and the window's cross are one."""
    stage.flow.show_session(info(Phase.INVITED))
    assert stage.flow.invitation is not None
    stage.flow.invitation.cancel.click()
    assert stage.desk.controls.did == ["cancel"]


def test_a_refusal_is_told_in_words_and_can_be_asked_again(stage: Stage) -> None:
    """No means no; asking again is a new invitation."""
    stage.flow.show_session(info(Phase.ENDED, reason=EndReason.REFUSED, by="customer"))
    window = stage.flow.invitation
    assert window is not None
    assert "Minsu Park did not allow looking." in window.problem.text.text()
    window.again.click()
    assert len(stage.desk.orders) == 2


def test_a_no_silence_and_nobody_there_are_told_apart_with_what_helps(stage: Stage) -> None:
    """The agent knows whether to write, to call, or to find a time."""
    away = Invited("deskside://invite/x#y", "482917305", now_ms() + 600_000, pushed=False)

    def told(reason: EndReason, by: str, *, invited: Invited | None = None) -> list[str]:
        ended = info(Phase.ENDED, reason=reason, by=by)
        stage.flow.show_session(replace(ended, invited=invited or ended.invited))
        assert stage.flow.invitation is not None
        return stage.flow.invitation.problem.text.text().split("\n")

    no = told(EndReason.REFUSED, "customer")
    silence = told(EndReason.REFUSED, "system")
    unopened = told(EndReason.EXPIRED, "system")
    absent = told(EndReason.EXPIRED, "system", invited=away)
    assert no[0] == "Minsu Park did not allow looking."
    assert "did not answer within two minutes" in silence[0]
    assert "did not open the request" in unopened[0]
    assert "was not online" in absent[0]
    assert all(words[1] == "Nothing was shown." for words in (no, silence, unopened, absent))
    assert len({no[2], silence[2], absent[2]}) == 3


@pytest.mark.parametrize("reason", [EndReason.LOST, EndReason.LIMIT])
def test_a_line_that_broke_and_a_time_that_ran_out_say_how_to_go_on(stage: Stage, reason: EndReason) -> None:
    """Consent ended with them: asking again is the way."""
    stage.live()
    ended = info(Phase.ENDED, reason=reason, by="system")
    stage.flow.show_session(replace(ended, view=replace(ended.view, started_ms=1)))
    assert stage.flow.session is not None
    said = stage.flow.session.picture.accessibleDescription()
    assert "ask again from the ticket" in said
    assert ("broke" in said) is (reason is EndReason.LOST)


def test_a_ticket_that_allows_no_session_is_told_without_a_window(qtbot: QtBot, theme: Theme) -> None:
    """Refused by the rule: one sentence."""
    window = QWidget()
    qtbot.addWidget(window)
    desk = FakeSessions()
    desk.error = Refused("no_session_here")
    flow = SessionFlow(theme, ORDER, window)
    with qtbot.waitSignal(flow.failed) as told:
        flow.start(desk)
    assert "open ticket" in str(told.args)
    assert flow.invitation is None


@pytest.mark.ux("UX-40")
def test_the_check_number_is_read_aloud_and_confirmed_by_the_agent(stage: Stage) -> None:
    """Shown large until verified; both buttons tell the desk."""
    stage.live()
    window = stage.flow.session
    assert window is not None
    assert window.check.isVisible()
    assert window.number.text() == "482 917"
    assert stage.flow.invitation is not None
    assert not stage.flow.invitation.isVisible()
    assert window.verified.text() == "not verified yet"
    window.same.click()
    window.differs.click()
    assert stage.desk.controls.did == ["confirm True", "confirm False"]
    stage.flow.show_session(info(Phase.VERIFIED))
    assert not window.check.isVisible()
    assert window.verified.text() == "verified"


@pytest.mark.ux("UX-49", "UX-50")
def test_the_header_names_who_sees_what(stage: Stage) -> None:
    """Customer, ticket, every grant, nobody else."""
    stage.live()
    window = stage.flow.session
    assert window is not None
    assert "Minsu Park" in window.who.text()
    assert "#14821" in window.who.text()
    assert window.grants.text() == "You may: look"
    assert window.alone.text() == "nobody else watches"


def test_pictures_are_painted_and_reported_as_drawn(stage: Stage, qtbot: QtBot) -> None:
    """The number of each painted picture goes back for the latency of both ends."""
    stage.live()
    stage.flow.show_frame(picture(), 7)
    qtbot.waitUntil(lambda: stage.desk.controls.drawn == [7])
    window = stage.flow.session
    assert window is not None
    grabbed = window.picture.grab().toImage()
    assert grabbed.pixelColor(grabbed.width() // 2, grabbed.height() // 2) == QColor("#ff0000")


def test_the_window_asks_for_pictures_of_its_own_size(stage: Stage, qtbot: QtBot) -> None:
    """The sending end scales; the window paints one to one."""
    stage.live()
    qtbot.waitUntil(lambda: bool(stage.desk.controls.parts))
    part = stage.desk.controls.parts[-1]
    assert part.source is None
    assert abs(part.width / part.height - 800 / 500) < 0.01


def test_after_the_end_nothing_of_the_screen_stays_and_the_reason_is_told(stage: Stage) -> None:
    """The picture is gone at once; a late frame is not painted."""
    stage.live()
    stage.flow.show_frame(picture(), 1)
    stage.flow.show_session(info(Phase.ENDED, reason=EndReason.STOPPED, by="customer"))
    stage.flow.show_frame(picture(), 2)
    window = stage.flow.session
    assert window is not None
    assert "Minsu Park ended the session." in window.picture.accessibleDescription()
    grabbed = window.picture.grab().toImage()
    colours = {grabbed.pixelColor(x, 5).name() for x in range(0, grabbed.width(), 20)}
    assert "#ff0000" not in colours


@pytest.mark.ux("UX-42")
def test_pause_is_visible_and_only_the_customer_goes_on(stage: Stage) -> None:
    """The button asks once; the words say who can resume."""
    stage.live(Phase.VERIFIED)
    window = stage.flow.session
    assert window is not None
    window.pause_button.click()
    stage.flow.show_session(info(Phase.VERIFIED, paused=True))
    assert stage.desk.controls.did == ["pause"]
    assert "Only Minsu Park can go on" in window.picture.accessibleDescription()
    assert not window.pause_button.isEnabled()


def test_ctrl_shift_end_and_closing_end_the_session(stage: Stage, qtbot: QtBot) -> None:
    """One key, and the cross."""
    stage.live()
    window = stage.flow.session
    assert window is not None
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow)
    QTest.keyClick(
        window.picture, Qt.Key.Key_End, Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier
    )
    assert stage.desk.controls.did == ["end"]
    window.close()
    assert stage.desk.controls.did == ["end", "end"]


@pytest.mark.ux("UX-45")
@pytest.mark.parametrize(("latency", "level"), [(38, "good"), (80, "good"), (81, "slow"), (151, "very slow")])
def test_the_meter_says_figures_and_a_word(latency: float, level: str) -> None:
    """80 and 150 ms are the thresholds."""
    words = meter_words(Meter(latency, 28.3, "sharp", "relay", 0.2, 1.4))
    assert words.level == level
    assert words.parts == (f"{latency} ms", "28 frames/s", "text: sharp", "path: relay", "loss 0.2 %", "1.4 Mbit/s")


def test_the_close_button_of_an_ended_session_keeps_its_size_and_place(stage: Stage) -> None:
    """It stands at the right edge where the ending stood, and does not fill the foot."""
    stage.live()
    window = stage.flow.session
    assert window is not None
    edge = window.end_button.geometry().right()
    stage.flow.show_session(info(Phase.ENDED))
    QApplication.sendPostedEvents()
    window.resize(window.width() + 1, window.height())
    window.resize(window.width() - 1, window.height())
    assert window.end_button.width() <= window.end_button.sizeHint().width()
    assert window.end_button.geometry().right() == edge


@pytest.mark.parametrize(("language", "said"), [("en", ("1 frame/s", "0 frames/s")), ("ko", ("초당 1장", "초당 0장"))])
def test_one_frame_a_second_is_said_in_the_singular(language: str, said: tuple[str, str]) -> None:
    """What is rounded is what counts: 1.3 is one."""
    set_language("ko" if language == "ko" else "en")
    parts = [meter_words(Meter(None, fps, "", "", 0.0, 0.0)).parts[0] for fps in (1.3, 0.2)]
    assert tuple(parts) == said


@pytest.mark.ux("UX-51")
def test_a_lost_line_dims_the_picture_and_says_that_nothing_is_shared(stage: Stage) -> None:
    """And back again."""
    stage.live(Phase.VERIFIED)
    window = stage.flow.session
    assert window is not None
    stage.flow.show_session(info(Phase.VERIFIED, lost=True))
    assert "The connection broke" in window.picture.accessibleDescription()
    stage.flow.show_notice(Notice.BACK, "")
    stage.flow.show_session(info(Phase.VERIFIED))
    assert window.picture.accessibleDescription() == "You may: look"
    assert window.notice.text.text() == "The connection is back."


@pytest.mark.ux("UX-46")
def test_fit_keeps_the_aspect_and_actual_size_is_pixel_for_pixel() -> None:
    """Arithmetic of the view."""
    view = View((1000, 500), (1600, 1200))
    assert view.part() == Part(667, 500, None)
    actual = view.zoomed(1.0)
    assert (actual.part().width, actual.part().height) == (1000, 500)
    x, y, width, height = actual.rect()
    assert (width, height) == (1000, 500)
    assert abs(x - 300) <= 2  # the middle stays in the middle, to what one pixel of the fitted picture stands for
    assert abs(y - 350) <= 2


@pytest.mark.ux("UX-46", "UX-47")
@pytest.mark.parametrize("factor", [0.25, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0])
def test_zooming_keeps_the_point_under_the_pointer_to_one_pixel(factor: float) -> None:
    """At each factor, for a point away from the edges."""
    view = View((1000, 700), (4000, 3000)).zoomed(1.0)
    at = (400.0, 300.0)
    before = view.to_source(*at)
    after = view.zoomed(factor, at).to_source(*at)
    slack = max(1, round(1 / factor))
    if factor >= 0.5:  # smaller shows all of it: there is nothing to keep
        assert abs(before[0] - after[0]) <= slack
        assert abs(before[1] - after[1]) <= slack


@pytest.mark.ux("UX-47")
def test_zoom_goes_from_25_to_400_percent_and_panning_stays_inside(stage: Stage) -> None:
    """By key; arrows move the part."""
    view = View((1000, 700), (1600, 1200))
    for _step in range(12):
        view = view.stepped(1)
    assert view.scale() == 4.0
    moved = view.moved(-100_000, -100_000)
    assert moved.rect()[:2] == (0, 0)
    for _step in range(12):
        view = view.stepped(-1)
    assert view.scale() == 0.25
