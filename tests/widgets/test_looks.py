# SPDX-License-Identifier: GPL-3.0-or-later
"""No window cuts or covers words at text size 200 %; the set of pictures is whole; its machine sees what it should."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QRect
from PySide6.QtWidgets import QLabel, QListWidget, QSpinBox, QWidget
from pytestqt.qtbot import QtBot

from app.config.i18n import set_language
from app.config.settings import Settings
from app.domain.ports import ViewKey
from tests.fakes.queries import ticket_id
from tests.widgets.looks import faults
from tests.widgets.picture_set import LOOKS, SET, Look
from tests.widgets.pseudo import pseudo
from tests.widgets.scenes_agent import agent_window
from tests.widgets.screenshots import find_scenes
from widgets.foundation import Button, ElidedButton, IconButton, PlainLabel, Theme, ThemeMode, column, contrast, row
from widgets.settings.window import SettingsWindow
from widgets.ticket.survey_window import SurveyWindow

SCENES = {scene.name: scene for scene in find_scenes([])}


@pytest.fixture
def _still(theme: Theme) -> Iterator[None]:
    theme.set_still(True)
    yield
    theme.set_still(False)


def test_the_set_is_every_window_and_state_in_every_look() -> None:
    """No scene is left out; four scales, both schemes, both languages and the rest."""
    states = [state for shown in SET for state in shown.states]
    assert sorted(states) == sorted(SCENES)
    assert len(states) == len(set(states))
    assert {shown.name.partition("-")[0] for shown in SET} == {"agent", "session", "companion"}
    for scale in (100, 125, 150, 200):
        for mode in (ThemeMode.LIGHT, ThemeMode.DARK):
            for language in ("ko", "en"):
                assert Look(language, mode, scale) in LOOKS
    for mode in (ThemeMode.CONTRAST_LIGHT, ThemeMode.CONTRAST_DARK):
        assert Look("ko", mode) in LOOKS
    assert [Look.read(str(look)) for look in LOOKS] == list(LOOKS)


def test_made_up_texts_keep_their_placeholders_and_are_longer() -> None:
    """A window that fills them in works as in any language."""
    text = "{n} tickets wait since {time}.\nSend?"
    made = pseudo(text)
    assert re.findall(r"\{\w+\}", made) == ["{n}", "{time}"]
    assert len(made) > 1.3 * len(text)
    assert made.format(n=3, time="10:42")


def test_what_is_cut_covered_or_outside_is_seen(qtbot: QtBot, theme: Theme) -> None:
    """Else the tests below would pass over anything."""
    window = QWidget()
    qtbot.addWidget(window)
    window.resize(400, 300)
    good, cut, outside = (PlainLabel("A text that needs some room", parent=window) for _n in range(3))
    covering = Button(theme, "Send", parent=window)
    for widget, place in (
        (good, QRect(10, 10, 300, 30)), (cut, QRect(10, 50, 40, 30)),
        (outside, QRect(350, 90, 200, 30)), (covering, QRect(20, 55, 90, 30)),
    ):  # fmt: skip
        widget.setGeometry(place)
    window.show()
    found = "\n".join(faults(window))
    assert "is 40 px wide inside" in found
    assert "sticks out" in found
    assert "overlap" in found
    covering.move(20, 200)
    for bad in (cut, outside):
        bad.setGeometry(QRect(10, 60, 300, 30))
        bad.hide()
    assert faults(window) == []


def test_a_number_or_a_date_that_is_cut_is_seen(qtbot: QtBot) -> None:
    """Qt cuts it without a sign: "2026-03-31 1" reads like a whole date."""
    field = QSpinBox(maximum=9_999_999, value=9_999_999, suffix=" minutes")
    qtbot.addWidget(field)
    field.resize(field.sizeHint())
    field.show()
    assert faults(field) == []
    window = QWidget()
    qtbot.addWidget(window)
    field.setParent(window)
    field.setFixedWidth(60)
    window.show()
    field.show()
    assert any("cuts" in line for line in faults(window))


@pytest.mark.parametrize("mode", list(ThemeMode))
def test_an_icon_that_is_pressed_down_is_seen_in_every_scheme(qtbot: QtBot, theme: Theme, mode: ThemeMode) -> None:
    """In high contrast it stood white on white."""
    theme.set_mode(mode)
    button = IconButton(theme, "panel-right", "Details")
    button.setCheckable(True)
    qtbot.addWidget(button)
    button.show()
    button.setChecked(True)
    ground, picture = theme.colour("selected.bg"), button.icon().pixmap(32).toImage()
    painted = [picture.pixelColor(x, y) for x in range(picture.width()) for y in range(picture.height())]
    seen = next(colour for colour in painted if colour.alpha() > 250)
    assert contrast(seen.name(), ground.name()) >= 3
    theme.set_mode(ThemeMode.LIGHT)


def test_a_label_with_a_long_name_ends_in_dots_and_its_tooltip_says_it_whole(qtbot: QtBot, theme: Theme) -> None:
    """Beside other buttons in a narrow window; with room it is whole again, and a screen reader always hears all."""
    button = ElidedButton(theme, "Send to Bartholomew Featherstonehaugh", icon="send")
    button.setToolTip("Ctrl+Enter")
    window = QWidget()
    qtbot.addWidget(window)
    window.setLayout(column(row(button, None)))
    window.resize(500, 60)
    window.show()
    assert button.words() == button.label()
    assert button.toolTip() == "Ctrl+Enter"
    window.resize(160, 60)
    qtbot.waitUntil(lambda: button.words().endswith("…"))
    assert button.label() in button.toolTip()
    assert "Ctrl+Enter" in button.toolTip()
    assert button.accessibleName() == button.label()
    assert faults(window) == []
    window.resize(500, 60)
    qtbot.waitUntil(lambda: button.words() == button.label())


@pytest.mark.ux("UX-61")
def test_names_and_counts_of_views_stay_apart_when_either_grows(qtbot: QtBot, theme: Theme) -> None:
    """Counts come after the window, and a scroll bar with many views or large text: neither covers a number."""
    window, _desk, _commits = agent_window(theme)
    qtbot.addWidget(window)
    window.resize(1280, 600)
    window.show()
    window.views.show_counts(dict.fromkeys(ViewKey, 1_234_567))
    qtbot.waitUntil(lambda: not [line for line in faults(window.views) if "cut at the side" in line])
    window.resize(1920, 600)
    theme.set_text_percent(200)
    qtbot.waitUntil(lambda: window.views.area.verticalScrollBar().maximum() > 0)
    qtbot.waitUntil(lambda: not [line for line in faults(window.views) if "cut at the side" in line])


@pytest.mark.ux("UX-61")
def test_a_window_that_is_too_low_squeezes_no_button_below_its_text(qtbot: QtBot, theme: Theme) -> None:
    """At text size 200 % the button keeps the height of its words; something else gives way."""
    theme.set_text_percent(200)
    window = QWidget()
    qtbot.addWidget(window)
    buttons = [Button(theme, "Send by mail…") for _n in range(3)]
    window.setLayout(column(*(row(button, None) for button in buttons)))
    window.resize(400, 40)
    window.show()
    assert all(button.height() > button.fontMetrics().height() for button in buttons)


@pytest.mark.ux("UX-61")
def test_the_place_of_a_policy_goes_on_in_the_next_line(qtbot: QtBot, theme: Theme) -> None:
    """A path has no spaces; it is broken at its slashes, and a screen reader hears it as it is."""
    theme.set_text_percent(200)
    place = Path("/etc/deskside/policies/managed/10-hanbit.json")
    settings = Settings(Path("none.json"), {"notices.hide_text": True}, sources={"notices.hide_text": place})
    window = SettingsWindow(theme, settings)
    qtbot.addWidget(window)
    window.show()
    assert str(place) in window.hide_text.accessibleDescription()
    shown = next(label for label in window.findChildren(QLabel) if "policies" in label.text())
    parts = re.split("[\u200b ]", shown.text())
    assert max(map(len, parts)) < 20
    assert not [line for line in faults(window) if "has a word" in line]


@pytest.mark.ux("UX-61")
def test_large_text_takes_the_room_of_views_and_details_not_of_words(qtbot: QtBot, theme: Theme) -> None:
    """At 200 % in the smallest window list and conversation are left, whole; at usual size the views are back."""
    window, _desk, _commits = agent_window(theme)
    qtbot.addWidget(window)
    window.resize(960, 600)
    window.show()
    window.go_view(ViewKey.TEAM)
    window.open_ticket(ticket_id(0))
    assert window.views.isVisible()
    buttons = (window.ticket.header.see, window.ticket.composer.reply_button, window.ticket.composer.note_button)

    def are_whole() -> bool:
        return all(
            b.width() >= b.minimumSizeHint().width()
            and b.height() >= b.fontMetrics().height()
            and b.visibleRegion().boundingRect().height() == b.height()
            for b in buttons
        )

    qtbot.waitUntil(are_whole)
    theme.set_text_percent(200)
    assert not window.views.isVisible()
    assert not window.customer.isVisible()
    qtbot.waitUntil(are_whole)
    theme.set_text_percent(100)
    assert window.views.isVisible()
    qtbot.waitUntil(are_whole)


@pytest.mark.ux("UX-61")
@pytest.mark.parametrize("percent", [100, 200])
def test_a_form_grows_when_it_says_what_is_missing(qtbot: QtBot, theme: Theme, percent: int) -> None:
    """The words do not take the room of the fields; large words want a wider window."""
    theme.set_text_percent(percent)
    window = SurveyWindow(theme, "#4182", None)
    qtbot.addWidget(window)
    window.show()
    before = window.height()
    assert not faults(window)
    window.submit()
    qtbot.waitUntil(lambda: window.height() > before)
    qtbot.waitUntil(lambda: not faults(window))


def test_a_list_in_a_window_has_a_frame_and_its_chosen_line_a_ground(qtbot: QtBot, theme: Theme) -> None:
    """White on white, nobody saw where a list ends."""
    made = QListWidget()
    qtbot.addWidget(made)
    made.addItems(["2026-05-05", "2026-12-25"])
    made.setCurrentRow(0)
    made.resize(200, 120)
    made.show()
    picture = made.grab().toImage()
    ground = theme.colour("bg.surface")
    middle = picture.height() // 2
    assert contrast(picture.pixelColor(0, middle).name(), ground.name()) >= 3
    chosen = made.visualItemRect(made.item(0))
    place = made.viewport().mapTo(made, chosen.topRight())
    assert picture.pixelColor(place.x() - 4, place.y() + 4) == theme.colour("selected.bg")


# one of each kind of window; `make screenshots` looks at all of them, in every look
_LARGE = (
    "companion-home-small", "companion-request-kept", "companion-enrol", "session-refused", "agent-crash",
    "agent-settings-locked", "agent-ticket-small", "composer-unfilled", "agent-held", "told-hours-change",
    "told-announce", "session-why-empty",
)  # fmt: skip


@pytest.mark.slow
@pytest.mark.ux("UX-61")
@pytest.mark.usefixtures("_still")
@pytest.mark.parametrize("language", ["ko", "en"])
@pytest.mark.parametrize("state", _LARGE)
def test_at_200_percent_nothing_of_a_window_is_cut_or_covered(
    theme: Theme, qtbot: QtBot, state: str, language: str
) -> None:
    """Words wrap, panes fold, buttons go below each other; none of them loses a part."""
    scene = SCENES[state]
    theme.set_text_percent(200)
    set_language("ko" if language == "ko" else "en")
    window = scene.build(theme)
    if scene.size is not None:
        window.resize(*scene.size)
    window.show()
    found: list[str] = []

    def looks_well() -> bool:
        found[:] = faults(window)
        return not found

    try:
        qtbot.waitUntil(looks_well, timeout=5000)
    except qtbot.TimeoutError:
        pytest.fail("; ".join(found))
    finally:
        window.close()
        window.deleteLater()
