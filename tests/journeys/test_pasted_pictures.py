# SPDX-License-Identifier: GPL-3.0-or-later
"""Twenty screenshots pasted one after the other into a reply: all there, whole and in order, also after a restart."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.desktop.jobs import QtJobs
from app.domain.changes import MessageAdd
from app.domain.ids import new_id
from app.domain.ports import DraftKind
from tests.sync.desk import Client, Desk
from widgets.composer.composer import Composer
from widgets.foundation import Theme, ThemeMode, load_tokens

PICTURES, WIDTH, HEIGHT = 20, 1400, 1250  # noise of three bytes a pixel: some 5 MB each as PNG


@pytest.mark.slow
def test_twenty_pasted_pictures_of_five_megabytes_arrive_complete_and_in_order(
    qtbot: QtBot, qapp: QApplication, tmp_path: Path
) -> None:
    """In the draft, in the sealed files, in the change that is sent, and on the server's row."""
    desk = Desk(tmp_path / "server")
    kim = Client(desk, tmp_path / "kim")
    kim.sync()
    ticket = kim.new_ticket()
    profile = kim.profile
    jobs = QtJobs(lambda why: pytest.fail(repr(why)))
    theme = Theme(qapp, load_tokens(), ThemeMode.LIGHT)
    composer = Composer(theme, profile.commits, jobs, desk.clock, profile.blobs)
    qtbot.addWidget(composer)
    details = profile.queries.details(ticket)
    assert details is not None
    composer.show_ticket(details)
    composer.write(DraftKind.REPLY)
    sheet = composer.sheets[DraftKind.REPLY]
    sheet.edit.insertPlainText("Before. ")
    for _ in range(PICTURES):
        noise = QImage(os.urandom(WIDTH * HEIGHT * 3), WIDTH, HEIGHT, QImage.Format.Format_RGB888).copy()
        data = QMimeData()
        data.setImageData(noise)
        sheet.edit.insertFromMimeData(data)
    qtbot.waitUntil(lambda: len(sheet.files.attachments()) == PICTURES and not sheet.files.is_busy(), timeout=120_000)
    sheet.edit.insertPlainText("After.")
    composer.save_now()
    shown = sheet.files.attachments()
    jobs.close()
    names = [f"{n}.png" for n in range(1, PICTURES + 1)]
    assert [each.filename.rpartition(" ")[2] for each in shown] == names
    assert all(each.size_bytes > 5_000_000 for each in shown)
    kim.restart_window()
    draft = kim.profile.commits.draft(ticket, DraftKind.REPLY)
    assert draft is not None
    assert (draft.body, draft.attachments) == ("Before. After.", shown)
    for each in shown:
        copy = tmp_path / each.filename
        kim.profile.blobs.save_as(each, copy)
        assert copy.stat().st_size == each.size_bytes
        copy.unlink()
    kim.do(MessageAdd(new_id(), new_id(), ticket, draft.body, 1, attachments=draft.attachments))
    assert kim.sync()
    found = kim.profile.queries.details(ticket)
    assert found is not None
    assert [item.attachments for item in found.items if item.attachments] == [shown]
    kim.close()
    desk.close()
