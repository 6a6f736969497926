# SPDX-License-Identifier: GPL-3.0-or-later
"""Attachments in the window: attached by button, drop and paste; fetched, saved and opened only on a person's word."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, Qt, QUrl
from PySide6.QtGui import QImage
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from app.config import settings as conf
from app.domain.attachments import Attachment, BlobState, BlobStatus
from app.domain.changes import MessageAdd, NoteAdd
from app.domain.ports import DraftKind
from tests.fakes.blobs import FakeBlobs
from tests.fakes.commits import FakeCommits
from tests.fakes.link import FakeLink, InlineJobs
from tests.fakes.queries import ticket_id
from tests.widgets.scenes_files import FILES, window_with_files
from widgets.foundation import Question, Theme
from widgets.foundation.file_chip import FileChip
from widgets.foundation.turns import is_building
from widgets.shell.window import AgentWindow
from widgets.ticket.attachments import AttachmentChips

REPLY, NOTE = DraftKind.REPLY, DraftKind.NOTE


class Desk:
    """A window on a ticket with files."""

    def __init__(self, qtbot: QtBot, theme: Theme) -> None:
        self.qtbot = qtbot
        self.window: AgentWindow
        self.commits: FakeCommits
        self.blobs: FakeBlobs
        self.window, _data, self.commits, self.blobs = window_with_files(theme)
        qtbot.addWidget(self.window)
        self.window._ports.settings.set(conf.UNDO_SEND_S, 0)
        self.window.resize(1280, 800)
        self.window.show()
        self.window.open_ticket(ticket_id(0))
        qtbot.waitUntil(lambda: bool(self.chips()) and not is_building(), timeout=30_000)  # and nothing gives way later

    @property
    def link(self) -> FakeLink:
        """The fake worker."""
        link = self.window._ports.link
        assert isinstance(link, FakeLink)
        return link

    def chips(self) -> list[FileChip]:
        """The chips in the conversation."""
        found = self.window.ticket.conversation.findChildren(AttachmentChips)
        return [chip for each in found if each.isVisibleTo(self.window) for chip in each.chips]

    def chip(self, n: int) -> FileChip:
        """The chip of one of the sample files."""
        return next(c for c in self.chips() if c.attachment == FILES[n][0])

    def menu(self, n: int) -> list[str]:
        """What pressing a chip offers."""
        chip = self.chip(n)
        chip.click()
        holder = chip.parentWidget()
        assert isinstance(holder, AttachmentChips)
        texts = [action.text() for action in holder.menu.actions() if holder.menu.isVisible()]
        holder.menu.hide()
        return texts

    def paste(self, kind: DraftKind, data: QMimeData) -> None:
        """Drop or paste into a draft."""
        self.window.ticket.composer.write(kind)
        self.window.ticket.composer.sheets[kind].edit.insertFromMimeData(data)

    def files(self, kind: DraftKind) -> list[str]:
        """Names that hang on a draft."""
        return [a.filename for a in self.window.ticket.composer.sheets[kind].files.attachments()]


def local(*paths: Path) -> QMimeData:
    """What a file manager drops."""
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    return data


@pytest.fixture
def desk(qtbot: QtBot, theme: Theme) -> Iterator[Desk]:
    made = Desk(qtbot, theme)
    yield made
    made.window.close()


def test_every_chip_says_name_size_and_where_the_content_is(desk: Desk) -> None:
    """The ending always shows, so that a program cannot pass for a picture."""
    said = [chip.accessibleName() for chip in desk.chips()]
    assert said[0] == "오류 화면.png, 340 kB"
    assert said[1] == "프린터 로그 2027-03-02.zip, 12 MB, not on this computer: press to fetch"
    assert "fetching 60 %" in said[3]
    assert said[4].endswith("failed: the content is damaged")
    assert said[5].endswith("it comes when its sender has uploaded it")
    assert said[6].endswith("uploading 48 %")
    assert desk.chip(2).label().startswith("청구서.pdf.exe")
    assert desk.chip(3).label().split(" · ")[0].endswith("진짜 최종).jpeg")


def test_a_chip_is_right_from_its_first_paint(desk: Desk) -> None:
    """What is not sent yet never looks for a moment as if it were: how files stand is read with the conversation."""
    jobs = desk.window._ports.jobs
    assert isinstance(jobs, InlineJobs)
    first = FILES[6][0]
    desk.blobs.states[first.sha256] = BlobStatus(BlobState.WAITING, 0, first.size_bytes)
    desk.window.open_ticket(ticket_id(1))
    desk.qtbot.waitUntil(lambda: not is_building(), timeout=30_000)
    desk.window.open_ticket(ticket_id(0))
    jobs.hold = True  # whatever is asked from here on is not answered
    desk.qtbot.waitUntil(lambda: bool(desk.chips()) and not is_building(), timeout=30_000)
    assert desk.chip(6).accessibleName().endswith("waits to be uploaded")
    assert desk.chip(1).accessibleName().endswith("not on this computer: press to fetch")
    jobs.release()


def test_a_chip_made_late_shows_what_was_told_meanwhile(desk: Desk) -> None:
    """Also after a change of language, when all of the conversation is made anew."""
    jobs = desk.window._ports.jobs
    assert isinstance(jobs, InlineJobs)
    desk.window.show_blob(FILES[6][0].sha256, BlobStatus(BlobState.FAILED, code="too_large"))
    jobs.hold = True
    desk.window.ticket.conversation.retranslate()
    desk.qtbot.waitUntil(lambda: bool(desk.chips()) and not is_building(), timeout=30_000)
    assert desk.chip(6).accessibleName().endswith("failed: larger than the server takes")
    jobs.release()


def test_a_chip_of_which_nothing_is_known_says_so_and_looks_again(qtbot: QtBot, theme: Theme) -> None:
    """It neither claims that the file is here nor offers to fetch it."""
    chips = AttachmentChips(theme, (FILES[0][0],))
    qtbot.addWidget(chips)
    assert chips.chips[0].accessibleName().endswith("looking for it")
    with qtbot.waitSignal(chips.asked) as asked:
        chips.chips[0].click()
    assert asked.args == ["look", FILES[0][0]]


def test_a_file_on_a_draft_says_that_it_waits_and_says_on_when_another_comes(desk: Desk, tmp_path: Path) -> None:
    """From the moment it hangs there, while the next one is attached, and when the draft is opened again."""
    one, two = tmp_path / "one.txt", tmp_path / "two.txt"
    one.write_text("1")
    two.write_text("2")
    desk.paste(REPLY, local(one))
    files = desk.window.ticket.composer.sheets[REPLY].files
    assert [c.chip.accessibleName() for c in files._chips] == ["one.txt, 1 byte, waits to be uploaded"]
    desk.window.show_blob(files.attachments()[0].sha256, BlobStatus(BlobState.SENDING, 1, 2))
    desk.paste(REPLY, local(two))
    assert [c.chip.accessibleName().split(", ")[-1] for c in files._chips] == ["uploading 50 %", "waits to be uploaded"]
    desk.window.open_ticket(ticket_id(1))
    desk.window.open_ticket(ticket_id(0))
    assert {c.chip.accessibleName().split(", ")[-1] for c in files._chips} == {"waits to be uploaded"}


def test_a_block_without_files_has_no_chips(desk: Desk, qtbot: QtBot) -> None:
    """Only the one message that names files is made with them."""
    conversation = desk.window.ticket.conversation
    qtbot.waitUntil(lambda: len(conversation.findChildren(AttachmentChips)) == 1)  # what gave way goes in turns


def test_what_is_not_here_is_fetched_by_one_key_and_the_chip_follows(desk: Desk) -> None:
    """Tab reaches it, Enter asks for it; progress and arrival show in place."""
    chip = desk.chip(1)
    assert chip.focusPolicy() & Qt.FocusPolicy.TabFocus
    chip.setFocus()
    QTest.keyClick(chip, Qt.Key.Key_Return)
    assert [file for file, _type, _row in desk.link.fetched] == [FILES[1][0]]
    assert "fetching 0 %" in chip.accessibleName()
    desk.window.show_blob(FILES[1][0].sha256, BlobStatus(BlobState.ABSENT, 0, FILES[1][0].size_bytes, "offline"))
    assert "when the server can be reached" in chip.accessibleName()
    desk.window.show_blob(FILES[1][0].sha256, BlobStatus(BlobState.HERE))
    assert desk.menu(1) == ["Save as…", "Open…", "Save all…", "Attach to my draft"]


def test_nothing_opens_without_a_yes_and_a_program_never(desk: Desk) -> None:
    """A program is only saved, after a warning that names its disguise."""
    opened: list[object] = []
    files = desk.window.files
    assert files is not None
    files.open_wanted.connect(opened.append)
    assert desk.menu(2) == ["Save as…", "Save all…", "Attach to my draft"]
    item = next(i for i in desk.window.ticket.conversation._items if i.attachments)
    files.act("save", FILES[2][0], item)
    question = files.dialog
    assert isinstance(question, Question)
    assert "calls itself a pdf file but is a program" in _text(question)
    question.reject()
    files.act("open", FILES[0][0], item)
    question = files.dialog
    assert isinstance(question, Question)
    assert opened == []
    question.accept()
    assert opened == [Path("/copies/오류 화면.png")]


def test_a_file_of_the_conversation_hangs_on_the_draft_too_without_being_sent_again(desk: Desk) -> None:
    """From its own menu, by keys; twice is once."""
    for _ in range(2):
        desk.chip(0).click()
        holder = desk.chip(0).parentWidget()
        assert isinstance(holder, AttachmentChips)
        next(action for action in holder.menu.actions() if action.text() == "Attach to my draft").trigger()
        holder.menu.hide()
    assert desk.window.ticket.composer.kind() is REPLY
    assert desk.files(REPLY) == ["오류 화면.png"]
    assert desk.window.ticket.composer.sheets[REPLY].files.attachments() == (FILES[0][0],)


def test_all_files_are_saved_at_once_over_nothing_and_what_is_not_here_is_fetched(desk: Desk, tmp_path: Path) -> None:
    """Programs are left out: each of them has its warning."""
    files = desk.window.files
    assert files is not None
    item = next(i for i in desk.window.ticket.conversation._items if i.attachments)
    (tmp_path / "오류 화면.png").write_text("mine")
    told: list[str] = []
    files.told.connect(told.append)
    desk.blobs.contents[FILES[0][0].sha256] = b"picture"
    files.save_all(item, tmp_path)
    assert desk.blobs.saved == [tmp_path / "오류 화면 (2).png"]
    assert {file for file, _type, _row in desk.link.fetched} >= {FILES[1][0]}
    assert told[0].startswith("1 file is saved")


def _text(question: Question) -> str:
    from widgets.foundation import PlainLabel

    return " ".join(label.text() for label in question.findChildren(PlainLabel))


def test_saving_tells_where_it_went_or_why_it_did_not(desk: Desk, tmp_path: Path) -> None:
    """What is not here is said so; the chip is asked again."""
    files = desk.window.files
    assert files is not None
    here = desk.blobs.add_content(b"text", "a.txt", "text/plain")
    files.save(here, tmp_path / "b.txt")
    assert (tmp_path / "b.txt").read_bytes() == b"text"
    files.save(FILES[0][0], tmp_path / "c.png")
    assert "is not on this computer yet" in desk.window.ticket.problem.text.text()


def test_dropped_files_and_pasted_pictures_hang_on_the_draft_and_go_with_the_reply(desk: Desk, tmp_path: Path) -> None:
    """In the order in which they came; the draft names them before anything is sent; the worker is told."""
    one, two = tmp_path / "하나.txt", tmp_path / "둘.txt"
    one.write_text("1")
    two.write_text("2")
    desk.paste(REPLY, local(one, two))
    data = QMimeData()
    data.setImageData(QImage(4, 4, QImage.Format.Format_RGB32))
    desk.paste(REPLY, data)
    assert desk.files(REPLY) == ["하나.txt", "둘.txt", "Picture 3.png"]
    draft = desk.commits.draft(ticket_id(0), REPLY)
    assert draft is not None
    assert len(draft.attachments) == 3
    assert desk.link.added == 3
    desk.window.ticket.composer.send()
    sent = [c for c in desk.commits.changes if isinstance(c, MessageAdd)]
    assert [[a.filename for a in c.attachments] for c in sent] == [["하나.txt", "둘.txt", "Picture 3.png"]]
    assert desk.files(REPLY) == []


def test_reply_and_note_keep_their_own_files(desk: Desk, tmp_path: Path) -> None:
    """What hangs on the note never reaches the customer."""
    secret = tmp_path / "intern.txt"
    secret.write_text("x")
    desk.paste(NOTE, local(secret))
    assert (desk.files(NOTE), desk.files(REPLY)) == (["intern.txt"], [])
    desk.window.ticket.composer.send()
    assert [len(c.attachments) for c in desk.commits.changes if isinstance(c, NoteAdd)] == [1]


def test_a_file_taken_out_again_is_sent_no_further(desk: Desk, tmp_path: Path) -> None:
    """The draft is saved without it first; Delete does what the button does."""
    path = tmp_path / "weg.txt"
    path.write_text("x")
    desk.paste(REPLY, local(path))
    chip = desk.window.ticket.composer.sheets[REPLY].files._chips[0]
    QTest.keyClick(chip, Qt.Key.Key_Delete)
    assert desk.files(REPLY) == []
    assert [a.filename for a in desk.blobs.dropped] == ["weg.txt"]
    assert desk.commits.draft(ticket_id(0), REPLY) is None


def test_a_file_that_cannot_be_taken_in_says_why_and_leaves_the_text(desk: Desk, tmp_path: Path) -> None:
    """Nothing was attached; the words stay."""
    sheet = desk.window.ticket.composer.sheets[REPLY]
    desk.paste(REPLY, local(tmp_path / "gone.txt"))
    assert "is not there any more" in sheet.notice.text.text()
    assert desk.files(REPLY) == []


def test_text_is_still_pasted_as_text(desk: Desk) -> None:
    """Also when a picture of it came along, as from a spreadsheet."""
    data = QMimeData()
    data.setText("A1 B1")
    data.setImageData(QImage(4, 4, QImage.Format.Format_RGB32))
    desk.paste(REPLY, data)
    assert desk.window.ticket.composer.text(REPLY) == "A1 B1"
    assert desk.files(REPLY) == []


def test_attachments_of_another_ticket_do_not_follow(desk: Desk, tmp_path: Path) -> None:
    """They wait on their own ticket's draft and are there again."""
    path = tmp_path / "hier.txt"
    path.write_text("x")
    desk.paste(REPLY, local(path))
    desk.window.open_ticket(ticket_id(1))
    assert desk.files(REPLY) == []
    desk.window.open_ticket(ticket_id(0))
    assert desk.files(REPLY) == ["hier.txt"]


def test_a_file_that_is_read_slowly_waits_on_the_ticket_it_was_dropped_on(desk: Desk, tmp_path: Path) -> None:
    """Also when its person went on to another ticket meanwhile, or threw the draft away."""
    path = tmp_path / "gross.bin"
    path.write_bytes(b"x")
    jobs = desk.window._ports.jobs
    assert isinstance(jobs, InlineJobs)
    jobs.hold = True
    desk.paste(REPLY, local(path))
    desk.window.ticket.composer.send()
    assert "still being read" in desk.window.ticket.composer.sheets[REPLY].notice.text.text()
    jobs.hold = False
    desk.window.open_ticket(ticket_id(1))
    jobs.release()
    draft = desk.commits.draft(ticket_id(0), REPLY)
    assert draft is not None
    assert [a.filename for a in draft.attachments] == ["gross.bin"]
    assert desk.files(REPLY) == []
    desk.window.open_ticket(ticket_id(0))
    assert desk.files(REPLY) == ["gross.bin"]
    jobs.hold = True
    desk.paste(NOTE, local(path))
    desk.window.ticket.composer.discard(NOTE)
    jobs.release()
    assert desk.files(NOTE) == []
    assert [a.filename for a in desk.blobs.dropped] == ["gross.bin"]


def test_sample_files_without_content_cannot_be_pressed(qtbot: QtBot, theme: Theme) -> None:
    """There is nothing to fetch."""
    chips = AttachmentChips(theme, (Attachment(b"", "muster.png", "image/png", 5),))
    qtbot.addWidget(chips)
    assert not chips.chips[0].isEnabled()
