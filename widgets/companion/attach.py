# SPDX-License-Identifier: GPL-3.0-or-later
"""Files that go with what a customer writes: chosen, dropped, pasted or photographed, each with a small picture."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from PySide6.QtCore import QEvent, QObject, QSize, Qt, Signal
from PySide6.QtGui import QDropEvent, QGuiApplication, QImage, QKeyEvent, QKeySequence, QPixmap
from PySide6.QtWidgets import QFileDialog, QWidget

from app.config.i18n import _, ngettext
from app.domain.attachments import Attachment
from app.services.messages import error_text
from widgets.foundation import Button, ElidedLabel, IconButton, Panel, PlainLabel, Theme, announce, column, fmt, row
from widgets.foundation.giving import GivenEdit, given_files, gives_picture

__all__ = ["MAX_BYTES", "MAX_FILES", "AttachPart", "FilePort"]

MAX_FILES = 10
MAX_BYTES = 25 << 20


class FilePort(Protocol):
    """Keeps files, so that they survive everything. All return at once and answer on the GUI thread."""

    can_shoot: bool

    def take(self, path: Path, done: Callable[[Attachment], None], failed: Callable[[Exception], None]) -> None:
        """Keep a file."""
        ...

    def take_image(
        self, image: QImage, name: str, done: Callable[[Attachment], None], failed: Callable[[Exception], None]
    ) -> None:
        """Keep a picture."""
        ...

    def picture(self, attachment: Attachment, size: QSize, then: Callable[[QImage], None]) -> None:
        """Draw a kept file small; nothing is answered for one that is no picture."""
        ...

    def release(self, attachments: Sequence[Attachment]) -> None:
        """These show no more."""
        ...

    def shoot(self, window: QWidget, then: Callable[[QImage], None]) -> None:
        """Take a picture of the screen, without this program's windows."""
        ...


@dataclass(eq=False, slots=True)
class _Slot:
    """A place in the list; without an attachment it is still being read."""

    made: Attachment | None = None


class FileRow(Panel):
    """One file with its picture; Delete takes it out, as its button does."""

    def __init__(self, theme: Theme, attachment: Attachment, removed: Callable[[], object]) -> None:
        space = theme.tokens.space
        self._removed = removed
        self.attachment = attachment
        self.picture = PlainLabel()
        self.picture.setFixedSize(space.vast, space.huge + space.medium)
        self.picture.setAlignment(Qt.AlignmentFlag.AlignCenter)
        theme.set_label_icon(self.picture, "file", "fg.muted", theme.tokens.icon_normal)
        self.name = ElidedLabel(attachment.filename)
        size = PlainLabel(fmt.size(attachment.size_bytes), type="caption", tone="muted")
        self.remove = IconButton(theme, "x", _("Remove {file}").format(file=attachment.filename), pressed=removed)
        words = column(self.name, size, gap=space.hair)
        inner = row(self.picture, words, self.remove, gap=space.small, margins=(space.tiny,) * 4)
        inner.setStretch(1, 1)
        super().__init__("card", inner)

    def show_picture(self, image: QImage) -> None:
        """Show what is in it."""
        self.picture.setPixmap(QPixmap.fromImage(image))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Delete takes it out."""
        if event.key() in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace):
            self._removed()
            return
        super().keyPressEvent(event)


class AttachPart(QWidget):
    """`changed` when a file came, went, or was not taken. `window` is where files are dropped and pasted."""

    changed = Signal()

    def __init__(self, theme: Theme, port: FilePort | None, window: QWidget) -> None:
        super().__init__()
        self._theme, self._port, self._window = theme, port, window
        self._slots: list[_Slot] = []
        self._gone = False
        self.rows: list[FileRow] = []
        self.dialog: QFileDialog | None = None
        space = theme.tokens.space
        self._list = column(gap=space.tiny)
        self.add_button = Button(theme, _("Add files…"), icon="paperclip", pressed=self.choose)
        self.shot_button = Button(theme, _("Take a screenshot"), icon="app-window", pressed=self._shoot)
        self.shot_button.setVisible(port is not None and port.can_shoot)
        hint = ngettext(
            "Ctrl+V pastes a screenshot. Up to {n} file of {size} each.",
            "Ctrl+V pastes a screenshot. Up to {n} files of {size} each.", MAX_FILES,
        )  # fmt: skip
        self.hint = PlainLabel(
            hint.format(n=MAX_FILES, size=fmt.size(MAX_BYTES)), type="caption", tone="muted", wrap=True
        )
        self.add_button.setAccessibleDescription(self.hint.text())
        self.problem = PlainLabel(type="caption", tone="danger", wrap=True)
        self.problem.hide()
        buttons = row(self.add_button, self.shot_button, None, gap=space.small)
        self.setLayout(column(self._list, buttons, self.hint, self.problem, gap=space.tiny))
        self.setVisible(port is not None)
        window.setAcceptDrops(port is not None)
        window.installEventFilter(self)

    def watch(self, field: QWidget) -> None:
        """Pasting and dropping into this field attaches what is no text."""
        if isinstance(field, GivenEdit):
            field.files_given.connect(self.add)
            field.image_given.connect(self.add_image)
        else:
            field.installEventFilter(self)

    def attachments(self) -> tuple[Attachment, ...]:
        """Return what goes with the words, in order."""
        return tuple(slot.made for slot in self._slots if slot.made is not None)

    def is_busy(self) -> bool:
        """Whether a file is still being read."""
        return any(slot.made is None for slot in self._slots)

    def restore(self, attachments: Sequence[Attachment]) -> None:
        """Show files that are kept already."""
        self._slots = [_Slot(each) for each in attachments]
        self._show()

    def hand_over(self) -> tuple[Attachment, ...]:
        """Return what goes with the words: it is the caller's now, who also releases it."""
        made = self.attachments()
        self._slots = []
        return made

    def clear(self) -> None:
        """They went; the field is empty again."""
        self._let_go()
        self._slots = []
        self._tell("")
        self._show()

    def window_gone(self) -> None:
        """Nothing shows any more."""
        self._gone = True
        self._let_go()
        self._slots = []

    def _let_go(self) -> None:
        if self._port is not None and (made := self.attachments()):
            self._port.release(made)

    # --- coming in -------------------------------------------------------------------------------------------

    def choose(self) -> None:
        """Choose files in the system's window."""
        dialog = self.dialog = QFileDialog(self._window, _("Add files"))
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.setFileMode(QFileDialog.FileMode.ExistingFiles)
        dialog.filesSelected.connect(lambda names: self.add([Path(name) for name in names]))
        dialog.open()

    def add(self, paths: Sequence[Path]) -> None:
        """Take files."""
        port = self._port
        if port is None:
            return
        for path in paths:
            slot = self._slot()
            if slot is None:
                return
            port.take(path, *self._answers(slot))

    def add_image(self, image: QImage) -> None:
        """Take a picture that was pasted."""
        self._add_picture(image, _("Picture {n}"))

    def _add_picture(self, image: QImage, name: str) -> None:
        slot = self._slot() if self._port is not None else None
        if self._port is not None and slot is not None:
            self._port.take_image(image, name.format(n=len(self._slots)) + ".png", *self._answers(slot))

    def _shoot(self) -> None:
        if self._port is not None:
            self._port.shoot(self._window, lambda image: self._add_picture(image, _("Screenshot {n}")))

    def _slot(self) -> _Slot | None:
        if len(self._slots) >= MAX_FILES:
            text = ngettext(
                "No more than {n} file goes with one message. Send the others with the next one.",
                "No more than {n} files go with one message. Send the others with the next one.", MAX_FILES,
            )  # fmt: skip
            self._tell(text.format(n=MAX_FILES))
            return None
        slot = _Slot()
        self._slots.append(slot)
        return slot

    def _answers(self, slot: _Slot) -> tuple[Callable[[Attachment], None], Callable[[Exception], None]]:
        return lambda made: self._taken(slot, made), lambda why: self._refused(slot, why)

    def _taken(self, slot: _Slot, made: Attachment) -> None:
        if self._gone or slot not in self._slots or made.sha256 in {each.sha256 for each in self.attachments()}:
            if self._port is not None:
                self._port.release([made])
            if slot in self._slots:
                self._slots.remove(slot)  # the same file twice
        else:
            slot.made = made
            announce(self, _("{file} is attached").format(file=made.filename))
        if not self._gone:
            self._show()
            self.changed.emit()

    def _refused(self, slot: _Slot, why: Exception) -> None:
        if slot in self._slots:
            self._slots.remove(slot)
            self._tell(error_text(why))
            self.changed.emit()

    def _tell(self, text: str) -> None:
        self.problem.setText(text)
        self.problem.setVisible(bool(text))
        if text:
            announce(self, text, urgent=True)

    # --- showing ---------------------------------------------------------------------------------------------

    def _show(self) -> None:
        shown = {each.attachment: each for each in self.rows}
        for attachment, file_row in shown.items():
            if attachment not in self.attachments():
                self._list.removeWidget(file_row)
                file_row.hide()
                file_row.deleteLater()
        self.rows = [shown.get(each) or self._row(each) for each in self.attachments()]
        for at, file_row in enumerate(self.rows):
            self._list.insertWidget(at, file_row)

    def _row(self, attachment: Attachment) -> FileRow:
        made = FileRow(self._theme, attachment, lambda: self._remove(attachment))
        if self._port is not None and attachment.media_type.startswith("image/"):
            self._port.picture(attachment, made.picture.size(), lambda image: self._draw(attachment, image))
        return made

    def _draw(self, attachment: Attachment, image: QImage) -> None:
        for file_row in self.rows:
            if file_row.attachment == attachment and not self._gone:
                file_row.show_picture(image)

    def _remove(self, attachment: Attachment) -> None:
        at = self.attachments().index(attachment)
        self._slots = [slot for slot in self._slots if slot.made != attachment]
        if self._port is not None:
            self._port.release([attachment])
        self._tell("")
        self._show()
        # the keyboard stays where it was at work
        (self.rows[min(at, len(self.rows) - 1)].remove if self.rows else self.add_button).setFocus()
        self.changed.emit()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Take what is dropped on the window, or pasted where no text goes."""
        del watched
        if self._port is None or self._gone:
            return False
        if isinstance(event, QDropEvent) and event.type() in (
            QEvent.Type.DragEnter, QEvent.Type.DragMove, QEvent.Type.Drop
        ):  # fmt: skip
            return self._dropped(event)
        if (
            isinstance(event, QKeyEvent)
            and event.type() is QEvent.Type.KeyPress
            and event.matches(QKeySequence.StandardKey.Paste)
        ):
            mime = QGuiApplication.clipboard().mimeData()
            if files := given_files(mime):
                self.add(files)
            elif gives_picture(mime):
                self.add_image(QGuiApplication.clipboard().image())
            else:
                return False
            return True
        return False

    def _dropped(self, event: QDropEvent) -> bool:
        mime = event.mimeData()
        files = given_files(mime)
        if not files and not gives_picture(mime):
            return False
        event.setDropAction(Qt.DropAction.CopyAction)  # never moved: the original stays where it is
        event.accept()
        if event.type() is QEvent.Type.Drop:
            if files:
                self.add(files)
            else:
                self.add_image(QImage(mime.imageData()))
        return True
