# SPDX-License-Identifier: GPL-3.0-or-later
"""The clients as people start them, with files that cannot be opened and with servers that are none."""

from __future__ import annotations

import contextlib
import datetime as dt
import ipaddress
import socket
import ssl
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.config.i18n import set_language
from app.config.settings import Settings
from app.desktop import keyring_store
from app.domain.links import EnrolLink
from app.entry.agent_app import AgentApp
from app.entry.agent_profile import open_agent_profile
from app.entry.companion_app import CompanionApp
from app.services.messages import problem_text
from app.store.cipher import file_uri, open_raw
from app.store.pending_file import copy_path, pending_path
from tests.fakes import customer_server as fake
from widgets.companion import texts
from widgets.foundation import PlainLabel, Theme

_WORD = "a long enough word"
_WAIT_MS = 60_000


class _Html(BaseHTTPRequestHandler):
    """A page for everybody, as a hotel's network or a printer gives it."""

    def do_POST(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        self._answer()

    def _answer(self) -> None:
        self.rfile.read(int(self.headers.get("content-length", 0)))
        page = b"<html>Welcome to Free Wi-Fi</html>"
        self.send_response(200)
        self.send_header("content-type", "text/html")
        self.send_header("content-length", str(len(page)))
        self.end_headers()
        self.wfile.write(page)

    def log_message(self, *_args: object) -> None:
        """Say nothing."""


class _Quiet(ThreadingHTTPServer):
    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hangs up is what these tests are about."""


def _self_signed(folder: Path) -> Path:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = dt.datetime.now(dt.UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(now - dt.timedelta(days=1)).not_valid_after(now + dt.timedelta(days=1))
    san = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    certificate = builder.add_extension(san, critical=False).sign(key, hashes.SHA256())
    pem = folder / "self-signed.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    pem.write_bytes(private + certificate.public_bytes(serialization.Encoding.PEM))
    return pem


@contextlib.contextmanager
def _serving(pem: Path | None = None) -> Iterator[str]:
    server = _Quiet(("127.0.0.1", 0), _Html)
    if pem is not None:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(pem)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=lambda: server.serve_forever(0.02))
    thread.start()
    try:
        yield f"{'https' if pem else 'http'}://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join(10)
        server.server_close()


@pytest.fixture(autouse=True)
def _cheap_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keyring_store, "_MEMORY_KIB", 1024)  # the real cost is proved where the file is tested
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)


@contextlib.contextmanager
def _agent(theme: Theme, folder: Path, word: str = _WORD) -> Iterator[AgentApp]:
    qt = QApplication.instance()
    assert isinstance(qt, QApplication)
    agent = AgentApp(qt, theme, Settings.load(folder / "settings.json"), folder / "agent", word)
    agent.start()
    try:
        yield agent
    finally:
        agent.leave()


def _try(agent: AgentApp, qtbot: QtBot, server: str, code: str) -> None:
    window = agent.sign_in
    assert window is not None
    window.server.setText(server)
    window.login.setText("agent1")
    window.password.setText("a password")
    window.submit.click()
    wanted = problem_text(code, {"server": server.partition("://")[2]})
    qtbot.waitUntil(lambda: window.problem.text.text() == wanted, timeout=_WAIT_MS)
    assert window.submit.isEnabled()
    assert (window.login.text(), window.password.text()) == ("agent1", "a password")


@pytest.mark.parametrize("language", ["en", "ko"])
def test_a_certificate_that_nobody_vouches_for_is_said_and_nothing_is_sent(
    theme: Theme, tmp_path: Path, qtbot: QtBot, language: str
) -> None:
    """Signing in at a self-signed server, at one that answers HTML, at nobody: each in its words."""
    set_language("ko" if language == "ko" else "en")
    with _agent(theme, tmp_path) as agent, _serving(_self_signed(tmp_path)) as secure, _serving() as page:
        qtbot.waitUntil(lambda: agent.sign_in is not None, timeout=_WAIT_MS)
        _try(agent, qtbot, secure, "tls_failure")
        _try(agent, qtbot, page, "wrong_server")
        with socket.create_server(("127.0.0.1", 0)) as free:
            nobody = f"http://127.0.0.1:{free.getsockname()[1]}"
        _try(agent, qtbot, nobody, "server_unreachable")


def test_a_companion_tells_a_certificate_that_nobody_vouches_for(theme: Theme, tmp_path: Path, qtbot: QtBot) -> None:
    """Enrolling at a real self-signed server: told as such, the link stays in its field."""
    qt = QApplication.instance()
    assert isinstance(qt, QApplication)
    with _serving(_self_signed(tmp_path)) as url:
        link = EnrolLink(url, fake.CODE).to_text()
        companion = CompanionApp(qt, theme, tmp_path / "profile", passphrase=_WORD, enrol_link=link)
        try:
            companion.start()
            wanted = texts.trouble("tls_failure", server=url)
            qtbot.waitUntil(
                lambda: companion.enrol is not None and companion.enrol.problem.text.text() == wanted, timeout=_WAIT_MS
            )
            assert companion.enrol is not None
            assert companion.enrol.link.text() == link
        finally:
            companion.leave()


@pytest.mark.parametrize("language", ["en", "ko"])
@pytest.mark.parametrize("harm", ["passphrase", "wrong_key", "newer", "damaged", "folder"])
def test_a_profile_that_cannot_be_opened_stops_the_start_with_a_sentence(
    theme: Theme, tmp_path: Path, qtbot: QtBot, harm: str, language: str
) -> None:
    """Wrong passphrase or key, newer, damaged without a copy, no folder: said in both languages, no byte changes."""
    set_language("ko" if language == "ko" else "en")
    folder = tmp_path / "agent"
    if harm == "folder":
        folder.write_text("no folder")
    else:
        opened = open_agent_profile(folder, _WORD)
        key = opened.profile.key
        opened.profile.close()
        _spoil(folder, harm, key)
    before = {p.name: p.read_bytes() for p in folder.iterdir() if p.is_file()} if folder.is_dir() else {}
    code = {
        "passphrase": "wrong_passphrase", "wrong_key": "store_wrong_key", "newer": "store_too_new",
        "damaged": "store_damaged_no_copy", "folder": "store_unavailable",
    }[harm]  # fmt: skip
    with _agent(theme, tmp_path, "another long word" if harm == "passphrase" else _WORD) as agent:
        qtbot.waitUntil(lambda: agent.problem is not None, timeout=_WAIT_MS)
        assert agent.problem is not None
        said = [label.text() for label in agent.problem.findChildren(PlainLabel)]
        assert problem_text(code, {"path": str(pending_path(folder))}) in said
        assert code not in " ".join(said)  # a bare code is no sentence
        assert (agent.window, agent.profile) == (None, None)
    assert {name: raw for name, raw in before.items() if (folder / name).read_bytes() != raw} == {}


def test_what_is_typed_is_copied_aside_while_the_window_is_open(theme: Theme, tmp_path: Path, qtbot: QtBot) -> None:
    """Every few minutes, in the background, also without a connection."""
    with _agent(theme, tmp_path) as agent:
        qtbot.waitUntil(lambda: agent.profile is not None, timeout=_WAIT_MS)
        profile = agent.profile
        assert profile is not None
        assert agent.copies.isActive()
        assert agent.copies.interval() <= 5 * 60_000
        profile.commits.save_ui_state("typed", "a word")

        def copied() -> bool:
            raw = open_raw(file_uri(copy_path(profile.folder), "rw"), profile.key)
            try:
                return bool(raw.execute("SELECT 1 FROM ui_state WHERE v = 'a word'").fetchone())
            finally:
                raw.close()

        assert not copied()
        agent.copies.timeout.emit()
        qtbot.waitUntil(copied, timeout=_WAIT_MS)


def _spoil(folder: Path, harm: str, key: bytes) -> None:
    path = pending_path(folder)
    if harm == "newer":
        raw = open_raw(file_uri(path, "rw"), key)
        raw.execute("PRAGMA user_version=99")
        raw.close()
    elif harm == "wrong_key":
        keyring_store.open_secrets(folder, "", _WORD).put("database_key", b"x" * 32)
    elif harm == "damaged":
        copy_path(folder).unlink(missing_ok=True)
        path.write_bytes(b"\0" * path.stat().st_size)
