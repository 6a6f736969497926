# SPDX-License-Identifier: GPL-3.0-or-later
"""Scenes of files in a session, at both ends."""

from __future__ import annotations

from PySide6.QtWidgets import QWidget

from app.domain.assist import AskState, Phase, Scope, ScopeAsk
from app.domain.session_files import FileStep, FileView
from tests.widgets.scenes_agent import _session
from tests.widgets.screenshots import Scene
from widgets.companion.files import FileFacts, FileQuestion, FileRequest, FilesWindow
from widgets.foundation import Theme
from widgets.remote.session_window import SessionWindow

__all__ = ["SCENES"]

WHO = ("김지우", "한빛전산 고객지원")
FOLDER = "/home/minseo/Downloads/Deskside/4182"
MIB = 1 << 20


def _question(theme: Theme, facts: FileFacts | None = None) -> FileQuestion:
    clock = [0]
    facts = facts or FileFacts("AC-100 펌웨어 안내서.pdf", 3 * MIB, FOLDER)
    window = FileQuestion(theme, WHO, facts, 112_000, lambda: clock[0])
    clock[0] = 2_000
    window._count()
    return window


def _program(theme: Theme) -> QWidget:
    window = _question(theme, FileFacts("driver-setup.pdf.exe", 41 * MIB, FOLDER, program=True, disguise="pdf"))
    window.yes.click()
    return window


def _request(theme: Theme) -> FileRequest:
    clock = [0]
    window = FileRequest(theme, WHO, "오류 기록 파일을 보면 원인을 알 수 있습니다", 112_000, lambda: clock[0])
    clock[0] = 2_000
    window._count()
    return window


def _chosen(theme: Theme) -> QWidget:
    window = _request(theme)
    window.show_file(FileFacts("error-2026-11-23.log", 184_320))
    return window


def _moving(theme: Theme) -> QWidget:
    window = FilesWindow(theme, WHO[0])
    name = "AC-100 펌웨어 안내서.pdf"
    window.show_file(FileView(0, name, 3 * MIB, True, FileStep.MOVING, MIB))
    window.show_file(FileView(1, "error-2026-11-23.log", 184_320, False, FileStep.OVER, 184_320))
    window.show_file(FileView(2, "사진.jpg", MIB, True, FileStep.OVER, MIB, path=f"{FOLDER}/사진.jpg"))
    window.show_file(FileView(3, "기록.zip", 9 * MIB, False, FileStep.OVER, MIB, code="revoked"))
    return window


def _agent(theme: Theme) -> QWidget:
    asks = (
        ScopeAsk(Scope.POINTER, AskState.POSSIBLE),
        ScopeAsk(Scope.FILES_TO_CUSTOMER, AskState.GRANTED),
        ScopeAsk(Scope.FILES_TO_AGENT, AskState.POSSIBLE),
    )
    window = _session(Phase.VERIFIED, asks=asks)(theme)
    assert isinstance(window, SessionWindow)
    window.files.show_file(FileView(0, "AC-100 펌웨어 안내서.pdf", 3 * MIB, True, FileStep.MOVING, 2 * MIB))
    path = "/home/jiwoo/Downloads/Deskside/4182/error.log"
    window.files.show_file(FileView(1, "error.log", 184_320, False, FileStep.OVER, 184_320, path=path))
    return window


SCENES = [
    Scene("companion-file-question", _question, contrast=True),
    Scene("companion-file-program", _program),
    Scene("companion-file-request", _request),
    Scene("companion-file-chosen", _chosen),
    Scene("companion-files-moving", _moving),
    Scene("session-files-moving", _agent),
]
