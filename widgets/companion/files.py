# SPDX-License-Identifier: GPL-3.0-or-later
"""Files of a session at the customer's computer: the questions before each one, and how each gets on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFileDialog, QGridLayout, QLayout, QWidget

from app.config.i18n import _
from app.domain.session_files import FileView
from widgets.companion.timed import TimedQuestion, said_by
from widgets.foundation import (
    WINDOW,
    Button,
    Card,
    Look,
    Notice,
    PlainLabel,
    Theme,
    announce,
    clear,
    column,
    fit,
    fmt,
    row,
)
from widgets.foundation.file_moves import FileMove

__all__ = ["FileFacts", "FileQuestion", "FileRequest", "FilesWindow", "file_line"]


@dataclass(frozen=True, slots=True)
class FileFacts:
    """What the customer is asked about. `name` is the one the file will have; `disguise` the ending it shows first."""

    name: str
    size: int
    folder: str = ""
    program: bool = False
    disguise: str = ""


def file_line(view: FileView) -> str:
    """Return what became of a file, for the summary of a session."""
    if view.code:
        return _("{file}: did not arrive").format(file=view.name)
    if view.to_customer:
        return _("{file}: received, lies in {path}").format(file=view.name, path=view.path)
    return _("{file}: sent").format(file=view.name)


class _Ask(TimedQuestion):
    """The questions about files: `body` is what each shows."""

    refused = Signal()

    def __init__(self, theme: Theme, who: tuple[str, str], deadline_ms: int, now_ms: Callable[[], int]) -> None:
        super().__init__(theme, who, deadline_ms, now_ms)
        space = theme.tokens.space
        self.question = PlainLabel(type="heading", wrap=True)
        self.body = column(gap=space.medium)
        buttons = row(self.no, None, self.yes, gap=space.small)
        edge = (space.huge, space.wide, space.huge, space.wide)
        self.setLayout(
            column(
                self.question, self._from_whom(), self.body, None, self.time, buttons, gap=space.medium, margins=edge
            )
        )  # fmt: skip

    def _ask(self, question: str, no: str, yes: str) -> None:
        """Put a question; its yes sleeps for a second, so that nobody presses what was something else just now."""
        self.question.setText(question)
        self.setWindowTitle(question)
        self.no.setText(no)
        self.yes.setText(yes)
        self._sleep()
        self._count()
        self.no.setFocus()
        announce(self, question, urgent=True)

    def _no(self) -> None:
        if not self._done:
            self.end()
            self.refused.emit()

    def _refused(self) -> None:
        self.refused.emit()

    def _facts(self, facts: FileFacts, way: str) -> QLayout:
        """Return name, size, direction and place as a table."""
        space = self._theme.tokens.space
        grid = QGridLayout()
        grid.setHorizontalSpacing(space.large)
        grid.setVerticalSpacing(space.small)
        grid.setColumnStretch(1, 1)
        lines = [(_("Name"), facts.name), (_("Size"), fmt.size(facts.size)), (_("Direction"), way)]
        if facts.folder:
            lines.append((_("Place"), facts.folder))
        for place, (name, value) in enumerate(lines):
            label = PlainLabel(name, tone="muted")
            label.setAlignment(Qt.AlignmentFlag.AlignTop)
            grid.addWidget(label, place, 0)
            grid.addWidget(PlainLabel(value, wrap=True, selectable=True), place, 1)
        return grid


class FileQuestion(_Ask):
    """The agent would send a file. `accepted` is True if it is a program and the second warning was answered too."""

    accepted = Signal(bool)

    def __init__(
        self,
        theme: Theme,
        who: tuple[str, str],
        facts: FileFacts,
        deadline_ms: int,
        now_ms: Callable[[], int],
        why: str = "",
    ) -> None:
        """`why` is the agent's own text, from outside."""
        super().__init__(theme, who, deadline_ms, now_ms)
        self._program, self._warned = facts.program, False
        space = theme.tokens.space
        card = Card(theme)
        card.body.addLayout(self._facts(facts, _("from {name} to this computer").format(name=who[0])))
        if said := said_by(who[0], why):
            card.body.addWidget(PlainLabel(said, wrap=True))
        self.body.addWidget(card)
        self.warning = Notice(theme, kind="danger")
        self.warning.setVisible(facts.program)
        if facts.program:
            words = _("This is a program. Once opened, it can do on this computer whatever you can.")
            if facts.disguise:
                words += " " + _("Its name looks like a {kind} file, but it is none.").format(kind=facts.disguise)
            self.warning.tell(words, "danger")
        self.body.addWidget(self.warning)
        rest = _(
            "It is only saved, never opened, and nothing that you have is replaced. This yes is for this file alone."
        )
        self.body.addWidget(PlainLabel(rest, wrap=True))
        self._ask(_("May {name} send you this file?").format(name=who[0]), _("Don't take it"), _("Take this file"))
        fit(self, space.vast * 10, space.vast * 6)

    def _yes(self) -> None:
        if self._done:
            return
        if self._program and not self._warned:
            self._warned = True
            self._ask(_("Take a program from {name}, really?").format(name=self._who[0]), _("Don't take it"),
                      _("Take the program"))  # fmt: skip
            self.warning.tell(
                _("Support seldom needs this. If somebody on the phone is pressing you to do it, say no and hang up."),
                "danger",
            )
            return
        self.end()
        self.accepted.emit(self._warned)


class FileRequest(_Ask):
    """The agent asks for a file. The customer picks it (`picked`, a path), sees it named, then sends it (`sent`)."""

    picked = Signal(object)
    sent = Signal()
    choosing = Signal()
    """The dialog is about to show what lies in the customer's folders."""

    def __init__(
        self, theme: Theme, who: tuple[str, str], why: str, deadline_ms: int, now_ms: Callable[[], int]
    ) -> None:
        super().__init__(theme, who, deadline_ms, now_ms)
        space = theme.tokens.space
        self._chosen: FileFacts | None = None
        self.card = Card(theme)
        self.problem = Notice(theme, kind="warning")
        self.problem.hide()
        self.again = Button(theme, _("Choose another file…"), look=Look.QUIET, pressed=self.choose)
        self.again.hide()
        words = _("You choose the file yourself, and see it once more before it is sent. {name} sees no other file.")
        self.card.body.addWidget(PlainLabel(words.format(name=who[0]), wrap=True))
        if said := said_by(who[0], why):
            self.card.body.addWidget(PlainLabel(said, wrap=True))
        self.body.addWidget(self.card)
        self.body.addWidget(self.problem)
        self.body.addLayout(row(self.again, None))
        self._ask(_("May {name} have a file from this computer?").format(name=who[0]), _("Don't send"),
                  _("Choose a file…"))  # fmt: skip
        fit(self, space.vast * 10, space.vast * 6)

    dialog: QFileDialog | None = None

    def choose(self) -> None:
        """Open the file dialog."""
        dialog = QFileDialog(self, _("Choose the file to send"), str(Path.home()))
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.setOption(QFileDialog.Option.DontUseNativeDialog)  # only a window of ours can be covered in the picture
        dialog.fileSelected.connect(lambda name: self.picked.emit(Path(name)))
        dialog.destroyed.connect(self._dialog_gone)
        self.dialog = dialog
        dialog.resize(dialog.sizeHint())
        dialog.move(self.frameGeometry().center() - dialog.rect().center())
        self.choosing.emit()
        dialog.open()

    def _dialog_gone(self) -> None:
        self.dialog = None

    def show_file(self, facts: FileFacts) -> None:
        """The picked file was read: name it, and ask for the last yes."""
        self._chosen = facts
        self.problem.hide()
        clear(self.card.body)
        self.card.body.addLayout(self._facts(facts, _("from this computer to {name}").format(name=self._who[0])))
        self.again.show()
        self._ask(_("Send this file to {name}?").format(name=self._who[0]), _("Don't send"), _("Send this file"))

    def show_problem(self, text: str) -> None:
        """The picked file cannot be sent."""
        self.problem.tell(text, "warning")
        self.problem.show()

    def _yes(self) -> None:
        if self._done:
            return
        if self._chosen is None:
            self.choose()
        else:
            self.end()
            self.sent.emit()


class FilesWindow(QWidget):
    """The files of a session and how they get on. `stopped` has a number. Closing hides it and stops nothing."""

    spoken_role = WINDOW

    stopped = Signal(int)

    def __init__(self, theme: Theme, agent: str) -> None:
        super().__init__()
        self._theme, self._agent = theme, agent
        space = theme.tokens.space
        self.setProperty("panel", "window")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setAttribute(Qt.WidgetAttribute.WA_ShowWithoutActivating)
        self.setWindowFlag(Qt.WindowType.WindowStaysOnTopHint)
        self.setWindowTitle(_("Files of this session"))
        self.moves: dict[int, FileMove] = {}
        self._lines = column(gap=space.large)
        edge = (space.huge, space.wide, space.huge, space.wide)
        self.setLayout(column(self._lines, None, margins=edge))
        self.setMinimumWidth(space.vast * 10)

    def show_file(self, view: FileView) -> None:
        """Show how a file stands."""
        move = self.moves.get(view.id)
        if move is None:
            title = _("{name} sends you: {file}") if view.to_customer else _("You send {name}: {file}")
            waits = _("Waiting for {name}'s computer…").format(name=self._agent)
            move = FileMove(self._theme, view, title.format(name=self._agent, file=view.name), waits)
            move.stopped.connect(self.stopped)
            move.closed.connect(self._forget)
            self.moves[view.id] = move
            self._lines.addWidget(move)
            self.show()
        else:
            move.show_view(view)
        self.adjustSize()

    def _forget(self, number: int) -> None:
        move = self.moves.pop(number)
        move.hide()
        move.deleteLater()
        if not self.moves:
            self.hide()
        self.adjustSize()

    def end(self) -> None:
        """Nothing moves any more; what is not told is told in the summary."""
        self.hide()
