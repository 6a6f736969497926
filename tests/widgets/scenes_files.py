# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures of attachments: in the conversation in every state, and on a reply that is being written."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from PySide6.QtWidgets import QWidget

from app.config.i18n import language
from app.config.settings import Settings
from app.domain.attachments import Attachment, BlobState, BlobStatus
from app.domain.ports import Draft, DraftKind, ItemKind
from tests.fakes.blobs import FakeBlobs
from tests.fakes.commits import FakeCommits
from tests.fakes.link import FakeLink, FakeSessions, InlineJobs
from tests.fakes.needs import FakeNeeds
from tests.fakes.queries import NOW_MS, FakeDesk, FakeQueries, ticket_id
from tests.widgets.scenes_agent import IDENTITY, LIVE, SMALL, WIDE
from tests.widgets.screenshots import Scene
from widgets.foundation import Theme
from widgets.shell.build import build_agent_window
from widgets.shell.window import AgentWindow

MIB = 1 << 20
LONG_NAME = "현장 방문 사진 전체 모음 그리고 아주 길게 지은 파일 이름 (최종, 진짜 최종).jpeg"
FILES = (
    (Attachment(b"1" * 32, "오류 화면.png", "image/png", 348_160), BlobStatus(BlobState.HERE)),
    (Attachment(b"2" * 32, "프린터 로그 2027-03-02.zip", "application/zip", 12 * MIB), BlobStatus(BlobState.ABSENT)),
    (Attachment(b"3" * 32, "청구서.pdf.exe", "application/pdf", 90_112), BlobStatus(BlobState.HERE)),
    (
        Attachment(b"4" * 32, LONG_NAME, "image/jpeg", 5 * MIB),
        BlobStatus(BlobState.FETCHING, 3 * MIB, 5 * MIB),
    ),
    (Attachment(b"5" * 32, "계약서.hwp", "", 40_960), BlobStatus(BlobState.FAILED, code="file_damaged")),
    (Attachment(b"6" * 32, "음성.m4a", "audio/mp4", 740_000), BlobStatus(BlobState.ABSENT, code="not_uploaded")),
    (Attachment(b"7" * 32, "점검표.xlsx", "", 61_440), BlobStatus(BlobState.SENDING, 30_000, 61_440)),
)  # fmt: skip


def window_with_files(theme: Theme) -> tuple[AgentWindow, FakeDesk, FakeCommits, FakeBlobs]:
    """A window on a ticket whose newest message names a file in every state."""
    desk, blobs = FakeDesk(60), FakeBlobs()
    thread = desk.thread(ticket_id(0))
    place = max(i for i, item in enumerate(thread) if item.kind is ItemKind.MESSAGE_IN)
    thread[place] = replace(thread[place], attachments=tuple(file for file, _ in FILES))
    blobs.states = {file.sha256: replace(status, size=file.size_bytes) for file, status in FILES}
    commits = FakeCommits(desk)
    settings = Settings(Path(tempfile.mkdtemp()) / "settings.json", {"ui.language": language(), "ui.theme": "system"})
    window = build_agent_window(
        theme=theme, queries=FakeQueries(desk), commits=commits, link=FakeLink(), jobs=InlineJobs(),
        settings=settings, identity=IDENTITY, sessions=FakeSessions(), status=LIVE, now_ms=lambda: NOW_MS,
        needs=FakeNeeds(desk), blobs=blobs,
    )  # fmt: skip
    return window, desk, commits, blobs


def _scene(*, writing: bool) -> Callable[[Theme], QWidget]:
    def build(theme: Theme) -> QWidget:
        mode = theme.mode
        window, _desk, commits, _blobs = window_with_files(theme)
        theme.set_mode(mode)
        if writing:
            files = (FILES[0][0], FILES[6][0])
            commits.save_draft(Draft(ticket_id(0), DraftKind.REPLY, "점검표를 보내 드립니다.", 3, 9, NOW_MS, files))
        window.open_ticket(ticket_id(0))
        if writing:
            window.ticket.composer.write(DraftKind.REPLY)
            window.show_blob(b"7" * 32, FILES[6][1])
        return window

    return build


SCENES = [
    Scene("files-thread", _scene(writing=False), WIDE, 60, contrast=True),
    Scene("files-thread-small", _scene(writing=False), SMALL, 60),
    Scene("files-reply", _scene(writing=True), WIDE, 60),
    Scene("files-reply-small", _scene(writing=True), SMALL, 60),
]
