# SPDX-License-Identifier: GPL-3.0-or-later
"""The foundation of all windows: colours that can be read, text that stays plain, input that loses no syllable."""

from __future__ import annotations

from datetime import UTC, date
from pathlib import Path

import pytest
from PySide6.QtCore import QEvent, QModelIndex, QPoint, QStringListModel, Qt
from PySide6.QtGui import QGuiApplication, QInputMethodEvent, QKeyEvent, QKeySequence, QPixmap, QRawFont
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLineEdit, QPlainTextEdit, QPushButton, QWidget
from pytestqt.qtbot import QtBot

from app.config.i18n import set_language
from widgets.foundation import (
    Button,
    CopyButton,
    ElidedLabel,
    EmptyState,
    EnterFilter,
    FocusRing,
    Fold,
    PlainEdit,
    PlainLabel,
    RowDelegate,
    RowList,
    Scheme,
    Theme,
    ThemeMode,
    Toast,
    column,
    contrast,
    fmt,
    icon_pixmap,
    load_tokens,
    read_text,
)
from widgets.foundation.qt_texts import install_qt_texts
from widgets.foundation.stylesheet import stylesheet

_GROUNDS = ("bg.window", "bg.surface", "bg.raised", "bg.hover")
_TEXTS = ("fg.default", "fg.muted", "fg.link", "danger.fg", "warning.fg", "success.fg")
_COUPLES = ("selected", "accent", "reply", "note", "danger", "warning", "success", "live")
_TINTED = ("reply.bg", "note.bg", "danger.bg", "warning.bg", "success.bg")
_TEXT_PAIRS = [
    *((text, ground) for text in _TEXTS for ground in _GROUNDS),
    *((f"{name}.fg", f"{name}.bg") for name in _COUPLES),
    *((text, ground) for text in ("fg.default", "fg.muted") for ground in _TINTED),
]
_LINE_PAIRS = [(line, ground) for line in ("focus", "border.control") for ground in _GROUNDS[:3]]


def _show_active(window: QWidget, qtbot: QtBot) -> None:
    window.show()
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow)


@pytest.mark.ux("UX-59")
@pytest.mark.parametrize("scheme", list(Scheme))
def test_every_text_can_be_read_on_every_ground_it_stands_on(scheme: Scheme) -> None:
    """Text reaches 4.5:1, in high contrast 7:1; lines, focus and marks reach 3:1."""
    colour = load_tokens().colour[scheme]
    least = 7.0 if scheme.is_contrast else 4.5
    low = [pair for pair in _TEXT_PAIRS if contrast(colour[pair[0]], colour[pair[1]]) < least]
    low += [pair for pair in _LINE_PAIRS if contrast(colour[pair[0]], colour[pair[1]]) < 3]
    assert not low


@pytest.mark.parametrize("scheme", list(Scheme))
def test_the_style_sheet_has_no_hole_in_any_scheme(scheme: Scheme) -> None:
    """Every placeholder of the sheet is filled from the tokens."""
    assert "${" not in stylesheet(load_tokens(), scheme, 10, "/art", 30)


@pytest.mark.ux("UX-57")
def test_colours_and_text_size_change_while_a_window_is_open(theme: Theme, qtbot: QtBot) -> None:
    """A label repaints in the new colours and grows with the text size, without being made again."""
    window = QWidget()
    qtbot.addWidget(window)
    label = PlainLabel("Tickets", type="title")
    button = Button(theme, "Send", icon="send")
    window.setLayout(column(label, button))
    window.show()
    before = label.sizeHint().height()
    light_icon = button.icon().pixmap(16, 16).toImage()
    with qtbot.waitSignal(theme.changed):
        theme.set_mode(ThemeMode.DARK)
    assert label.palette().windowText().color() == theme.colour("fg.default")
    assert button.icon().pixmap(16, 16).toImage() != light_icon
    theme.set_text_percent(200)
    assert label.sizeHint().height() > 1.7 * before


@pytest.mark.ux("UX-57")
def test_the_theme_follows_the_system_while_the_program_runs(theme: Theme, qtbot: QtBot) -> None:
    """When the desktop turns dark, windows turn dark, unless the user chose otherwise."""
    app = QApplication.instance()
    assert isinstance(app, QApplication)
    desktop = [Scheme.LIGHT]
    own = Theme(app, theme.tokens, ThemeMode.SYSTEM, lambda: desktop[0])
    seen = [own.scheme]
    for wanted, mode in ((Scheme.DARK, own.mode), (Scheme.CONTRAST_DARK, own.mode), (Scheme.LIGHT, ThemeMode.DARK)):
        if mode is not own.mode:
            own.set_mode(mode)
        desktop[0] = wanted
        app.styleHints().colorSchemeChanged.emit(Qt.ColorScheme.Unknown)
        seen.append(own.scheme)
    assert seen == [Scheme.LIGHT, Scheme.DARK, Scheme.CONTRAST_DARK, Scheme.DARK]
    theme.set_mode(ThemeMode.LIGHT)


def test_key_names_follow_the_language_back_to_english(qapp: QApplication) -> None:
    """Who changes from Korean to English reads Alt+Left, not the Korean word of before."""
    said = []
    for choice in ("ko", "en", "ko"):
        set_language("ko" if choice == "ko" else "en")
        install_qt_texts(qapp)
        said.append(QKeySequence("Alt+Left").toString(QKeySequence.SequenceFormat.NativeText))
    set_language("en")
    install_qt_texts(qapp)
    assert said == ["Alt+왼쪽", "Alt+Left", "Alt+왼쪽"]


def test_every_icon_file_paints_something_in_the_wanted_colour(theme: Theme) -> None:
    """No icon is empty, and none paints black where a colour was asked for."""
    folder = Path(__file__).parents[2] / "resources" / "icons"
    for path in sorted(folder.glob("*.svg")):
        image = icon_pixmap(path.stem, theme.colour("live.bg"), 24).toImage()
        solid = [image.pixelColor(x, y) for x in range(24) for y in range(24) if image.pixelColor(x, y).alpha() > 200]
        assert solid, path.stem
        assert all(colour.red() > 120 for colour in solid), path.stem


@pytest.mark.ux("UX-68")
def test_all_hangul_syllables_have_a_glyph_without_any_font_installed(theme: Theme) -> None:
    """The font that comes with the program covers all 11,172 syllables."""
    folder = Path(__file__).parents[2] / "resources" / "fonts" / "pretendard"
    for path in folder.glob("*.otf"):
        font = QRawFont(str(path), 12)
        assert all(font.supportsCharacter(code) for code in range(0xAC00, 0xD7A4)), path.name


@pytest.mark.ux("UX-32")
def test_markup_from_outside_is_shown_letter_by_letter(theme: Theme, qtbot: QtBot) -> None:
    """A subject that looks like HTML is no HTML, neither in labels nor in tooltips nor on buttons."""
    text = "<img src=x> <b>bold</b> & co"
    label = PlainLabel(text)
    elided = ElidedLabel(text)
    button = Button(theme, text)
    for widget in (label, elided, button):
        qtbot.addWidget(widget)
    elided.resize(20, 20)
    elided.show()
    assert label.textFormat() is Qt.TextFormat.PlainText
    assert "&lt;img" in elided.toolTip()
    assert elided.accessibleName() == text
    assert button.label() == text
    assert button.shortcut().isEmpty()


@pytest.mark.ux("UX-66")
@pytest.mark.parametrize("syllables", [["ㅎ", "하", "한"], ["ㄱ", "가", "갑", "값"], ["ㅇ", "어", "없", "다"]])
def test_reading_a_field_keeps_the_syllable_being_composed(
    theme: Theme, qtbot: QtBot, syllables: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """An action that reads an editor gets the last syllable, as the input method commits it first."""
    field = PlainEdit(name="Reply")
    qtbot.addWidget(field)
    for preedit in syllables:
        QApplication.sendEvent(field, QInputMethodEvent(preedit, []))

    class Method:
        def commit(self) -> None:
            event = QInputMethodEvent()
            event.setCommitString(syllables[-1])
            QApplication.sendEvent(field, event)

    monkeypatch.setattr(QGuiApplication, "inputMethod", staticmethod(Method))
    assert read_text(field) == syllables[-1]


def test_a_nul_that_was_pasted_along_does_not_stop_a_reply(qtbot: QtBot) -> None:
    """Logs and terminals have them in what they copy: nobody could find out why "send" is refused."""
    for field in (QPlainTextEdit(), QLineEdit()):
        qtbot.addWidget(field)
        QApplication.clipboard().setText("Fehler\x00 0x80")
        field.paste()
        assert read_text(field) == "Fehler 0x80"


@pytest.mark.ux("UX-66")
def test_enter_that_ends_a_composition_does_not_send(qtbot: QtBot) -> None:
    """The first Enter belongs to the input method; the next one, and keypad Enter, act."""
    field = QLineEdit()
    qtbot.addWidget(field)
    sent: list[str] = []
    EnterFilter(field, lambda: sent.append(field.text()))
    QApplication.sendEvent(field, QInputMethodEvent("한", []))
    enter = QKeyEvent(QEvent.Type.KeyPress, Qt.Key.Key_Return, Qt.KeyboardModifier.NoModifier)
    QApplication.sendEvent(field, enter)
    assert sent == []
    commit = QInputMethodEvent()
    commit.setCommitString("한")
    QApplication.sendEvent(field, commit)
    QApplication.sendEvent(field, QKeyEvent(QEvent.Type.KeyPress, Qt.Key.Key_Enter, Qt.KeyboardModifier.KeypadModifier))
    assert sent == ["한"]


def test_tab_leaves_an_editor_and_control_tab_types_a_tab(qtbot: QtBot) -> None:
    """Nobody is caught in a text field."""
    window = QWidget()
    qtbot.addWidget(window)
    first, second = PlainEdit(name="One"), PlainEdit(name="Two")
    window.setLayout(column(first, second))
    _show_active(window, qtbot)
    first.setFocus()
    QTest.keyClick(first, Qt.Key.Key_Tab, Qt.KeyboardModifier.ControlModifier)
    assert first.toPlainText() == "\t"
    QTest.keyClick(first, Qt.Key.Key_Tab)
    assert QApplication.focusWidget() is second


def test_a_list_takes_single_keys_in_hangul_mode_and_opens_with_enter(theme: Theme, qtbot: QtBot) -> None:
    """Input methods stay off whatever model comes, letters are left to commands, Enter opens the row."""
    view = RowList(theme, "Tickets", RowDelegate(theme))
    qtbot.addWidget(view)
    model = QStringListModel(["#1", "#2"])
    view.setModel(model)
    view.setCurrentIndex(model.index(0))
    assert not view.testAttribute(Qt.WidgetAttribute.WA_InputMethodEnabled)
    event = QKeyEvent(QEvent.Type.KeyPress, Qt.Key.Key_J, Qt.KeyboardModifier.NoModifier, "j")
    view.keyPressEvent(event)
    assert not event.isAccepted()
    with qtbot.waitSignal(view.opened) as opened:
        QTest.keyClick(view, Qt.Key.Key_Return)
    index = opened.args[0]
    assert isinstance(index, QModelIndex)
    assert index.data() == "#1"


@pytest.mark.ux("UX-30")
def test_a_toast_takes_the_change_back_once(theme: Theme, qtbot: QtBot) -> None:
    """Undo runs once, the toast goes; without a way back there is no button."""
    window = QWidget()
    qtbot.addWidget(window)
    window.resize(400, 300)
    window.show()
    toast = Toast(theme, window, undo="Undo", close="Close")
    undone: list[int] = []
    toast.tell("Solved 3 tickets", lambda: undone.append(1))
    assert toast.text() == "Solved 3 tickets"
    QTest.mouseClick(toast.undo, Qt.MouseButton.LeftButton)
    assert undone == [1]
    assert toast.text() == ""
    toast.tell("Copied")
    assert not toast.undo.isVisible()


def test_copying_says_so_and_the_clipboard_has_it(theme: Theme, qtbot: QtBot) -> None:
    """One click copies; the button tells that it did, then is itself again."""
    button = CopyButton(theme, "88-1032", label="Copy", done="Copied", name="Copy serial number 88-1032")
    qtbot.addWidget(button)
    button.click()
    assert QGuiApplication.clipboard().text() == "88-1032"
    assert button.label() == "Copied"
    qtbot.waitUntil(lambda: button.label() == "Copy", timeout=30_000)
    assert button.accessibleName() == "Copy serial number 88-1032"


def test_a_fold_closes_by_key_and_tells(theme: Theme, qtbot: QtBot) -> None:
    """Folding is done with the keyboard and can be kept by whoever listens."""
    fold = Fold(theme, "Assets", PlainLabel("PX-200"))
    qtbot.addWidget(fold)
    fold.show()
    with qtbot.waitSignal(fold.folded) as folded:
        QTest.keyClick(fold.header, Qt.Key.Key_Return)
    assert folded.args == [True]
    assert fold.content.isHidden()


@pytest.mark.ux("UX-71")
def test_an_empty_list_says_what_belongs_here_and_offers_one_action(theme: Theme, qtbot: QtBot) -> None:
    """The action is a button that works."""
    pressed: list[int] = []
    state = EmptyState(theme, "No tickets", "New ones come here.", action="New", pressed=lambda: pressed.append(1))
    qtbot.addWidget(state)
    state.action.click()
    assert pressed == [1]


@pytest.mark.ux("UX-29")
def test_the_focus_ring_stands_round_the_button_that_has_the_keyboard(theme: Theme, qtbot: QtBot) -> None:
    """Two px wide and two px away, in the colour of the focus, and gone when the focus goes to a field."""
    app = QApplication.instance()
    assert isinstance(app, QApplication)
    ring = FocusRing(app, theme)
    window = QWidget()
    qtbot.addWidget(window)
    button, field = QPushButton("Go"), QLineEdit()
    window.setLayout(column(button, field, margins=(16, 16, 16, 16), gap=16))
    _show_active(window, qtbot)
    button.setFocus()
    edge: QPixmap = window.grab()
    corner = button.geometry().topLeft() + QPoint(button.width() // 2, -3)
    assert edge.toImage().pixelColor(corner) == theme.colour("focus")
    field.setFocus()
    assert window.grab().toImage().pixelColor(corner) != theme.colour("focus")
    ring.remove()
    app.focusChanged.disconnect(ring._move)


def test_times_and_numbers_follow_the_language() -> None:
    """The same moment reads as each language writes it."""
    ms = 1_806_454_800_000  # 2027-03-31 01:00 UTC
    assert fmt.time_of_day(ms, UTC) == "01:00"
    assert fmt.day(date(2027, 3, 31)) == "31 March 2027"
    assert fmt.duration(725).startswith("12 min")
    assert fmt.clock(725) == "12:05"
    assert fmt.clock(3725) == "1:02:05"
    assert fmt.when(ms, ms + 60_000, UTC) == "01:00"
    set_language("ko")
    assert fmt.day(date(2027, 3, 31)) == "2027년 3월 31일"
    assert fmt.duration(725) == "12분 5초"
    assert fmt.rough_age(540) == "9분"
    assert fmt.number(12345) == "12,345"


def test_only_icons_that_are_used_are_kept() -> None:
    """Every file of resources/icons is named somewhere in the source; the licence is with them."""
    root = Path(__file__).parents[2]
    source = "".join(path.read_text("utf-8") for part in ("app", "widgets") for path in (root / part).rglob("*.py"))
    unused = [path.stem for path in (root / "resources" / "icons").glob("*.svg") if f'"{path.stem}"' not in source]
    assert not unused
    assert (root / "resources" / "icons" / "LICENSE.txt").exists()
