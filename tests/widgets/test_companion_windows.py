# SPDX-License-Identifier: GPL-3.0-or-later
"""The customer's windows: silence and every default mean no, and everything says what it is about."""

from __future__ import annotations

from dataclasses import replace

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication, QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QComboBox, QLineEdit, QPlainTextEdit, QRadioButton, QWidget
from pytestqt.qtbot import QtBot

from app.config.i18n import set_language
from app.domain.assist import Question, TargetChoice
from tests.widgets import scenes_companion as scenes
from tests.widgets.screenshots import Scene
from widgets.companion import texts
from widgets.companion.bar import SharingBar
from widgets.companion.compose import AskWindow, TicketWindow
from widgets.companion.enrol import EnrolWindow, PassphraseWindow
from widgets.companion.home import HomeWindow
from widgets.companion.model import Hours, Line, LineState, Organisation, RequestLine, RequestState
from widgets.companion.preview import Preview
from widgets.companion.request import RequestWindow, ScamWindow
from widgets.companion.session import CheckNumberWindow, QuestionWindow
from widgets.foundation import Button, PlainLabel, Theme

_NOW = 1_795_000_000_000


class _Clock:
    def __init__(self) -> None:
        self.ms = 0

    def __call__(self) -> int:
        return self.ms


def _request(theme: Theme, qtbot: QtBot, *, picture: bool = True) -> tuple[RequestWindow, _Clock]:
    clock = _Clock()
    image = scenes.sample_desktop()
    window = RequestWindow(theme, scenes.sample_prompt(), clock, lambda: image if picture else None)
    qtbot.addWidget(window)
    window.show_targets((TargetChoice("w1", "window", "Notes", (0, 0, 800, 600)),))
    window.show()
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow)
    return window, clock


def _texts(window: QWidget) -> str:
    labels = [label.text() for label in window.findChildren(PlainLabel)]
    return "\n".join(labels + [button.label() for button in window.findChildren(Button)])


# --- consent ---------------------------------------------------------------------------------------------------------


@pytest.mark.ux("UX-35")
def test_the_requests_own_place_in_a_preview_is_named_and_shows_nothing(theme: Theme, qtbot: QtBot) -> None:
    """The right half is this window: a quiet ground with words; the left half stays as it is."""
    preview = Preview(theme)
    qtbot.addWidget(preview)
    preview.resize(402, 202)
    image = QImage(400, 200, QImage.Format.Format_RGB32)
    image.fill(0xFF00FF)
    preview.show_picture(image, "screen")
    preview.cover([(2000, 0, 2000, 2000)], (4000, 2000))
    seen = preview.grab().toImage()
    assert seen.pixelColor(100, 20).rgb() & 0xFFFFFF == 0xFF00FF
    assert seen.pixelColor(300, 20) == theme.colour("bg.hover")
    preview.cover([], (4000, 2000))
    assert preview.grab().toImage().pixelColor(300, 20).rgb() & 0xFFFFFF == 0xFF00FF


def test_the_request_names_who_asks_for_which_ticket_and_what_is_not_included(theme: Theme, qtbot: QtBot) -> None:
    """Agent in full, organisation with its key, own ticket, how long; looking only."""
    window, _clock = _request(theme, qtbot)
    shown = _texts(window)
    for words in ("Kim Jiwoo, Hanbit Support", "7F3A 21C0", "#4182", "Printer stops", "LOOK AT", "60 minutes"):
        assert words in shown
    assert "NOT included: control, clipboard, files, recording" in shown
    assert "passwords" in shown


@pytest.mark.ux("UX-35")
def test_dont_allow_has_the_focus_and_escape_and_closing_refuse(theme: Theme, qtbot: QtBot) -> None:
    """Every default is no."""
    for deed in (lambda w: QTest.keyClick(w, Qt.Key.Key_Escape), lambda w: w.close(), lambda w: w.no.click()):
        window, _clock = _request(theme, qtbot)
        assert window.no.hasFocus()
        with qtbot.waitSignal(window.refused), qtbot.assertNotEmitted(window.allowed):
            deed(window)
        assert not window.isVisible()


def test_enter_never_allows_but_a_click_does(theme: Theme, qtbot: QtBot) -> None:
    """Neither Enter key presses Allow, whatever has the focus."""
    window, clock = _request(theme, qtbot)
    clock.ms = 2000
    window.picture_arrived()
    assert window.yes.isEnabled()
    window.yes.setFocus()
    with qtbot.assertNotEmitted(window.allowed):
        for key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            QTest.keyClick(window.yes, key)
            QTest.keyClick(window, key)
    with qtbot.waitSignal(window.allowed):
        QTest.mouseClick(window.yes, Qt.MouseButton.LeftButton)


def test_allow_sleeps_for_a_second_and_while_there_is_no_preview(theme: Theme, qtbot: QtBot) -> None:
    """Nobody allows by a click meant for something else, or something not seen."""
    window, clock = _request(theme, qtbot)
    window.picture_arrived()
    assert not window.yes.isEnabled()
    clock.ms = 1000
    window.picture_arrived()
    assert window.yes.isEnabled()
    window.show_problem("No permission")
    assert not window.yes.isEnabled()
    without, clock = _request(theme, qtbot, picture=False)
    clock.ms = 5000
    without.picture_arrived()
    assert not without.yes.isEnabled()
    without.end()
    window.end()


@pytest.mark.ux("UX-34")
def test_time_that_runs_out_takes_allow_away(theme: Theme, qtbot: QtBot) -> None:
    """The window counts down in words; at the end nothing can be allowed."""
    window, clock = _request(theme, qtbot)
    clock.ms = 2000
    window.picture_arrived()
    assert window.time.text() == "No answer within 1:52 means no."
    clock.ms = 114_000
    window.picture_arrived()
    assert not window.yes.isEnabled()
    with qtbot.assertNotEmitted(window.refused):
        window.end()


def test_choosing_another_window_hides_the_old_preview_until_the_new_one_is_there(theme: Theme, qtbot: QtBot) -> None:
    """What is allowed is what was seen."""
    window, clock = _request(theme, qtbot)
    clock.ms = 2000
    window.picture_arrived()
    window.show_targets(
        (
            TargetChoice("w1", "window", "Notes", (0, 0, 800, 600)),
            TargetChoice("s1", "screen", "DP-1", (0, 0, 1920, 1080)),
        )
    )
    with qtbot.waitSignal(window.target_chosen) as chosen:
        window.whole_screen.click()
    assert chosen.args == ["s1", "screen"]
    assert not window.yes.isEnabled()
    window.end()


def test_nothing_to_show_is_said_and_cannot_be_allowed(theme: Theme, qtbot: QtBot) -> None:
    """No permission, no display: a sentence instead of a picture."""
    window, clock = _request(theme, qtbot)
    clock.ms = 5000
    window.show_targets(())
    assert "nothing that can be shown" in _texts(window)
    assert not window.yes.isEnabled()
    window.end()


@pytest.mark.ux("UX-35")
def test_the_warning_of_the_first_use_cannot_be_skipped(theme: Theme, qtbot: QtBot) -> None:
    """Its button wakes after the time, Enter does not press it, Escape refuses."""
    window = ScamWindow(theme, wait_ms=500)
    qtbot.addWidget(window)
    window.show()
    assert not window.yes.isEnabled()
    with qtbot.assertNotEmitted(window.understood):
        window.yes.click()
        QTest.keyClick(window, Qt.Key.Key_Return)
    qtbot.waitUntil(window.yes.isEnabled, timeout=30_000)
    with qtbot.waitSignal(window.understood), qtbot.assertNotEmitted(window.refused):
        window.yes.click()
    other = ScamWindow(theme)
    qtbot.addWidget(other)
    other.show()
    with qtbot.waitSignal(other.refused):
        QTest.keyClick(other, Qt.Key.Key_Escape)


@pytest.mark.ux("UX-40")
def test_the_check_number_has_no_default_and_cannot_be_closed_away(theme: Theme, qtbot: QtBot) -> None:
    """Three numbers and none of these; only a click answers."""
    window = CheckNumberWindow(theme, "Kim Jiwoo", ("118 240", "482 917", "903 655"))
    qtbot.addWidget(window, before_close_func=lambda w: w.end())
    window.show()
    with qtbot.assertNotEmitted(window.picked), qtbot.assertNotEmitted(window.none_picked):
        window.close()
        for button in (*window.numbers, window):
            QTest.keyClick(button, Qt.Key.Key_Return)
    assert window.isVisible()
    with qtbot.waitSignal(window.picked) as picked:
        QTest.mouseClick(window.numbers[1], Qt.MouseButton.LeftButton)
    assert picked.args == ["482 917"]


def test_a_question_in_mid_session_stops_by_default(theme: Theme, qtbot: QtBot) -> None:
    """Escape and closing stop; going on needs a click."""
    for deed, answer in (
        (lambda w: w.close(), False),
        (lambda w: QTest.keyClick(w, Qt.Key.Key_Escape), False),
        (lambda w: w.yes.click(), True),
    ):
        window = QuestionWindow(theme, Question.CONTINUE, "Kim", 60_000, lambda: 0)
        qtbot.addWidget(window)
        window.show()
        with qtbot.waitSignal(window.answered) as answered:
            deed(window)
        assert answered.args == [answer]


@pytest.mark.ux("UX-37")
@pytest.mark.ux("UX-49")
def test_the_bar_says_who_looks_at_what_and_stop_is_first(theme: Theme, qtbot: QtBot) -> None:
    """It cannot be closed, shows the number only after it was compared, and tells when paused or lost."""
    bar = SharingBar(theme, "Kim Jiwoo", "Hanbit Support")
    qtbot.addWidget(bar, before_close_func=lambda b: b.end())
    bar.show_sharing("", paused=False, lost=False, number="", live=False)
    assert "Nothing is shown yet" in bar.what.text()
    bar.show_sharing("Notes", paused=False, lost=False, number="", live=True)
    bar.show()
    assert "Kim Jiwoo is LOOKING AT “Notes”" in bar.what.text()
    assert bar.check.text() == "not verified"
    assert bar.stop.nextInFocusChain() is bar.pause
    bar.close()
    assert bar.isVisible()
    with qtbot.waitSignal(bar.pause_toggled) as paused:
        bar.pause.click()
    assert paused.args == [True]
    bar.show_sharing("Notes", paused=True, lost=False, number="482 917", live=True)
    assert "sees nothing" in bar.what.text()
    assert bar.check.text() == "verified 482 917"
    for path, words in (("relay", "relay"), ("direct", "directly"), ("", "")):
        bar.show_path(path)
        assert words in bar.clock.toolTip()
        assert bar.clock.toolTip() == bar.clock.accessibleDescription()
    with qtbot.waitSignal(bar.stopped):
        QTest.keyClick(bar.stop, Qt.Key.Key_Return)


# --- home ------------------------------------------------------------------------------------------------------------


def _home(theme: Theme, qtbot: QtBot) -> HomeWindow:
    window = HomeWindow(theme, lambda: scenes._NOW_MS)
    window.may_close = True
    qtbot.addWidget(window)
    window.show_home(scenes.sample_home())
    window.show()
    return window


def test_home_shows_how_to_reach_support_serials_terms_and_tickets(theme: Theme, qtbot: QtBot) -> None:
    """All of it stands there without a click; the serial is copied with one."""
    window = _home(theme, qtbot)
    shown = _texts(window)
    for words in ("02-555-0100", "Serial 88-1032", "Free support until 31 March 2027", "Then per case", "#4182"):
        assert words in shown
    copy = next(b for b in window.findChildren(Button) if b.accessibleName() == "Copy serial number 88-1032")
    copy.click()
    assert QGuiApplication.clipboard().text() == "88-1032"


def test_news_of_the_server_leave_alone_what_they_do_not_change(theme: Theme, qtbot: QtBot) -> None:
    """Whoever is about to press Copy or View still has that button under the mouse; only what is new is built anew."""
    window = _home(theme, qtbot)
    home = scenes.sample_home()

    def buttons(words: str) -> list[Button]:
        return [b for b in window.findChildren(Button) if words in b.accessibleName()]

    copy, view = buttons("Copy serial number 88-1032"), buttons("Open ticket")
    window.show_home(replace(home, as_of_ms=home.as_of_ms + 60_000))
    assert buttons("Copy serial number 88-1032") == copy
    assert buttons("Open ticket") == view
    window.show_home(replace(home, tickets=home.tickets[:1]))
    assert buttons("Copy serial number 88-1032") == copy
    qtbot.waitUntil(lambda: len(buttons("Open ticket")) == 1)


def test_what_matters_stands_without_scrolling_on_the_smallest_window(theme: Theme, qtbot: QtBot) -> None:
    """At 360 x 640: contact, hours, serial with Copy, terms."""
    window = _home(theme, qtbot)
    window.resize(360, 640)
    qtbot.waitUntil(lambda: window.height() == 640)
    assert window.width() == 360
    bottom = window.code.mapTo(window, window.code.rect().topLeft()).y()
    for label in window.findChildren(PlainLabel):
        if label.text().startswith(("02-555", "Serial", "Free support", "Open now", "Then per case")):
            corner = label.mapTo(window, label.rect().bottomRight())
            assert corner.y() < bottom, label.text()
            assert corner.x() <= 360, label.text()


@pytest.mark.ux("UX-09")
def test_the_status_never_says_sent_before_the_server_has_it(theme: Theme, qtbot: QtBot) -> None:
    """Waiting, offline since, all sent: the words follow what is true."""
    window = _home(theme, qtbot)
    window.show_requests((RequestLine("r", "New tray", RequestState.WAITING, scenes._NOW_MS),))
    window.show_line(LineState(Line.OFFLINE, scenes._NOW_MS, "server_unreachable", 1))
    assert "Waiting to be sent" in _texts(window)
    assert window.status.text().startswith("Offline since")
    assert "1 item waits" in window.status.text()
    window.show_line(LineState(Line.ONLINE, scenes._NOW_MS, "", 1))
    assert "All sent" not in window.status.text()
    window.show_line(LineState(Line.ONLINE, scenes._NOW_MS))
    assert window.status.text().startswith("All sent")


def test_closing_home_asks_the_owner_first(theme: Theme, qtbot: QtBot) -> None:
    """A session is stopped before the window goes."""
    window = _home(theme, qtbot)
    window.may_close = False
    with qtbot.waitSignal(window.close_wanted):
        window.close()
    assert window.isVisible()
    window.may_close = True


def test_hours_are_said_for_now_and_for_the_next_opening() -> None:
    """Between two open times the next one is named."""
    hours = Hours(((100, 200), (300, 400)))
    assert (hours.at(150_000).open, hours.at(150_000).changes_ms) == (True, 200_000)
    assert (hours.at(250_000).open, hours.at(250_000).changes_ms) == (False, 300_000)
    assert hours.at(500_000).changes_ms == 0


def test_a_request_needs_a_word_and_keeps_what_was_typed(theme: Theme, qtbot: QtBot) -> None:
    """An empty form says so at the field; a full one reports subject, text and product."""
    window = AskWindow(theme, scenes.sample_home().assets, lambda: _NOW, online=True)
    qtbot.addWidget(window)
    window.show()
    with qtbot.assertNotEmitted(window.sent):
        window.send.click()
    assert "Write at least a subject" in window.problem.text()
    assert window.subject.accessibleDescription() == window.problem.text()
    window.text.setPlainText("It stops.\nAfter page 2.")
    with qtbot.waitSignal(window.sent) as sent:
        window.send.click()
    assert sent.args == ["It stops.", "It stops.\nAfter page 2.", "a1", None]


# --- first run -------------------------------------------------------------------------------------------------------


def test_enrolment_shows_the_key_in_groups_and_its_safe_button_has_the_focus(theme: Theme, qtbot: QtBot) -> None:
    """Nothing is trusted before the person compared; a refusal leads back with advice."""
    window = EnrolWindow(theme)
    qtbot.addWidget(window)
    window.show()
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow)
    with qtbot.waitSignal(window.link_given) as given:
        window.link.setText("deskside://enrol/x#1")
        QTest.keyClick(window.link, Qt.Key.Key_Return)
    assert given.args == ["deskside://enrol/x#1"]
    key = "7F3A 21C0 9B5D E810 44AC 3F72 D90E 615B"
    window.show_organisation(Organisation("Hanbit", key, "https://help.example"))
    assert window.no.hasFocus()
    assert window.mark.text().split() == key.split()
    with qtbot.waitSignal(window.refused), qtbot.assertNotEmitted(window.confirmed):
        window.no.click()
    assert window.page() == "link"
    assert "Nothing was connected" in window.problem.text.text()


def test_a_passphrase_is_chosen_twice_and_not_too_short(theme: Theme, qtbot: QtBot) -> None:
    """What is wrong is said; the second time it is only asked once."""
    window = PassphraseWindow(theme, first=True)
    qtbot.addWidget(window)
    window.show()
    with qtbot.assertNotEmitted(window.given):
        window.word.setText("short")
        window.go.click()
        window.word.setText("long enough words")
        window.again.setText("long enough worbs")
        window.go.click()
    assert "differ" in window.problem.text.text()
    window.word.setText("long enough words")
    window.again.setText("long enough words")
    with qtbot.waitSignal(window.given):
        window.go.click()


# --- all of them -----------------------------------------------------------------------------------------------------

_SCENES = [scene for scene in scenes.SCENES if scene.name != "companion-home-small"]


@pytest.mark.ux("UX-62")
@pytest.mark.parametrize("scene", _SCENES, ids=lambda scene: scene.name)
def test_every_control_has_a_name_and_can_be_reached_by_keyboard(theme: Theme, qtbot: QtBot, scene: Scene) -> None:
    """No button, field or list is mute, and none is left out of the Tab order; of a choice it has the one chosen."""
    window = scene.build(theme)
    qtbot.addWidget(window, before_close_func=_let_go)
    window.show()
    kinds = (QAbstractButton, QLineEdit, QPlainTextEdit, QComboBox)
    controls = [w for kind in kinds for w in window.findChildren(kind) if w.isVisible()]
    for control in controls:
        name = control.accessibleName() or (control.text() if isinstance(control, QRadioButton) else "")
        assert name, control
        by_arrows = isinstance(control, QRadioButton) and control.group().checkedButton() not in (None, control)
        assert by_arrows or control.focusPolicy() & Qt.FocusPolicy.TabFocus, name


@pytest.mark.ux("UX-61")
@pytest.mark.ux("UX-69")
@pytest.mark.parametrize("scene", scenes.SCENES, ids=lambda scene: scene.name)
@pytest.mark.parametrize("language", ["ko", "en"])
def test_no_text_is_cut_off_at_any_text_size(theme: Theme, qtbot: QtBot, scene: Scene, language: str) -> None:
    """At 100 and 150 % every wrapped text and button has the room it needs."""
    set_language("ko" if language == "ko" else "en")
    for percent in (100, 150):
        theme.set_text_percent(percent)
        window = scene.build(theme)
        qtbot.addWidget(window, before_close_func=_let_go)
        if percent == 100 and scene.size is not None:
            window.resize(*scene.size)
        window.show()
        for button in window.findChildren(Button):
            if button.isVisible():
                assert button.width() >= button.minimumSizeHint().width() - 1, button.label()
        for label in window.findChildren(PlainLabel):
            if label.isVisible() and label.wordWrap():
                assert label.height() >= label.heightForWidth(label.width()) - 1, label.text()


def _let_go(window: QWidget) -> None:
    if hasattr(window, "end"):
        window.end()


def test_every_trouble_has_a_sentence_in_both_languages() -> None:
    """None is empty or the same in Korean, and none ends with a bare code."""
    codes = list(texts._TROUBLES)
    set_language("en")
    english = {code: texts.trouble(code, server="s", path="p", kept="k") for code in codes}
    set_language("ko")
    korean = {code: texts.trouble(code, server="s", path="p", kept="k") for code in codes}
    for code in codes:
        assert english[code].endswith((".", "p"))
        assert english[code] != korean[code], code


def test_the_two_questions_show_on_a_solved_ticket_and_one_answer_is_enough(qtbot: QtBot, theme: Theme) -> None:
    """No answer is chosen for the customer, and nothing is sent before one is; then the questions go."""
    ticket = replace(scenes.sample_home().tickets[0], asked=True)
    window = TicketWindow(theme, ticket, lambda: _NOW)
    qtbot.addWidget(window)
    window.show()
    assert window.check.isVisible()
    assert not window.check.send.isEnabled()
    buttons = window.check.findChildren(QRadioButton)
    assert not any(button.isChecked() for button in buttons)
    assert all("?" in button.accessibleName() for button in buttons)
    told: list[tuple[str, object, object]] = []
    window.answered.connect(lambda *said: told.append(said))
    window.check.choose(0, yes=False)
    QTest.mouseClick(window.check.send, Qt.MouseButton.LeftButton)
    assert told == [(ticket.id, False, None)]
    assert not window.check.isVisible()
    window.show_ticket(ticket)  # as the server still has it
    assert not window.check.isVisible()
    window.show_ticket(replace(ticket, id="other", asked=False))
    assert not window.check.isVisible()
