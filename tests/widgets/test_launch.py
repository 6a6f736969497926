# SPDX-License-Identifier: GPL-3.0-or-later
"""Foreign programs: started cleanly, for web and mail only, and a missing one is told."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from PySide6.QtDBus import QDBusConnection
from pytestqt.qtbot import QtBot

from app.desktop.launch import LinkOpener, NoProgramForLink, clean_environment, is_allowed, start_detached
from app.domain.errors import WorldError
from tests.fakes.wait import wait_until

# a test must not open a browser on the desktop it runs on
NO_BUS = QDBusConnection("not connected")


def test_a_browser_gets_the_users_environment_not_ours() -> None:
    """Libraries and plugins of the bundle would break the browser of the distribution."""
    ours = {
        "LD_LIBRARY_PATH": "/opt/deskside/_internal",
        "LD_LIBRARY_PATH_ORIG": "/home/kim/lib",
        "QT_PLUGIN_PATH": "/opt/deskside/plugins",
        "_PYI_ARCHIVE_FILE": "x",
        "LANG": "ko_KR.UTF-8",
    }
    assert clean_environment(ours) == {"LD_LIBRARY_PATH": "/home/kim/lib", "LANG": "ko_KR.UTF-8"}


def test_a_frozen_build_without_an_original_path_leaves_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """The bundle's own path never reaches others."""
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    assert clean_environment({"LD_LIBRARY_PATH": "/opt/deskside/_internal"}) == {}


@pytest.mark.ux("UX-33")
@pytest.mark.parametrize(
    ("url", "allowed"),
    [
        ("https://desk.test/a", True),
        ("HTTP://desk.test", True),
        ("mailto:kim@desk.test", True),
        ("file:///etc/passwd", False),
        ("javascript:alert(1)", False),
        ("--help", False),
        ("https://desk.test/\na", False),
        ("smb://desk.test", False),
    ],
)
def test_only_web_and_mail_links_open(url: str, allowed: bool) -> None:
    """A link in a ticket cannot start anything else."""
    assert is_allowed(url) is allowed


def test_a_link_is_handed_to_the_desktops_opener(qtbot: QtBot) -> None:
    """Without a portal the opener of the desktop is used, and a forbidden link never reaches it."""
    started: list[list[str]] = []
    failures: list[WorldError] = []
    opener = LinkOpener(failures.append, started.append, NO_BUS)
    assert not opener.open("file:///etc/passwd")
    assert opener.open("https://desk.test/a")
    qtbot.waitUntil(lambda: bool(started))
    assert started == [["xdg-open", "https://desk.test/a"]]
    assert failures == []


def test_a_desktop_without_opener_is_told(qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> None:
    """A click on a link never does nothing in silence."""
    monkeypatch.setenv("PATH", "/nowhere")
    failures: list[WorldError] = []
    LinkOpener(failures.append, bus=NO_BUS).open("https://desk.test/a")
    qtbot.waitUntil(lambda: bool(failures))
    assert failures[0].code == NoProgramForLink.code


def test_a_started_program_sees_a_clean_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The real start, with a program that writes down what it was given."""
    monkeypatch.setenv("QT_PLUGIN_PATH", "/x")
    seen = tmp_path / "seen.json"
    code = f"import json, os; open({str(tmp_path / 'part')!r}, 'w').write(json.dumps(dict(os.environ)));"
    start_detached([sys.executable, "-c", code + f"os.rename({str(tmp_path / 'part')!r}, {str(seen)!r})"])
    wait_until(seen.exists, 10)
    assert "QT_PLUGIN_PATH" not in json.loads(seen.read_text("utf-8"))
