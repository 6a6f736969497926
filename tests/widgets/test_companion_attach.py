# SPDX-License-Identifier: GPL-3.0-or-later
"""Screenshots and files go with a request: pasted, dropped, chosen, seen before they are sent, taken out again."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QPoint, QSize, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QGuiApplication, QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from app.desktop.companion_store import CompanionStore, open_companion_store
from app.domain.attachments import Attachment
from app.domain.errors import Refused
from widgets.companion.attach import MAX_BYTES, MAX_FILES
from widgets.companion.compose import AskWindow, TicketWindow
from widgets.foundation import Theme
from widgets.foundation.giving import png_of

_NOW = 1_790_000_000_000


class Port:
    """A real store without threads; what is `late` waits until `go`."""

    def __init__(self, store: CompanionStore) -> None:
        self.store = store
        self.can_shoot = False
        self.late = False
        self.waiting: list[Callable[[], None]] = []

    def _do(
        self, work: Callable[[], Attachment], done: Callable[[Attachment], None], failed: Callable[[Exception], None]
    ) -> None:
        def now() -> None:
            try:
                made = work()
            except Refused as why:
                failed(why)
                return
            done(made)

        if self.late:
            self.waiting.append(now)
        else:
            now()

    def take(self, path: Path, done: Callable[[Attachment], None], failed: Callable[[Exception], None]) -> None:
        self._do(lambda: self.store.take_file(path, MAX_BYTES), done, failed)

    def take_image(
        self, image: QImage, name: str, done: Callable[[Attachment], None], failed: Callable[[Exception], None]
    ) -> None:
        self._do(lambda: self.store.take_content(png_of(image), name, "image/png", MAX_BYTES), done, failed)

    def picture(self, attachment: Attachment, size: QSize, then: Callable[[QImage], None]) -> None:
        """No small pictures here."""

    def release(self, attachments: Sequence[Attachment]) -> None:
        self.store.release(attachments)

    def shoot(self, window: QWidget, then: Callable[[QImage], None]) -> None:
        """Not offered here."""


@pytest.fixture
def port(tmp_path: Path) -> Iterator[Port]:
    store, _kept = open_companion_store(tmp_path / "companion.db", bytes(32))
    yield Port(store)
    store.close()


@pytest.fixture
def window(theme: Theme, qtbot: QtBot, port: Port) -> AskWindow:
    """An empty request."""
    made = AskWindow(theme, (), lambda: _NOW, online=False, files=port)
    qtbot.addWidget(made)
    made.show()
    return made


def _screenshot(colour: Qt.GlobalColor) -> QImage:
    image = QImage(64, 48, QImage.Format.Format_RGB32)
    image.fill(colour)
    return image


def _names(window: AskWindow) -> list[str]:
    return [each.filename for each in window.files.attachments()]


def test_several_screenshots_are_pasted_with_the_keyboard_and_one_is_taken_out_again(window: AskWindow) -> None:
    """Ctrl+V works in the text and in the subject; Delete on a file removes it, and the keyboard stays there."""
    clipboard = QGuiApplication.clipboard()
    for field, colour in ((window.text, Qt.GlobalColor.red), (window.subject, Qt.GlobalColor.blue)):
        clipboard.setImage(_screenshot(colour))
        QTest.keyClick(field, Qt.Key.Key_V, Qt.KeyboardModifier.ControlModifier)
    assert _names(window) == ["Picture 1.png", "Picture 2.png"]
    QTest.keyClick(window.files.rows[0].remove, Qt.Key.Key_Delete)
    assert _names(window) == ["Picture 2.png"]
    assert window.focusWidget() is window.files.rows[0].remove
    clipboard.setText("only words")
    QTest.keyClick(window.subject, Qt.Key.Key_V, Qt.KeyboardModifier.ControlModifier)
    assert window.subject.text() == "only words"
    assert _names(window) == ["Picture 2.png"]


def test_files_are_dropped_on_the_window_and_what_cannot_go_is_told(
    window: AskWindow, tmp_path: Path, port: Port
) -> None:
    """The good one hangs on the request; a file that is gone, and one too many, are told in words."""
    (tmp_path / "log.txt").write_text("printer says E-17")
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(tmp_path / name)) for name in ("log.txt", "gone.txt")])
    how = Qt.DropAction.CopyAction, mime, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    QApplication.sendEvent(window, QDragEnterEvent(QPoint(5, 5), *how))
    drop = QDropEvent(QPoint(5, 5), *how)
    QApplication.sendEvent(window, drop)
    assert drop.isAccepted()
    assert _names(window) == ["log.txt"]
    assert "“gone.txt” is not there any more" in window.files.problem.text()
    for n in range(MAX_FILES):
        (tmp_path / f"{n}.txt").write_text(f"number {n}")
        window.files.add([tmp_path / f"{n}.txt"])
    assert len(_names(window)) == MAX_FILES
    assert "No more than 10 files go with one message" in window.files.problem.text()
    window.files.window_gone()
    assert port.store._all("SELECT count(*) FROM part") == [(0,)]


def test_send_waits_for_a_file_that_is_still_being_read(window: AskWindow, port: Port, qtbot: QtBot) -> None:
    """Pressed at once, it sends the words with the file, and once."""
    port.late = True
    window.subject.setText("Printer stops")
    window.files.add_image(_screenshot(Qt.GlobalColor.green))
    with qtbot.assertNotEmitted(window.sent):
        window.send.click()
    with qtbot.waitSignal(window.sent):
        port.waiting.pop()()
    assert _names(window) == ["Picture 1.png"]


def test_a_file_alone_is_a_message(theme: Theme, qtbot: QtBot, port: Port) -> None:
    """A customer who was asked for a picture needs no words."""
    from tests.widgets.scenes_companion import sample_home  # the scenes load many windows

    window = TicketWindow(theme, sample_home().tickets[0], lambda: _NOW, files=port)
    qtbot.addWidget(window)
    window.show()
    window.files.add_image(_screenshot(Qt.GlobalColor.green))
    with qtbot.waitSignal(window.sent) as sent:
        window.send.click()
    assert sent.args == [window.ticket.id, "Attached: Picture 1.png"]
    assert window.files.attachments() == ()
