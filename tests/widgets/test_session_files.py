# SPDX-License-Identifier: GPL-3.0-or-later
"""Files in a session as people see them: questions, progress, what came of it; with both programs' own hosts."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QObject, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.commands.registry import Registry
from app.commands.table import Place
from app.domain.assist import AskState, Scope, ScopeAsk
from app.domain.session_files import FileStep, FileView
from app.entry.agent_files import AgentFiles
from app.entry.companion_files import CompanionFiles, FilePlace
from remote_assist.actions import Action, ToChild
from remote_assist.child_protocol import Send, Sent
from remote_assist.file_desk import FileSaved
from remote_assist.files import Saved
from tests.remote_assist.world import Side, World
from widgets.companion.files import FileFacts, FileQuestion, FileRequest
from widgets.foundation import PlainLabel, Theme
from widgets.foundation.file_moves import FileMove, file_outcome
from widgets.remote.files import FilePanel

WHO = ("Kim Jiwoo", "Hanbit Support")
BIG = bytes(range(256)) * 4_000


# --- the questions ---------------------------------------------------------------------------------------------------


def question(qtbot: QtBot, theme: Theme, facts: FileFacts, clock: list[int]) -> FileQuestion:
    window = FileQuestion(theme, WHO, facts, 120_000, lambda: clock[0])
    qtbot.addWidget(window)
    window.show()
    return window


def test_the_question_about_a_file_has_the_agents_reason_as_plain_text(theme: Theme, qtbot: QtBot) -> None:
    """Whatever it looks like; without one nothing stands in its place."""
    facts = FileFacts("driver.pdf", 2_000, "/home/p/Deskside/4182")
    for why in ("<b>for your printer</b>", ""):
        window = FileQuestion(theme, WHO, facts, 120_000, lambda: 0, why)
        qtbot.addWidget(window)
        said = [label.text() for label in window.findChildren(PlainLabel) if "printer" in label.text()]
        assert len(said) == bool(why)
        assert all(why in text for text in said)


@pytest.mark.ux("UX-36")
def test_the_customer_reads_name_size_direction_and_place_and_yes_sleeps_for_a_second(
    qtbot: QtBot, theme: Theme
) -> None:
    """Enter is no yes, whatever has the focus."""
    clock = [0]
    window = question(qtbot, theme, FileFacts("notes.pdf", 3 << 20, "/home/a/Deskside/4182"), clock)
    words = " ".join(label.text() for label in window.findChildren(type(window.question)))
    for part in ("notes.pdf", "3 MB", "from Kim Jiwoo to this computer", "/home/a/Deskside/4182", "never opened"):
        assert part in words
    assert not window.yes.isEnabled()
    clock[0] = 1_500
    window._count()
    said: list[bool] = []
    window.accepted.connect(said.append)
    QTest.keyClick(window.yes, Qt.Key.Key_Return)
    assert not said
    QTest.keyClick(window.yes, Qt.Key.Key_Space)
    assert said == [False]


@pytest.mark.parametrize("way", ["escape", "close", "button"])
def test_every_way_out_of_the_question_is_a_no(qtbot: QtBot, theme: Theme, way: str) -> None:
    """Once."""
    window = question(qtbot, theme, FileFacts("a.txt", 1), [0])
    said: list[str] = []
    window.refused.connect(lambda: said.append("no"))
    if way == "escape":
        QTest.keyClick(window, Qt.Key.Key_Escape)
    elif way == "close":
        window.close()
    else:
        window.no.click()
    window.close()
    assert said == ["no"]


def test_a_program_is_warned_of_twice(qtbot: QtBot, theme: Theme) -> None:
    """The second yes sleeps again, and is another sentence."""
    clock = [2_000]
    window = question(qtbot, theme, FileFacts("a.pdf.exe", 1, program=True, disguise="pdf"), clock)
    assert "looks like a pdf file" in window.warning.text.text()
    clock[0] += 1_500
    window._count()
    said: list[bool] = []
    window.accepted.connect(said.append)
    window.yes.click()
    assert not said
    assert window.question.text() == "Take a program from Kim Jiwoo, really?"
    assert not window.yes.isEnabled()
    clock[0] += 1_500
    window._count()
    window.yes.click()
    assert said == [True]


def test_the_customer_sees_the_picked_file_named_before_it_is_sent(qtbot: QtBot, theme: Theme) -> None:
    """First picking, then a yes of its own; the agent's words are plain text."""
    clock = [0]
    window = FileRequest(theme, WHO, "<b>the log</b>\n", 120_000, lambda: clock[0])
    qtbot.addWidget(window)
    window.show()
    sent: list[bool] = []
    window.sent.connect(lambda: sent.append(True))
    clock[0] = 1_500
    window._count()
    window.yes.click()
    assert window.dialog is not None
    assert not sent
    window.show_file(FileFacts("error.log", 180 << 10))
    assert window.question.text() == "Send this file to Kim Jiwoo?"
    assert not window.yes.isEnabled()
    clock[0] = 3_000
    window._count()
    window.yes.click()
    assert sent == [True]


# --- how it gets on --------------------------------------------------------------------------------------------------


def test_a_file_shows_how_far_it_is_can_be_stopped_and_says_what_came_of_it(qtbot: QtBot, theme: Theme) -> None:
    """Where it lies, or what was removed and what helps."""
    view = FileView(4, "a.log", 2 << 20, True, FileStep.MOVING, 1 << 20)
    move = FileMove(theme, view, "From Kim: a.log", "waits")
    qtbot.addWidget(move)
    assert move.state.text() == "1 MB of 2 MB"
    assert move.bar.value() == 500
    with qtbot.waitSignal(move.stopped) as stopped:
        move.stop.click()
    assert stopped.args == [4]
    move.show_view(FileView(4, "a.log", 2 << 20, True, FileStep.OVER, 2 << 20, path="/x/a.log"))
    assert "It lies here: /x/a.log" in move.state.text()
    with qtbot.waitSignal(move.closed):
        move.stop.click()
    over = FileView(4, "a.log", 1, True, FileStep.OVER, code="changed")
    assert file_outcome(over).endswith("Send it again.")


def panel(qtbot: QtBot, theme: Theme, state: AskState, *, flowing: bool = True) -> FilePanel:
    found = FilePanel(theme, Registry(lambda: [Place.SESSION]))
    qtbot.addWidget(found)
    found.watch(found)
    found.retranslate()
    asks = (ScopeAsk(Scope.FILES_TO_CUSTOMER, state), ScopeAsk(Scope.FILES_TO_AGENT, state))
    found.show_asks(asks, "Minsu Park", flowing=flowing)
    return found


@pytest.mark.parametrize(("state", "taken"), [(AskState.POSSIBLE, True), (AskState.WAITING, False)])
def test_files_dropped_on_the_window_are_offered_when_that_is_possible(
    qtbot: QtBot, theme: Theme, tmp_path: Path, state: AskState, taken: bool
) -> None:
    """Also several; not while an answer is awaited."""
    window = panel(qtbot, theme, state)
    paths = [tmp_path / "a.txt", tmp_path / "b.txt"]
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    got: list[list[Path]] = []
    window.offered.connect(got.append)
    nothing = Qt.KeyboardModifier.NoModifier
    drop = QDropEvent(QPointF(5, 5), Qt.DropAction.CopyAction, mime, Qt.MouseButton.LeftButton, nothing)
    button = Qt.MouseButton.LeftButton
    QApplication.sendEvent(window, QDragEnterEvent(QPoint(5, 5), Qt.DropAction.CopyAction, mime, button, nothing))
    QApplication.sendEvent(window, drop)
    assert got == ([paths] if taken else [])
    assert window.send.isEnabled() is taken


# --- both hosts ------------------------------------------------------------------------------------------------------


class Hosted(World):
    """Two ends with the hosts that the programs have; children are made up, disks and threads are real."""

    def __init__(self, theme: Theme, folder: Path, parent: QObject) -> None:
        super().__init__()
        self.folder = folder
        for name in ("agent", "customer"):
            (folder / name).mkdir()
        self.seen: list[FileView] = []
        self.covered = 0
        self.companion = CompanionFiles(
            theme, self.clock.monotonic_ms, self.customer_end, lambda actions: self.do(self.customer, actions),
            FilePlace(folder / "customer"), self.cover, parent,
        )  # fmt: skip
        self.companion.begin(WHO, "4182")
        self.desk = AgentFiles(
            self.agent_end, lambda actions: self.do(self.agent, actions), self.seen.append, "4182", parent
        )
        self.desk.base = folder / "agent"

    def cover(self) -> None:
        self.covered += len(self.companion.windows)

    def perform(self, side: Side, actions: list[Action]) -> None:
        host = self.desk if side is self.agent else self.companion
        for action in actions:
            super().perform(side, [action])
            host.do(action)
            if isinstance(action, ToChild) and isinstance(action.message, Send) and action.message.channel == "file":
                host.from_child(Sent("file"))

    def close(self) -> None:
        self.desk.close(wait=True)
        self.companion.end(wait=True)

    def wake(self) -> None:
        """The second in which a yes sleeps is over."""
        self.fake_clock.ms += 1_100
        for window in (self.companion.question, self.companion.request):
            if window is not None:
                window._count()

    def received(self, name: str) -> dict[str, bytes]:
        folder = self.folder / name / "Deskside" / "4182"
        return {path.name: path.read_bytes() for path in folder.iterdir()} if folder.exists() else {}


@pytest.fixture
def hosted(theme: Theme, tmp_path: Path, qapp: QApplication) -> Iterator[Hosted]:
    world = Hosted(theme, tmp_path, qapp)
    world.to_verified()
    yield world
    world.close()
    if world.companion.window is not None:
        world.companion.window.close()
    world.companion.deleteLater()
    world.desk.deleteLater()


def arrived(hosted: Hosted, name: str) -> bool:
    return (hosted.folder / "customer" / "Deskside" / "4182" / name).exists()


def test_two_files_of_the_agent_are_asked_about_one_after_the_other_and_arrive(hosted: Hosted, qtbot: QtBot) -> None:
    """Both hosts from the drop to the folder; the questions are covered in the picture before they show."""
    paths = [hosted.folder / "one.log", hosted.folder / "two.log"]
    for path in paths:
        path.write_bytes(BIG)
    hosted.desk.offer(paths)
    for path in paths:
        qtbot.waitUntil(lambda: hosted.companion.question is not None)
        assert hosted.companion.question is not None
        assert hosted.covered
        hosted.wake()
        hosted.companion.question.yes.click()
        qtbot.waitUntil(partial(arrived, hosted, path.name))
    qtbot.waitUntil(lambda: [view.code for view in hosted.seen if view.step is FileStep.OVER] == ["", ""])
    assert hosted.received("customer") == {"one.log": BIG, "two.log": BIG}
    window = hosted.companion.window
    assert window is not None
    assert str(hosted.folder / "customer" / "Deskside" / "4182" / "one.log") in window.moves[0].state.text()


def test_who_says_no_is_not_asked_about_the_next_file(hosted: Hosted, qtbot: QtBot) -> None:
    """The rest of the drop is forgotten."""
    path = hosted.folder / "a.log"
    path.write_bytes(b"1")
    hosted.desk.offer([path, path])
    qtbot.waitUntil(lambda: hosted.companion.question is not None)
    assert hosted.companion.question is not None
    hosted.companion.question.no.click()
    qtbot.waitUntil(lambda: hosted.seen[-1].code == "refused")
    hosted.pass_time(40_000, step_ms=1_000)
    assert not hosted.companion.windows
    assert not hosted.received("customer")


def test_a_file_that_cannot_be_read_is_said_and_the_next_one_is_offered(hosted: Hosted, qtbot: QtBot) -> None:
    """Nobody is asked about what is not there."""
    path = hosted.folder / "a.log"
    path.write_bytes(b"1")
    hosted.desk.offer([hosted.folder / "missing.log", hosted.folder, path])
    qtbot.waitUntil(lambda: hosted.companion.question is not None)
    assert [view.code for view in hosted.seen if view.code] == ["file_missing", "not_a_file"]


def test_the_agent_gets_the_file_that_the_customer_picked_and_confirmed(hosted: Hosted, qtbot: QtBot) -> None:
    """One that cannot be sent is said in the question, and another can be picked."""
    path = hosted.folder / "error.log"
    path.write_bytes(BIG)
    hosted.do(hosted.agent, hosted.agent_end.request(Scope.FILES_TO_AGENT, "the log"))
    window = hosted.companion.request
    assert window is not None
    window.picked.emit(hosted.folder)
    qtbot.waitUntil(window.problem.isVisible)
    window.picked.emit(path)
    qtbot.waitUntil(lambda: window.question.text() == "Send this file to Kim Jiwoo?")
    assert not hosted.received("agent")
    hosted.wake()
    window.yes.click()
    qtbot.waitUntil(lambda: any(view.step is FileStep.OVER for view in hosted.seen))
    assert hosted.received("agent") == {"error.log": BIG}
    assert hosted.seen[-1].path.endswith("Deskside/4182/error.log")


def test_stop_takes_questions_and_half_files_away(hosted: Hosted, qtbot: QtBot) -> None:
    """Nothing half stays on the disk."""
    path = hosted.folder / "a.log"
    path.write_bytes(BIG)
    hosted.desk.offer([path])
    qtbot.waitUntil(lambda: hosted.companion.question is not None)
    hosted.do(hosted.customer, hosted.customer_end.stop())
    assert not hosted.companion.windows
    hosted.close()
    assert not hosted.received("customer")


def test_a_file_saved_in_the_moment_in_which_it_was_stopped_is_removed(hosted: Hosted, qtbot: QtBot) -> None:
    """What the record says of it is true: the worker's report comes after the customer's word."""
    path = hosted.folder / "a.log"
    path.write_bytes(b"1")
    hosted.desk.offer([path])
    qtbot.waitUntil(lambda: hosted.companion.question is not None)
    assert hosted.companion.question is not None
    hosted.companion.question.accepted.emit(False)
    hosted.do(hosted.customer, hosted.customer_end.revoke(Scope.FILES_TO_CUSTOMER))
    late = hosted.folder / "late.log"
    late.write_bytes(b"1")
    hosted.companion._host._hear(FileSaved(0, Saved(late, 1, b"", marked=False)))
    qtbot.waitUntil(lambda: not late.exists())
    assert [view.code for view in hosted.companion.over.values()] == ["revoked"]
