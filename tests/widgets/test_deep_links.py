# SPDX-License-Identifier: GPL-3.0-or-later
"""`deskside://` links reach the window that is open, and show only what they lead to."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.config.settings import Settings
from app.desktop.hand_over import hand_over, window_socket
from app.desktop.one_instance import OneInstance
from app.domain.ids import TicketId, UserId
from app.domain.links import TicketLink
from app.domain.ports import Identity
from app.entry.agent_app import AgentApp
from app.entry.agent_links import AgentLinks
from widgets.foundation import Theme

TICKET = TicketId(bytes(range(16)))
LINK = TicketLink(TICKET).to_text()


@pytest.fixture
def instance(qapp: QApplication, tmp_path: Path) -> Iterator[OneInstance]:
    made = OneInstance(tmp_path)
    assert made.listen()
    yield made
    made.stop()


def _from_another_start(qtbot: QtBot, folder: Path, link: str) -> bool:
    """As a second process: it blocks, while the window's loop goes on."""
    with ThreadPoolExecutor(1) as other:
        told = other.submit(hand_over, folder, link)
        qtbot.waitUntil(told.done)
        return told.result()


@pytest.mark.ux("UX-72")
def test_a_second_start_hands_its_link_to_the_open_window_and_opens_none(
    qtbot: QtBot, instance: OneInstance, tmp_path: Path
) -> None:
    """By another process, as the desktop does it; with no window open there is nobody to hand it to."""
    heard: list[str] = []
    instance.shown.connect(heard.append)
    script = (
        "import sys; from pathlib import Path; from app.desktop.hand_over import hand_over; "
        "sys.exit(not hand_over(Path(sys.argv[1]), sys.argv[2]))"
    )
    with subprocess.Popen([sys.executable, "-c", script, str(tmp_path), LINK]) as second:
        qtbot.waitUntil(lambda: second.poll() is not None)
    assert second.returncode == 0
    assert heard == [LINK]
    instance.stop()
    assert not hand_over(tmp_path, LINK)


def test_a_second_window_of_one_profile_does_not_listen_and_a_killed_one_leaves_no_lock(
    instance: OneInstance, tmp_path: Path
) -> None:
    """One answers for a profile; the file of one that was killed is taken over."""
    assert not OneInstance(tmp_path).listen()
    instance.stop()
    path = window_socket(tmp_path)
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
    again = OneInstance(tmp_path)
    assert again.listen()
    again.stop()


@pytest.mark.parametrize(
    "words",
    [b"deskside://ticket/1\n", b"[]\n", b'{"deskside": 2, "show": ""}\n', b'{"deskside": 1, "show": 5}\n', b"x" * 9000],
)
def test_what_is_no_message_of_ours_is_hung_up_on(
    qtbot: QtBot, instance: OneInstance, tmp_path: Path, words: bytes
) -> None:
    """No answer, nothing shown, and the next start is heard all the same."""
    heard: list[str] = []
    instance.shown.connect(heard.append)
    with socket.socket(socket.AF_UNIX) as stranger:
        stranger.connect(str(window_socket(tmp_path)))
        stranger.sendall(words)
        stranger.setblocking(False)

        def hung_up() -> bool:
            try:
                return stranger.recv(10) == b""
            except BlockingIOError:
                return False
            except ConnectionResetError:
                return True

        qtbot.waitUntil(hung_up)
    assert heard == []
    assert _from_another_start(qtbot, tmp_path, "")
    assert heard == [""]


def test_a_folder_that_others_may_enter_is_not_listened_in(qapp: QApplication, tmp_path: Path) -> None:
    """Somebody else could put a socket there and be told secrets of invitations."""
    window_socket(tmp_path).parent.mkdir(mode=0o755)
    window_socket(tmp_path).parent.chmod(0o755)
    assert not OneInstance(tmp_path).listen()


@pytest.fixture
def agent(qtbot: QtBot, theme: Theme, qapp: QApplication, tmp_path: Path) -> Iterator[AgentApp]:
    """The agent's program, not signed in yet."""
    made = AgentApp(qapp, theme, Settings(tmp_path / "settings.json"), tmp_path / "agent", "correct horse battery")
    yield made
    made.leave()


def _sign_in(qtbot: QtBot, agent: AgentApp) -> None:
    assert agent.profile is not None
    assert agent.link is not None
    who = Identity(UserId(b"u" * 16), "kim", "김지우", frozenset({"agent"}), b"d" * 16, "K7", "http://127.0.0.1:1")
    agent.profile.commits.save_identity(who)
    agent.link.signed_in.emit(who)
    assert agent.window is not None
    qtbot.waitUntil(agent.window.isVisible)


@pytest.mark.ux("UX-72")
def test_links_of_agents_wait_for_the_window_and_then_only_show(qtbot: QtBot, agent: AgentApp, tmp_path: Path) -> None:
    """A ticket's link, given at the start, shows after the sign-in; one to sign in fills a field, sends nothing."""
    links = AgentLinks(agent)
    assert links.listen(tmp_path / "agent")
    links.take_first(LINK)
    agent.start()
    qtbot.waitUntil(lambda: agent.sign_in is not None and agent.sign_in.isVisible())
    sign_in = agent.sign_in
    assert sign_in is not None
    with qtbot.assertNotEmitted(sign_in.submitted):
        assert _from_another_start(qtbot, tmp_path / "agent", "deskside://enrol/agent/help.example.com")
        assert sign_in.server.text() == "https://help.example.com"
        assert "https://help.example.com" in sign_in.problem.text.text()
        links.show("deskside://enrol/agent/evil.example.net")
    assert sign_in.server.text() == "https://help.example.com"
    links.show(LINK)
    _sign_in(qtbot, agent)
    window, profile = agent.window, agent.profile
    assert window is not None
    assert profile is not None
    qtbot.waitUntil(lambda: window.ticket.empty.text.text() == "This ticket is not on this computer.")
    links.show("deskside://ticket/nonsense")
    links.show("deskside://enrol/agent/evil.example.net")
    assert "changed nothing" in window.toast.text()
    assert profile.queries.outbox() == []
    assert profile.identity is not None
    assert profile.identity.server == "http://127.0.0.1:1"


def test_the_desktop_file_names_the_handler_of_our_links() -> None:
    """What a package installs, and nothing that starts a window by itself."""
    text = Path("resources/packaging/linux/org.deskside.links.desktop").read_text("utf-8")
    lines = dict(line.split("=", 1) for line in text.splitlines() if "=" in line)
    assert lines["Exec"] == "deskside-cli open %u"
    assert lines["MimeType"] == "x-scheme-handler/deskside;"
    assert lines["NoDisplay"] == "true"


def test_what_is_no_link_is_named_without_its_secret(tmp_path: Path) -> None:
    """By the command that the desktop runs; nothing opens."""
    command = [sys.executable, "-m", "app.entry.cli", "open", "deskside://party/1#secret"]
    environment = {**os.environ, "LANGUAGE": "en", "HOME": str(tmp_path)}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 2
    assert "deskside://party/1" in done.stderr
    assert "secret" not in done.stderr
    assert json.dumps(done.stdout) == '""'
