# SPDX-License-Identifier: GPL-3.0-or-later
"""The companion as a whole, against a server on a real socket, with real files, threads and session children."""

from __future__ import annotations

import json
import secrets
import ssl
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import httpx
import msgspec
import psutil
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from msgspec import structs
from PySide6.QtCore import QObject, QRect, Qt, QTimer
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from app.config.i18n import set_language
from app.config.policy import Policy
from app.desktop import keyring_store
from app.desktop.companion_store import SessionEntryRow
from app.domain.assist import EndReason, Phase, Scope, TargetChoice
from app.domain.certificate import AgentCertificate, RevocationList, build_certificate, build_revocations
from app.domain.documents import SignedDocument
from app.domain.enrolment_file import enrolment_file
from app.domain.errors import StoreUnavailable, TlsFailure, WrongServer
from app.domain.invitation import claims
from app.domain.links import EnrolLink, InviteLink
from app.domain.signed import b64, sign, unb64
from app.entry import companion_invitations, companion_session
from app.entry.companion_app import CompanionApp, RealClock
from app.entry.companion_session import CustomerSession
from app.entry.session_parts import make_session_host
from remote_assist import actions as act
from remote_assist.agent_end import AgentEnd, AgentIdentity, InviteRequest
from remote_assist.child_protocol import Stats
from sync import customer_client as net
from sync import protocol as live
from sync.customer_api import CustomerApi, map_failure
from sync.customer_protocol import SessionEntry
from sync.session_protocol import Revocations
from tests.fakes import customer_server as fake
from tests.fakes.customer_server import CustomerServer
from tests.fakes.wait import wait_until
from widgets.companion import texts
from widgets.companion.change import ChangeWindow
from widgets.companion.request import RequestWindow
from widgets.foundation import PlainLabel, Theme

_WAIT_MS = 40_000
_WORD = "a long enough word"


@pytest.fixture
def server() -> Iterator[CustomerServer]:
    running = CustomerServer().start()
    yield running
    running.stop()


Make = Callable[..., CompanionApp]


@pytest.fixture
def make(theme: Theme, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Make]:
    """Make companions on the same folder; all are left at the end."""
    monkeypatch.delenv("DISPLAY", raising=False)  # the session child then offers the drawn picture
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    monkeypatch.setattr(keyring_store, "_MEMORY_KIB", 1024)  # the real cost is proved where the file is tested
    made: list[CompanionApp] = []

    def build(
        link: str = "",
        word: str = _WORD,
        policy: dict[str, object] | None = None,
        files: Sequence[Path] = (),
        minimised: bool = False,
    ) -> CompanionApp:
        app = QApplication.instance()
        assert isinstance(app, QApplication)
        companion = CompanionApp(
            app, theme, tmp_path / "profile", passphrase=word, enrol_link=link,
            policy=lambda: Policy(policy or {}), enrolment_files=files, minimised=minimised,
        )  # fmt: skip
        made.append(companion)
        companion.start()
        return companion

    yield build
    for companion in made:
        companion.leave()


def _enrol(make: Make, server: CustomerServer, qtbot: QtBot) -> CompanionApp:
    companion = make(EnrolLink(server.url, fake.CODE).to_text())
    qtbot.waitUntil(lambda: companion.enrol is not None and companion.enrol.page() == "confirm", timeout=_WAIT_MS)
    assert companion.enrol is not None
    companion.enrol.yes.click()
    qtbot.waitUntil(lambda: companion.home is not None and companion.home.shown is not None, timeout=_WAIT_MS)
    return companion


# --- enrolment -------------------------------------------------------------------------------------------------------


def test_enrolling_shows_the_organisation_first_and_then_home(make: Make, server: CustomerServer, qtbot: QtBot) -> None:
    """The code is used up only after the person's yes; then contact and serial are there."""
    companion = make(EnrolLink(server.url, fake.CODE).to_text())
    qtbot.waitUntil(lambda: companion.enrol is not None and companion.enrol.page() == "confirm", timeout=_WAIT_MS)
    assert not server.code_used
    assert companion.enrol is not None
    companion.enrol.yes.click()
    qtbot.waitUntil(lambda: companion.home is not None and companion.home.shown is not None, timeout=_WAIT_MS)
    assert companion.home is not None
    assert companion.home.shown is not None
    assert companion.home.shown.phone == "02-555-0100"
    assert companion.home.shown.assets[0].serial == "88-1032"


def _named(server: CustomerServer, tmp_path: Path, key: Ed25519PrivateKey | None = None) -> Path:
    """An enrolment file for this server, which names its key or another one."""
    public = (key or server.key).public_key().public_bytes_raw()
    path = tmp_path / "deskside-enrolment.json"
    path.write_bytes(enrolment_file(EnrolLink(server.url, fake.CODE), public))
    path.chmod(0o600)
    return path


def test_a_file_beside_the_program_enrols_after_one_press_and_says_that_it_named_the_key(
    make: Make, server: CustomerServer, qtbot: QtBot, tmp_path: Path
) -> None:
    """Nobody types a link or compares signs; still nothing is connected before the press."""
    companion = make(files=[tmp_path / "not-there.json", _named(server, tmp_path)])
    qtbot.waitUntil(lambda: companion.enrol is not None and companion.enrol.page() == "confirm", timeout=_WAIT_MS)
    assert companion.enrol is not None
    assert not server.code_used
    assert any("file that came with the program names this organisation" in text for text in _labels(companion.enrol))
    assert companion.enrol.yes.text() == "Connect"
    companion.enrol.yes.click()
    qtbot.waitUntil(lambda: companion.home is not None, timeout=_WAIT_MS)
    assert companion.enrolment is not None
    assert companion.enrolment.origin == "file"


def test_a_server_with_another_key_than_the_file_names_is_not_connected(
    make: Make, server: CustomerServer, qtbot: QtBot, tmp_path: Path
) -> None:
    """No press is offered; the person reads what to do."""
    companion = make(files=[_named(server, tmp_path, Ed25519PrivateKey.generate())])
    problem = texts.trouble("enrol_other_key", server=server.url)
    qtbot.waitUntil(
        lambda: companion.enrol is not None and companion.enrol.problem.text.text() == problem, timeout=_WAIT_MS
    )
    assert companion.enrol is not None
    assert companion.enrol.page() == "link"
    assert not server.code_used


def test_started_at_sign_in_home_waits_in_the_task_bar(make: Make, server: CustomerServer, qtbot: QtBot) -> None:
    """Nobody asked to see it; whoever enrols just then does."""
    first = _enrol(make, server, qtbot)
    assert first.home is not None
    assert not first.home.isMinimized()
    first.leave()
    again = make(minimised=True)
    qtbot.waitUntil(lambda: again.home is not None and again.home.isMinimized(), timeout=_WAIT_MS)


def test_policy_wins_over_a_link_and_lets_this_computer_belong_to_no_other_server(
    make: Make, server: CustomerServer, qtbot: QtBot
) -> None:
    """A link elsewhere is not even asked about; a code alone is enough for the server that policy names."""
    elsewhere = EnrolLink("https://other.example", fake.CODE).to_text()
    fixed: dict[str, object] = {"enrolment.server": server.url, "enrolment.key": server.organisation.org_key}
    companion = make(elsewhere, policy=fixed)
    problem = texts.trouble("enrol_fixed", server=server.url)
    qtbot.waitUntil(
        lambda: companion.enrol is not None and companion.enrol.problem.text.text() == problem, timeout=_WAIT_MS
    )
    assert companion.enrol is not None
    companion.enrol.link.setText(f"{fake.CODE[:3]} {fake.CODE[3:6]} {fake.CODE[6:]}")
    companion.enrol.next.click()
    qtbot.waitUntil(lambda: companion.enrol is not None and companion.enrol.page() == "confirm", timeout=_WAIT_MS)
    assert any("Policy on this computer names this organisation" in text for text in _labels(companion.enrol))
    companion.enrol.yes.click()
    qtbot.waitUntil(lambda: companion.home is not None, timeout=_WAIT_MS)
    assert companion.enrolment is not None
    assert companion.enrolment.origin == "policy"


def test_a_policy_that_nobody_can_read_connects_this_computer_with_nobody(
    make: Make, server: CustomerServer, qtbot: QtBot
) -> None:
    """What was to be locked is not opened by a slip of the pen."""
    companion = make(policy={"enrolment.server": server.url, "enrolment.key": "no key"})
    problem = texts.trouble("enrol_policy_broken")
    qtbot.waitUntil(
        lambda: companion.enrol is not None and companion.enrol.problem.text.text() == problem, timeout=_WAIT_MS
    )
    assert companion.enrol is not None
    companion.enrol.link.setText(EnrolLink(server.url, fake.CODE).to_text())
    companion.enrol.next.click()
    assert companion.enrol.problem.text.text() == problem
    assert server.called == []


@pytest.mark.ux("UX-72")
def test_links_that_reach_the_open_companion_show_and_neither_enrol_nor_allow(
    make: Make, server: CustomerServer, qtbot: QtBot
) -> None:
    """An invitation waits until the computer is enrolled, then for a press; another enrolment changes nothing."""
    invite = InviteLink(b"i" * 16, b"s" * 32).to_text()
    other = EnrolLink("https://other.example.com", "b" * 32).to_text()
    companion = make(EnrolLink(server.url, fake.CODE).to_text())
    qtbot.waitUntil(lambda: companion.enrol is not None and companion.enrol.page() == "confirm", timeout=_WAIT_MS)
    assert companion.enrol is not None
    companion.show_link(other)
    assert companion.enrol.page() == "confirm"
    companion.show_link(invite)
    assert not server.code_used
    companion.enrol.yes.click()
    qtbot.waitUntil(lambda: companion.home is not None and companion.home.shown is not None, timeout=_WAIT_MS)
    window = companion.invitations.code
    assert window is not None
    assert window.isVisible()
    assert window.code.text() == invite
    assert companion.session is None
    companion.show_link(other)
    assert companion.home is not None
    assert "changed nothing" in companion.home.notice.text.text()
    companion.show_link("deskside://nonsense")
    companion.show_link("")
    assert companion.home.isVisible()


def test_a_second_start_needs_no_server_to_show_home(make: Make, server: CustomerServer, qtbot: QtBot) -> None:
    """Contact, serial and tickets are readable offline, with their age."""
    _enrol(make, server, qtbot).leave()
    server.stop()
    again = make()
    qtbot.waitUntil(lambda: again.home is not None and again.home.shown is not None, timeout=_WAIT_MS)
    assert again.home is not None
    home = again.home
    qtbot.waitUntil(lambda: home.status.text().startswith("Offline since"), timeout=_WAIT_MS)
    assert "What you see is from" in home.status.text()


@pytest.mark.parametrize("language", ["en", "ko"])
@pytest.mark.parametrize(
    ("prepare", "code"),
    [
        (lambda s: setattr(s, "code_used", True), "code_used"),
        (lambda s: setattr(s, "problem", (429, "blocked")), "blocked"),
        (lambda s: setattr(s, "foreign", True), "wrong_server"),
        (lambda s: s.stop(), "server_unreachable"),
    ],
    ids=["used", "blocked", "foreign", "down"],
)
def test_an_enrolment_that_fails_says_what_is_safe_and_what_to_do(
    make: Make,
    server: CustomerServer,
    qtbot: QtBot,
    prepare: Callable[[CustomerServer], None],
    code: str,
    language: str,
) -> None:
    """Used, expired, blocked, another program answering, nobody answering: a sentence under the field, text kept."""
    set_language("ko" if language == "ko" else "en")
    prepare(server)
    link = EnrolLink(server.url, fake.CODE).to_text()
    companion = make(link)
    wanted = texts.trouble(code, server=server.url)
    qtbot.waitUntil(
        lambda: companion.enrol is not None and companion.enrol.problem.text.text() == wanted, timeout=_WAIT_MS
    )
    assert companion.enrol is not None
    assert companion.enrol.page() == "link"
    assert companion.enrol.link.text() == link


@pytest.mark.parametrize(
    ("link", "code"), [("hello", "bad_link"), (EnrolLink("http://help.example", fake.CODE).to_text(), "insecure_link")]
)
def test_a_wrong_or_unencrypted_link_is_not_used(make: Make, qtbot: QtBot, link: str, code: str) -> None:
    """No request leaves this computer."""
    companion = make(link)
    qtbot.waitUntil(
        lambda: companion.enrol is not None and companion.enrol.problem.text.text() == texts.trouble(code),
        timeout=_WAIT_MS,
    )


def test_a_key_that_is_not_the_one_shown_is_not_pinned(make: Make, server: CustomerServer, qtbot: QtBot) -> None:
    """Who swaps the key between look and yes gets nothing."""
    companion = make(EnrolLink(server.url, fake.CODE).to_text())
    qtbot.waitUntil(lambda: companion.enrol is not None and companion.enrol.page() == "confirm", timeout=_WAIT_MS)
    server.key = Ed25519PrivateKey.generate()
    assert companion.enrol is not None
    companion.enrol.yes.click()
    window = companion.enrol
    qtbot.waitUntil(lambda: window.problem.text.text() == texts.trouble("key_changed"), timeout=_WAIT_MS)
    assert companion.home is None


async def test_a_certificate_that_is_not_accepted_is_told_as_such() -> None:
    """A TLS failure is not called "no answer": the person must not go on."""

    def refuse(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("x", request=request) from ssl.SSLCertVerificationError("bad")

    api = CustomerApi("https://help.example", httpx.MockTransport(refuse))
    with pytest.raises(TlsFailure):
        await api.organisation("1")
    await api.close()
    assert map_failure(OSError(), "s").code == "server_unreachable"


# --- start -----------------------------------------------------------------------------------------------------------


def test_a_damaged_file_is_told_and_enrolment_begins_anew(
    make: Make, server: CustomerServer, qtbot: QtBot, tmp_path: Path
) -> None:
    """The file is set aside under another name, nothing is deleted."""
    _enrol(make, server, qtbot).leave()
    path = tmp_path / "profile" / "companion.db"
    raw = bytearray(path.read_bytes())
    raw[200:400] = bytes(200)
    path.write_bytes(raw)
    again = make()
    qtbot.waitUntil(lambda: again.enrol is not None, timeout=_WAIT_MS)
    kept = next((tmp_path / "profile").glob("companion.broken-*.db"))
    assert again.enrol is not None
    assert kept.name in again.enrol.problem.text.text()
    assert kept.read_bytes() == bytes(raw)


def test_a_wrong_passphrase_stops_the_start_and_changes_nothing(
    make: Make, server: CustomerServer, qtbot: QtBot
) -> None:
    """The message says so; the right one opens everything."""
    _enrol(make, server, qtbot).leave()
    wrong = make(word="another long word")
    qtbot.waitUntil(lambda: wrong.problem is not None, timeout=_WAIT_MS)
    assert wrong.problem is not None
    wrong.problem.safe.click()
    right = make()
    qtbot.waitUntil(lambda: right.home is not None, timeout=_WAIT_MS)


def test_a_companion_that_runs_already_is_told(make: Make, server: CustomerServer, qtbot: QtBot) -> None:
    """Two windows never write the same file."""
    _enrol(make, server, qtbot)
    second = make()
    qtbot.waitUntil(lambda: second.problem is not None, timeout=_WAIT_MS)
    assert second.problem is not None
    assert texts.trouble("store_in_use") in _labels(second.problem)
    second.problem.safe.click()


# --- writing ---------------------------------------------------------------------------------------------------------


def test_a_request_written_offline_survives_a_restart_and_is_sent_once(
    make: Make, server: CustomerServer, qtbot: QtBot
) -> None:
    """It is shown as waiting, and as sent only when the server has it."""
    companion = _enrol(make, server, qtbot)
    server.problem = (503, "busy")
    companion.writing.ask_for_help()
    assert companion.writing.ask is not None
    companion.writing.ask.subject.setText("New paper tray")
    companion.writing.ask.text.setPlainText("Please send one.")
    companion.writing.ask.send.click()
    home = companion.home
    assert home is not None
    qtbot.waitUntil(lambda: any(r.subject == "New paper tray" for r in home._requests), timeout=_WAIT_MS)
    assert home._requests[0].state == "waiting"
    companion.leave()
    assert server.posted == []
    server.problem = None
    again = make()
    qtbot.waitUntil(lambda: [path for path, _body in server.posted] == ["request"], timeout=_WAIT_MS)
    body = server.posted[0][1]
    assert (body["subject"], body["body"]) == ("New paper tray", "Please send one.")
    qtbot.waitUntil(
        lambda: (
            again.home is not None
            and again.home.shown is not None
            and any(t.subject == "New paper tray" for t in again.home.shown.tickets)
        ),
        timeout=_WAIT_MS,
    )
    again.leave()
    assert len(server.posted) == 1


def test_a_companion_whose_enrolment_ended_is_told_and_keeps_what_was_written(
    make: Make, server: CustomerServer, qtbot: QtBot
) -> None:
    """The server says no for good: a sentence above everything, no loss."""
    companion = _enrol(make, server, qtbot)
    server.pubkey = bytes(32)
    assert companion.client is not None
    companion.client._token_until = 0
    companion.client.poke()
    home = companion.home
    assert home is not None
    qtbot.waitUntil(lambda: home.notice.text.text() == texts.trouble("companion_revoked"), timeout=_WAIT_MS)


@pytest.mark.parametrize("language", ["en", "ko"])
def test_another_organisations_server_at_the_same_address_is_not_told_anything(
    make: Make, server: CustomerServer, qtbot: QtBot, language: str
) -> None:
    """It is named as what it is, no end of the enrolment; it sees neither sign-in nor request, and nothing is lost."""
    set_language("ko" if language == "ko" else "en")
    companion = _enrol(make, server, qtbot)
    server.key, server.pubkey = Ed25519PrivateKey.generate(), bytes(32)
    server.called.clear()
    companion.writing.write_request("New paper tray", "Please send one.", "")
    home = companion.home
    assert home is not None
    wanted = texts.trouble("wrong_server", server=server.url)
    assert wanted != texts.trouble("companion_revoked")
    qtbot.waitUntil(lambda: home.notice.text.text() == wanted, timeout=_WAIT_MS)
    companion.leave()
    again = make()
    qtbot.waitUntil(lambda: again.home is not None and again.home.notice.text.text() == wanted, timeout=_WAIT_MS)
    assert again.home is not None
    assert [request.subject for request in again.home._requests] == ["New paper tray"]
    asked = server.called.index("identity")  # what was under way before it became another's server counts for nothing
    assert set(server.called[asked:]) == {"identity", "keys"}  # who vouches for its key: asked without a word of ours


@pytest.mark.parametrize("claim", ["own", "pinned", "nonsense"])
async def test_a_server_that_only_shows_the_pinned_key_is_not_believed(claim: str) -> None:
    """The key is public: what counts is the signature over this moment's number."""
    pinned, other = (Ed25519PrivateKey.generate() for _ in range(2))
    shown = b64((other if claim == "own" else pinned).public_key().public_bytes_raw())
    signature = "?" if claim == "nonsense" else b64(sign(other, "deskside-server-1", bytes(32)))
    answer = httpx.Response(200, json={"org_key": shown, "signature": signature})
    api = CustomerApi("https://help.example", httpx.MockTransport(lambda _request: answer))
    with pytest.raises(WrongServer):
        await api.identify(pinned.public_key().public_bytes_raw())
    await api.close()


# --- a session -------------------------------------------------------------------------------------------------------


class _Agent(QObject):
    """The other end: a real agent end with its own session child, joined through the server's relay."""

    def __init__(self, server: CustomerServer) -> None:
        super().__init__()
        self.server = server
        device = Ed25519PrivateKey.generate()
        now = time.time_ns() // 1_000_000
        certificate = AgentCertificate(
            fake.ORG_ID, "s1", "a1", "Kim Jiwoo", "Team 1", device.public_key().public_bytes_raw(),
            now - 1000, now + 3_600_000, ("view", "pointer", "clipboard.to_customer", "clipboard.to_agent"),
        )  # fmt: skip
        signed = build_certificate(server.key, certificate)
        organisation = server.key.public_key().public_bytes_raw()
        self.end = AgentEnd(AgentIdentity(device, signed, organisation), RealClock())
        self.host = make_session_host("agent", self)
        self.host.message.connect(self._from_child)
        self.host.frame_ready.connect(self.host.latest)
        self.host.died.connect(lambda _status: self.do(self.end.on_child_died()))
        self.number = ""
        self.texts: list[str] = []
        self.said: list[str] = []
        self.frames = 0.0
        self.invites: list[live.Invite] = []
        self._inbox: list[bytes] = []
        server.on_sig = lambda sig: self._inbox.append(sig.data)
        self._timer = QTimer(self, interval=20)
        self._timer.timeout.connect(self._turn)
        self._timer.start()

    def invite(self, ticket: str = fake.TICKET) -> None:
        self.do(self.end.invite(InviteRequest(ticket, "4182", "Printer stops", fake.CUSTOMER, "p***@example.com")))

    def do(self, actions: list[act.Action]) -> None:
        for action in actions:
            match action:
                case act.SendEnvelope():
                    self.server.push(live.Sig(session=action.sid, to=action.to, n=action.n, data=action.data))
                case act.StartChild():
                    self.host.start()
                case act.ToChild():
                    self.host.send(action.message)
                case act.KillChild():
                    self.host.kill()
                case act.SasNumber():
                    self.number = action.number
                case act.ClipArrived():
                    self.texts.append(action.text)
                case act.ChatChanged():
                    self.said = [line.text for line in action.lines]
                case act.CallServer() if action.path.endswith("invitations"):
                    self._register(action)
                case _:
                    pass

    def _register(self, call: act.CallServer) -> None:
        signed = SignedDocument.from_parts(str(call.body["invitation"]), str(call.body["signature"]))
        invite = live.Invite(
            iid=secrets.token_bytes(16),
            invitation=signed.document,
            signature=signed.signature,
            join_secret=unb64(str(call.body["join_secret"])),
        )
        self.invites.append(invite)
        self.server.push(invite)
        self.do(self.end.on_server_result(call.call_id, 200, b'{"link":"l","code":null,"pushed":true}'))

    def _turn(self) -> None:
        inbox, self._inbox = self._inbox, []
        for data in inbox:
            self.do(self.end.on_envelope(data))
        self.do(self.end.tick())

    def _from_child(self, message: object) -> None:
        if isinstance(message, Stats):
            self.frames = message.values.get("frames_received", self.frames)
        self.do(self.end.on_child(message))  # type: ignore[arg-type]  # the link decoded it

    def close(self) -> None:
        self._timer.stop()
        self.host.shut_down()


@pytest.fixture
def agent(server: CustomerServer, qapp: QApplication) -> Iterator[_Agent]:
    made = _Agent(server)
    yield made
    made.close()


def _prompted(companion: CompanionApp, agent: _Agent, qtbot: QtBot) -> RequestWindow:
    """Bring the companion to its request window with a preview, past the warning of the first use."""
    companion.invitations.scam_read = True
    qtbot.waitUntil(
        lambda: companion.invitations.revocations is not None and bool(agent.server.sockets), timeout=_WAIT_MS
    )
    agent.invite()
    qtbot.waitUntil(lambda: companion.session is not None and companion.session.request is not None, timeout=_WAIT_MS)
    assert companion.session is not None
    request = companion.session.request
    assert request is not None
    qtbot.waitUntil(request.yes.isEnabled, timeout=_WAIT_MS)
    return request


def _refuse_a_second_viewer(companion: CompanionApp, session: CustomerSession, agent: _Agent) -> None:
    """A colleague invites the same customer: what the first agent says next, the Companion hears after that."""
    first = agent.server.on_sig
    colleague = _Agent(agent.server)
    agent.server.on_sig = first
    colleague.invite()
    colleague.close()
    agent.server.push(live.SessionEnded(session=colleague.end.sid, reason="cancelled"))
    assert companion.session is session


def _allow_and_take_back(session: CustomerSession, agent: _Agent, qtbot: QtBot) -> None:
    """The agent asks to point, the customer says yes, and takes it back from the bar."""
    bar = session.bar
    assert bar is not None
    agent.do(agent.end.request(Scope.POINTER, "to show the button"))
    qtbot.waitUntil(lambda: Scope.POINTER in session.more.questions, timeout=_WAIT_MS)
    question = session.more.questions[Scope.POINTER]
    assert question.isVisible()
    assert "Kim Jiwoo writes: “to show the button”" in _labels(question)
    qtbot.waitUntil(question.yes.isEnabled, timeout=_WAIT_MS)
    question.yes.click()
    assert session.more.questions == {}
    assert list(bar.given) == [Scope.POINTER]
    qtbot.waitUntil(lambda: Scope.POINTER in agent.end.view.grants, timeout=_WAIT_MS)
    bar.given[Scope.POINTER].click()
    assert bar.given == {}
    qtbot.waitUntil(lambda: agent.end.view.grants == (Scope.VIEW,), timeout=_WAIT_MS)


def _give_texts_and_write(session: CustomerSession, agent: _Agent, qtbot: QtBot) -> None:
    """A long text to the customer, a short one back, and a word in the chat, over the real connection."""
    text = "가나다 " * 20_000
    agent.do(agent.end.offer_clip(text))
    qtbot.waitUntil(lambda: Scope.CLIPBOARD_TO_CUSTOMER in session.more.questions, timeout=_WAIT_MS)
    question = session.more.questions[Scope.CLIPBOARD_TO_CUSTOMER]
    qtbot.waitUntil(question.yes.isEnabled, timeout=_WAIT_MS)
    question.yes.click()
    qtbot.waitUntil(lambda: session.talk.shown is not None, timeout=_WAIT_MS)
    assert QGuiApplication.clipboard().text() == text
    QGuiApplication.clipboard().setText("7K-4410")
    agent.do(agent.end.request(Scope.CLIPBOARD_TO_AGENT))
    qtbot.waitUntil(lambda: Scope.CLIPBOARD_TO_AGENT in session.more.questions, timeout=_WAIT_MS)
    asked = session.more.questions[Scope.CLIPBOARD_TO_AGENT]
    assert agent.texts == []
    qtbot.waitUntil(asked.yes.isEnabled, timeout=_WAIT_MS)
    asked.yes.click()
    qtbot.waitUntil(lambda: agent.texts == ["7K-4410"], timeout=_WAIT_MS)
    qtbot.waitUntil(lambda: agent.end.view.grants == (Scope.VIEW,), timeout=_WAIT_MS)
    agent.do(agent.end.say_chat("thank you"))
    qtbot.waitUntil(lambda: session.talk.chat is not None and session.talk.chat.isVisible(), timeout=_WAIT_MS)
    assert session.talk.chat is not None
    QTest.keyClicks(session.talk.chat.panel.text, "bye")
    QTest.keyClick(session.talk.chat.panel.text, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: agent.said == ["thank you", "bye"], timeout=_WAIT_MS)


def _hide_a_part(session: CustomerSession, qtbot: QtBot) -> None:
    """From the bar, in the picture as it is sent."""
    bar, keeping = session.bar, session.keeping
    assert bar is not None
    bar.masks.click()
    qtbot.waitUntil(lambda: keeping.masks is not None and keeping._image is not None, timeout=_WAIT_MS)
    window = keeping.masks
    assert window is not None
    window.add.click()
    assert session._end.masks.drawn == tuple(window.picture.boxes())
    assert bar.masks.label() == "1"
    left, top, width, height = session._end.masks.drawn[0]
    grey = 0x333333
    qtbot.waitUntil(
        lambda: (
            keeping._image is not None and keeping._image.pixel(left + width // 2, top + height // 2) & 0xFFFFFF == grey
        ),
        timeout=_WAIT_MS,
    )
    window.done.click()
    assert keeping.masks is None


def _share_something_else(session: CustomerSession, agent: _Agent, qtbot: QtBot) -> None:
    """From the bar: given up first, then a region instead of the whole. Nothing leaves while it is chosen."""
    bar, whole = session.bar, session.keeping.title
    assert bar is not None
    for take in (False, True):
        QTest.mouseClick(bar.switch, Qt.MouseButton.LeftButton)
        window = session.request
        assert isinstance(window, ChangeWindow)
        qtbot.waitUntil(lambda: agent.end.view.paused, timeout=_WAIT_MS)
        qtbot.waitUntil(window.yes.isEnabled, timeout=_WAIT_MS)
        _draw_a_region(session, window, qtbot)
        qtbot.waitUntil(window.yes.isEnabled, timeout=_WAIT_MS)
        seen = agent.frames
        if take:
            QTest.mouseClick(window.yes, Qt.MouseButton.LeftButton)
        else:
            QTest.keyClick(window, Qt.Key.Key_Escape)
        assert session.request is None
        assert (session.keeping.title == whole) is not take
        qtbot.waitUntil(lambda seen=seen: agent.frames > seen and agent.end.view.flowing, timeout=_WAIT_MS)  # type: ignore[misc]  # bound now


@pytest.mark.slow
@pytest.mark.ux("UX-43")
@pytest.mark.ux("UX-38", "UX-50")
def test_a_customer_allows_looking_compares_the_number_and_stops(
    make: Make, server: CustomerServer, agent: _Agent, qtbot: QtBot, tmp_path: Path
) -> None:
    """From the request to the receipt: pictures flow only between yes and STOP, and the record reaches the server."""
    companion = _enrol(make, server, qtbot)
    request = _prompted(companion, agent, qtbot)
    session = companion.session
    assert session is not None
    assert agent.frames == 0
    QTest.mouseClick(request.yes, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: session.view.live and session.bar is not None, timeout=_WAIT_MS)
    qtbot.waitUntil(lambda: agent.frames > 0 and session.check is not None, timeout=_WAIT_MS)
    agent.do(agent.end.confirm_sas_same(True))
    check = session.check
    assert check is not None
    next(b for b in check.numbers if b.label() == agent.number).click()
    qtbot.waitUntil(lambda: session.view.phase is Phase.VERIFIED, timeout=_WAIT_MS)
    bar = session.bar
    assert bar is not None
    assert bar.check.text() == f"verified {agent.number}"
    _refuse_a_second_viewer(companion, session, agent)
    _allow_and_take_back(session, agent, qtbot)
    assert (companion.session, bar.alone.text()) == (session, "nobody else watches")
    assert session.request is None
    _hide_a_part(session, qtbot)
    _give_texts_and_write(session, agent, qtbot)
    _share_something_else(session, agent, qtbot)
    bar.stop.click()
    assert session.over
    qtbot.waitUntil(lambda: session.ended is not None and session.ended.save.isEnabled(), timeout=_WAIT_MS)
    assert session.bar is None
    ended = session.ended
    assert ended is not None
    assert "You stopped it." in _labels(ended)
    given = "pointing, one text to your clipboard, one text from your clipboard, by your consent"
    assert given in _labels(ended)
    companion.invitations.write_receipt(ended, tmp_path / "receipt.json", ended.summary, session._receipt)
    qtbot.waitUntil(lambda: (tmp_path / "receipt.txt").exists(), timeout=_WAIT_MS)
    qtbot.waitUntil(lambda: "receipt" in _kinds(server), timeout=_WAIT_MS)
    kinds = _kinds(server)
    assert [k for k in kinds if k in ("joined", "prompted", "consent", "grant", "revoke", "end")] == [
        "joined", "prompted", "consent", "grant", "grant", "revoke", "grant", "grant", "end",
    ]  # fmt: skip
    assert kinds.count("clipboard") == 2
    assert [kind for kind in kinds if kind in ("pause", "target", "resume")][-5:] == [
        "pause", "resume", "pause", "target", "resume",
    ]  # fmt: skip
    counted = _counted(server)[-4:]  # no picture left between a pause and the going on
    assert (counted[0], counted[2]) == (counted[1], counted[3])


def test_the_request_does_not_show_itself_in_the_preview_of_the_whole_screen_and_covers_nothing_afterwards(
    make: Make, server: CustomerServer, agent: _Agent, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its place is painted over from the first picture, also where it is moved to, and free again before the yes."""
    companion = _enrol(make, server, qtbot)
    request = _prompted(companion, agent, qtbot)
    session = companion.session
    assert session is not None
    told: list[object] = []
    end = session._end

    def tell(*what: object) -> list[act.Action]:
        told.append(what)
        return []

    monkeypatch.setattr(end, "choose_target", lambda _id, kind, _region, own: tell(kind, list(own)))
    monkeypatch.setattr(end, "cover_own", lambda own, _ids: tell(list(own)))
    monkeypatch.setattr(end, "allow", lambda: tell("yes"))
    screen = TargetChoice("screen:0", "screen", "", (0, 0, 4000, 4000))
    window = TargetChoice("window:1", "window", "Printer", (0, 0, 4000, 4000))
    session._targets = (window, screen)
    request.move(30, 40)
    session._choose("window:1", "window")
    session._choose("screen:0", "screen")
    frame = request.frameGeometry()
    assert told == [("window", []), ("screen", [(30, 40, frame.width(), frame.height())])]
    request.move(50, 60)
    moved = ([(50, 60, frame.width(), frame.height())],)
    qtbot.waitUntil(lambda: told[-1] == moved, timeout=_WAIT_MS)
    QTest.mouseClick(request.yes, Qt.MouseButton.LeftButton)
    assert told[-2:] == [([],), ("yes",)]


def _draw_a_region(session: CustomerSession, request: RequestWindow, qtbot: QtBot) -> None:
    """What could be allowed then is the region and nothing else."""
    request.targets.draw.click()
    assert not request.yes.isEnabled()
    qtbot.waitUntil(lambda: session.keeping.drawing is not None, timeout=_WAIT_MS)
    drawing = session.keeping.drawing
    assert drawing is not None
    assert not request.yes.isEnabled()
    drawing.picture.set_boxes([(20, 40, 200, 120)])
    drawing.picture.changed.emit()
    drawing.use.click()
    qtbot.waitUntil(request.yes.isEnabled, timeout=_WAIT_MS)
    image = request.preview._image
    assert image is not None
    assert (image.width(), image.height()) == (200, 120)
    assert session.keeping.drawing is None


def test_dont_allow_sends_no_picture_and_the_record_says_refusal(
    make: Make, server: CustomerServer, agent: _Agent, qtbot: QtBot
) -> None:
    """Without consent nothing leaves but the answer; a child that is frozen is gone also while the window is busy."""
    companion = _enrol(make, server, qtbot)
    request = _prompted(companion, agent, qtbot)
    session = companion.session
    assert session is not None
    _draw_a_region(session, request, qtbot)
    frozen = psutil.Process(session._host.pid)
    frozen.suspend()
    QTest.keyClick(request, Qt.Key.Key_Escape)
    assert session.over
    wait_until(lambda: not frozen.is_running() or frozen.status() == psutil.STATUS_ZOMBIE)  # no event loop runs here
    assert session.keeping.windows == ()
    qtbot.waitUntil(lambda: "refusal" in _kinds(server), timeout=_WAIT_MS)
    qtbot.waitUntil(lambda: agent.end.view.phase is Phase.ENDED, timeout=_WAIT_MS)
    assert (session.frames, agent.frames) == (0, 0)
    assert session.ended is None


def test_policy_of_this_computer_is_read_for_each_session_and_told_before_the_yes(
    make: Make, agent: _Agent, server: CustomerServer, qtbot: QtBot
) -> None:
    """What IT laid down this morning counts for the session of this afternoon."""
    companion = _enrol(make, server, qtbot)
    companion.policy = lambda: Policy(
        {"session.allow_recording": "off", "session.allow_executables": True, "session.max_minutes": 20}
    )
    request = _prompted(companion, agent, qtbot)
    assert request.prompt.forbidden == (Scope.RECORDING,)
    assert request.prompt.hard_limit_s == 1200
    assert companion.session is not None
    assert companion.session._end.programs
    QTest.keyClick(request, Qt.Key.Key_Escape)
    qtbot.waitUntil(lambda: agent.end.view.phase is Phase.ENDED, timeout=_WAIT_MS)


@pytest.mark.parametrize(
    "values", [{"session.enabled": False}, {"session.mask_windows": ["payroll"]}], ids=["off", "windows"]
)
def test_a_computer_that_may_share_nothing_asks_nobody_and_tells_both(
    make: Make, agent: _Agent, server: CustomerServer, qtbot: QtBot, values: dict[str, object]
) -> None:
    """By policy; or because nobody can tell here where windows are that policy never shows."""
    companion = _enrol(make, server, qtbot)
    companion.policy = lambda: Policy(values)
    qtbot.waitUntil(lambda: companion.invitations.revocations is not None and bool(server.sockets), timeout=_WAIT_MS)
    agent.invite()
    qtbot.waitUntil(lambda: agent.end.view.reason is EndReason.FORBIDDEN, timeout=_WAIT_MS)
    assert companion.session is not None
    assert companion.session.over
    assert companion.session.request is None
    assert not companion.session._host.running
    assert companion.home is not None
    assert companion.home.notice.isVisibleTo(companion.home)
    assert texts.trouble("forbidden") in _labels(companion.home)
    qtbot.waitUntil(lambda: {"joined", "refusal", "end"} <= set(_kinds(server)), timeout=_WAIT_MS)


@pytest.mark.slow
def test_closing_the_companion_in_mid_session_stops_first_and_hands_the_record_in(
    make: Make, server: CustomerServer, agent: _Agent, qtbot: QtBot
) -> None:
    """The window closes, sharing has ended, the agent knows, the server has the end of the record."""
    companion = _enrol(make, server, qtbot)
    request = _prompted(companion, agent, qtbot)
    QTest.mouseClick(request.yes, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: agent.frames > 0, timeout=_WAIT_MS)
    session = companion.session
    assert session is not None
    assert companion.home is not None
    companion.home.close()
    assert session.over
    assert session.bar is None
    assert not session._host.running
    assert "end" in _kinds(server)
    qtbot.waitUntil(lambda: agent.end.view.phase is Phase.ENDED, timeout=_WAIT_MS)


@pytest.mark.slow
@pytest.mark.parametrize("reason", ["revoked", "ticket_closed"])
def test_a_revoked_session_stops_here_though_the_agents_program_goes_on(
    make: Make, server: CustomerServer, agent: _Agent, qtbot: QtBot, reason: str
) -> None:
    """The agent's end hears nothing and does nothing; no picture leaves any more, and the customer reads why."""
    companion = _enrol(make, server, qtbot)
    request = _prompted(companion, agent, qtbot)
    QTest.mouseClick(request.yes, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: agent.frames > 0, timeout=_WAIT_MS)
    session = companion.session
    assert session is not None
    server.on_sig = lambda _sig: None
    server.push(live.SessionEnded(session=session.sid, reason=reason))
    qtbot.waitUntil(lambda: session.ended is not None, timeout=_WAIT_MS)
    assert session.over
    assert session.bar is None
    assert session.ended is not None
    assert texts.end_reason(reason, "system") in _labels(session.ended)
    qtbot.waitUntil(lambda: not session._host.running, timeout=_WAIT_MS)
    qtbot.waitUntil(lambda: "end" in _kinds(server), timeout=_WAIT_MS)


@pytest.mark.slow
def test_a_companion_that_hangs_shows_nothing_until_it_answers_again(
    make: Make, server: CustomerServer, agent: _Agent, qtbot: QtBot
) -> None:
    """Nobody could press Stop meanwhile; the agent reads a pause that only the customer's end lifts."""
    companion = _enrol(make, server, qtbot)
    request = _prompted(companion, agent, qtbot)
    QTest.mouseClick(request.yes, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: agent.frames > 0, timeout=_WAIT_MS)
    session = companion.session
    assert session is not None
    session._beat.stop()  # as when the thread that draws the bar hangs: the agent of this test runs in it too
    qtbot.waitUntil(lambda: agent.end.view.paused, timeout=_WAIT_MS)
    session._beat.start()
    qtbot.waitUntil(lambda: agent.end.view.flowing, timeout=_WAIT_MS)
    session.stop()
    qtbot.waitUntil(lambda: agent.end.view.phase is Phase.ENDED, timeout=_WAIT_MS)


def test_a_killed_session_child_is_replaced_once_and_a_second_death_ends_the_session(
    make: Make, server: CustomerServer, agent: _Agent, qtbot: QtBot
) -> None:
    """The window lives, the customer is told, nothing is shared any more."""
    companion = _enrol(make, server, qtbot)
    request = _prompted(companion, agent, qtbot)
    session = companion.session
    assert session is not None
    assert request.isVisible()
    first = session._host.pid
    session._host.kill()
    qtbot.waitUntil(lambda: session._host.pid not in (0, first), timeout=_WAIT_MS)
    session._host.kill()
    qtbot.waitUntil(lambda: session.ended is not None, timeout=_WAIT_MS)
    assert session.ended is not None
    assert texts.end_reason("child_failed", "system") in _labels(session.ended)
    assert companion.home is not None
    assert companion.home.isVisible()


def test_an_invitation_for_a_ticket_that_is_not_mine_shows_nothing_but_a_warning(
    make: Make, server: CustomerServer, agent: _Agent, qtbot: QtBot
) -> None:
    """No window asks; Home says that an invitation was refused and why that matters."""
    companion = _enrol(make, server, qtbot)
    qtbot.waitUntil(lambda: companion.invitations.revocations is not None and bool(server.sockets), timeout=_WAIT_MS)
    agent.invite("0190" + "99" * 14)
    home = companion.home
    assert home is not None
    qtbot.waitUntil(lambda: home.notice.text.text() == texts.trouble("bad_invitation"), timeout=_WAIT_MS)
    assert companion.session is not None
    assert companion.session.request is None
    assert companion.session.scam is None


def _alarms(server: CustomerServer) -> list[dict[str, object]]:
    return [dict(body) for path, body in server.posted if path == "alarm"]


def test_a_refused_invitation_is_told_to_the_server_with_what_it_named(
    make: Make, server: CustomerServer, agent: _Agent, qtbot: QtBot
) -> None:
    """So that it stands on the ticket; in the list of what the customer wrote there is nothing of it."""
    companion = _enrol(make, server, qtbot)
    qtbot.waitUntil(lambda: companion.invitations.revocations is not None and bool(server.sockets), timeout=_WAIT_MS)
    ticket = "0190" + "99" * 14
    agent.invite(ticket)
    qtbot.waitUntil(lambda: bool(_alarms(server)), timeout=_WAIT_MS)
    (told,) = _alarms(server)
    assert (told["ticket"], told["why"]) == (ticket, "ticket")
    assert told["iid"] == claims(agent.invites[0].invitation)[0] != ""
    assert companion.opened is not None
    store = companion.opened.store
    qtbot.waitUntil(lambda: not store.waiting(), timeout=_WAIT_MS)
    assert not store.written()


def test_a_refused_invitation_is_told_when_the_server_is_back(
    make: Make, server: CustomerServer, agent: _Agent, qtbot: QtBot
) -> None:
    """The server answers nothing just then: the report waits on the disk, over a new start, and is sent once."""
    first = _enrol(make, server, qtbot)
    qtbot.waitUntil(lambda: first.invitations.revocations is not None and bool(server.sockets), timeout=_WAIT_MS)
    assert first.opened is not None
    store = first.opened.store
    server.problem = (503, "busy")
    agent.invite("0190" + "99" * 14)
    qtbot.waitUntil(lambda: len(store.waiting()) == 1, timeout=_WAIT_MS)
    first.leave()
    assert not _alarms(server)
    server.problem = None
    make()
    qtbot.waitUntil(lambda: len(_alarms(server)) == 1, timeout=_WAIT_MS)


def test_the_first_request_is_preceded_by_the_warning(
    make: Make, server: CustomerServer, agent: _Agent, qtbot: QtBot
) -> None:
    """Refusing there refuses the session; no request window appears."""
    companion = _enrol(make, server, qtbot)
    qtbot.waitUntil(lambda: companion.invitations.revocations is not None and bool(server.sockets), timeout=_WAIT_MS)
    agent.invite()
    qtbot.waitUntil(lambda: companion.session is not None and companion.session.scam is not None, timeout=_WAIT_MS)
    session = companion.session
    assert session is not None
    assert session.request is None
    assert session.scam is not None
    session.scam.no.click()
    assert session.over
    assert session.request is None


def test_an_invitation_opened_before_the_companion_was_started_anew_is_refused(
    make: Make, server: CustomerServer, agent: _Agent, qtbot: QtBot
) -> None:
    """Who kept an old invitation and hands it out again, under whatever name, brings no second request."""
    first = _enrol(make, server, qtbot)
    _prompted(first, agent, qtbot)
    first.leave()
    second = make()
    second.invitations.scam_read = True
    qtbot.waitUntil(lambda: second.invitations.revocations is not None and bool(server.sockets), timeout=_WAIT_MS)
    (old,) = agent.invites
    server.push(structs.replace(old, iid=secrets.token_bytes(16)))
    qtbot.waitUntil(lambda: second.session is not None and second.online, timeout=_WAIT_MS)
    assert second.session is not None
    assert second.session.view.phase is not Phase.PROMPTED
    assert second.session.request is None
    assert second.home is not None
    assert second.home.notice.text.text() == texts.trouble("bad_invitation")


@pytest.fixture
def another(server: CustomerServer) -> Iterator[Callable[[], _Agent]]:
    """Make further agents; what the customer's end says still goes to the first."""
    made: list[_Agent] = []

    def build() -> _Agent:
        first = server.on_sig
        made.append(_Agent(server))
        server.on_sig = first
        return made[-1]

    yield build
    for each in made:
        each.close()


def test_an_older_list_of_withdrawn_certificates_that_is_played_again_lets_nobody_back_in(
    make: Make, server: CustomerServer, agent: _Agent, qtbot: QtBot
) -> None:
    """Whoever stands between keeps the list of before an agent was withdrawn, and hands it out later."""
    companion = _enrol(make, server, qtbot)
    qtbot.waitUntil(lambda: companion.invitations.revocations is not None and bool(server.sockets), timeout=_WAIT_MS)
    now = companion.clock.utc_ms()
    withdrawn, before = (
        RevocationList(fake.ORG_ID, now + age, frozenset(serials)) for age, serials in ((1000, ["s1"]), (0, []))
    )
    for each in (withdrawn, before):
        document, signature = build_revocations(server.key, each).parts
        arrived = net.RevocationsArrived(Revocations(document=document, signature=signature))
        companion.invitations.take_revocations(arrived)
    agent.invite()
    assert companion.home is not None
    notice = companion.home.notice.text
    qtbot.waitUntil(lambda: notice.text() == texts.trouble("bad_invitation"), timeout=_WAIT_MS)
    assert companion.session is not None
    assert companion.session.request is None


def _waiting(companion: CompanionApp) -> bytes:
    """The session of the invitation that waits."""
    waits = companion.invitations._invite
    return waits.sid if waits is not None else b""


def test_an_invitation_that_comes_while_a_session_is_not_over_yet_opens_as_soon_as_it_is(
    make: Make, server: CustomerServer, agent: _Agent, another: Callable[[], _Agent], qtbot: QtBot
) -> None:
    """An agent who starts anew and asks again is not lost; of several the newest is shown, and none of them before."""
    companion = _enrol(make, server, qtbot)
    _prompted(companion, agent, qtbot)
    old = companion.session
    assert old is not None
    replaced, newest = another(), another()
    replaced.invite()
    newest.invite()
    qtbot.waitUntil(lambda: _waiting(companion) == newest.end.sid, timeout=_WAIT_MS)
    again = agent.invites[0]  # it is what runs: as when a code is typed for what was shown already
    companion.invitations._invited(again.invitation, again.signature, again.join_secret)
    companion.invitations.open_invite()
    assert companion.session is old
    assert not old.over
    old.stop()
    qtbot.waitUntil(lambda: companion.session is not old, timeout=_WAIT_MS)
    assert companion.session is not None
    qtbot.waitUntil(lambda: companion.session is not None and companion.session.request is not None, timeout=_WAIT_MS)
    assert companion.session.sid == newest.end.sid
    assert not companion.invitations.waits


def test_an_invitation_that_was_taken_back_or_ran_out_while_it_waited_asks_nobody_and_raises_no_alarm(
    make: Make,
    server: CustomerServer,
    agent: _Agent,
    another: Callable[[], _Agent],
    qtbot: QtBot,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Nobody did anything wrong: the customer reads nothing of it."""
    companion = _enrol(make, server, qtbot)
    _prompted(companion, agent, qtbot)
    old = companion.session
    assert old is not None
    taken_back, late = another(), another()
    taken_back.invite()
    qtbot.waitUntil(lambda: companion.invitations.waits, timeout=_WAIT_MS)
    server.push(live.SessionEnded(session=taken_back.end.sid, reason="cancelled"))
    qtbot.waitUntil(lambda: not companion.invitations.waits, timeout=_WAIT_MS)
    late.invite()
    qtbot.waitUntil(lambda: companion.invitations.waits, timeout=_WAIT_MS)
    now = companion.clock.utc_ms()
    monkeypatch.setattr(type(companion.clock), "utc_ms", lambda _self: now + 11 * 60_000)
    old.stop()
    qtbot.waitUntil(lambda: not companion.invitations.waits, timeout=_WAIT_MS)
    assert companion.session is old
    assert companion.home is not None
    assert companion.home.notice.text.text() != texts.trouble("bad_invitation")


def test_the_window_with_the_check_numbers_is_covered_where_it_will_stand_before_it_shows(
    make: Make, server: CustomerServer, agent: _Agent, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No picture of a shared screen has the numbers, not even the first one after the window opened."""
    companion = _enrol(make, server, qtbot)
    request = _prompted(companion, agent, qtbot)
    session = companion.session
    assert session is not None
    told: list[tuple[QRect, bool]] = []

    def cover(own: list[tuple[int, int, int, int]], _ids: object) -> list[act.Action]:
        told.append((QRect(*own[0]), session.check is not None and session.check.isVisible()))
        return []

    session._drop("request")
    assert not request.isVisible()
    monkeypatch.setattr(session._end, "cover_own", cover)
    session._target = TargetChoice("screen:0", "screen", "", (0, 0, 4000, 4000))
    session._ask_number(("111 111", "222 222", "333 333"))
    check = session.check
    assert check is not None
    assert check.isVisible()
    covered, showed = told[0]
    assert not showed
    assert covered.contains(check.frameGeometry())
    qtbot.waitUntil(lambda: told[-1] == (check.frameGeometry(), True), timeout=_WAIT_MS)


def test_a_code_that_is_not_valid_is_told_at_its_field(make: Make, server: CustomerServer, qtbot: QtBot) -> None:
    """What was typed stays, and the answer is the same for every reason."""
    companion = _enrol(make, server, qtbot)
    companion.invitations.enter_code()
    code = companion.invitations.code
    assert code is not None
    code.code.setText("123 456 789")
    code.go.click()
    qtbot.waitUntil(lambda: code.problem.text.text() == texts.trouble("bad_code"), timeout=_WAIT_MS)
    assert code.code.text() == "123 456 789"
    code.reject()


def _labels(window: QWidget) -> list[str]:
    return [label.text() for label in window.findChildren(PlainLabel)]


def _counted(server: CustomerServer) -> list[object]:
    """The counters of pictures in the record, where it rests and where it goes on, in order."""
    found = [entry for path, body in server.posted if path == "entries" for entry in body["entries"]]
    rests = [
        entry for entry in sorted(found, key=lambda entry: int(entry["n"])) if entry["kind"] in ("pause", "resume")
    ]
    texts = [SignedDocument.from_text(str(entry["entry"])).document for entry in rests]
    return [json.loads(text)["data"]["frames_sent"] for text in texts]


def _kinds(server: CustomerServer) -> list[str]:
    found = [entry for path, body in server.posted if path == "entries" for entry in body["entries"]]
    return [str(entry["kind"]) for entry in sorted(found, key=lambda entry: int(entry["n"]))]


def test_a_record_that_could_not_be_kept_for_a_moment_has_no_hole(
    make: Make, server: CustomerServer, agent: _Agent, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The entry that the disk refused comes to the ticket with the next one that it takes."""
    companion = _enrol(make, server, qtbot)
    request = _prompted(companion, agent, qtbot)
    session, opened = companion.session, companion.opened
    assert session is not None
    assert opened is not None
    keep, refused = opened.store.add_entry, iter(("once",))

    def full_once(entry: SessionEntryRow) -> None:
        if next(refused, ""):
            raise StoreUnavailable("disk_full")
        keep(entry)

    monkeypatch.setattr(opened.store, "add_entry", full_once)
    request.yes.click()
    qtbot.waitUntil(lambda: session.ended is not None, timeout=_WAIT_MS)
    assert session.ended is not None
    qtbot.waitUntil(lambda: "end" in _kinds(server), timeout=_WAIT_MS)
    assert "consent" in _kinds(server)
    assert agent.frames == 0
    session.ended.close()


def test_a_long_record_that_was_not_handed_in_is_sent_whole_at_the_next_start(
    make: Make, server: CustomerServer, qtbot: QtBot
) -> None:
    """However many entries there are: nobody has to wait for the next look a minute later."""
    first = _enrol(make, server, qtbot)
    server.problem = (503, "busy")
    assert first.opened is not None
    for n in range(250):
        entry = SessionEntry(n=n, kind="pause", entry="{}", hash=f"{n:064x}", at=n)
        first.opened.store.add_entry(SessionEntryRow("ab" * 16, fake.TICKET, n, entry.hash, msgspec.json.encode(entry)))
    first.leave()
    assert _kinds(server) == []
    server.problem = None
    second = make()
    qtbot.waitUntil(lambda: len(_kinds(server)) == 250, timeout=_WAIT_MS)
    qtbot.waitUntil(lambda: second.opened is not None and second.opened.store.unsent_entries() == [], timeout=_WAIT_MS)


def test_the_end_of_a_record_that_the_disk_refused_comes_to_the_ticket_when_there_is_room_again(
    make: Make, server: CustomerServer, agent: _Agent, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody has to begin another session, and the receipt comes with it."""
    monkeypatch.setattr(companion_invitations, "_KEEP_AGAIN_MS", 50)
    monkeypatch.setattr(companion_session, "_COUNTERSIGN_MS", 50)
    companion = _enrol(make, server, qtbot)
    request = _prompted(companion, agent, qtbot)
    session, opened = companion.session, companion.opened
    assert session is not None
    assert opened is not None

    def full(*_what: object) -> None:
        raise StoreUnavailable("disk_full")

    with monkeypatch.context() as disk:
        disk.setattr(opened.store, "add_entry", full)
        disk.setattr(opened.store, "save_receipt", full)
        request.yes.click()
        qtbot.waitUntil(lambda: session.ended is not None and session.ended.save.isEnabled(), timeout=_WAIT_MS)
        qtbot.waitUntil(lambda: len(companion.invitations._unkept) >= 4, timeout=_WAIT_MS)
        assert not {"consent", "end", "receipt"} & set(_kinds(server))
    qtbot.waitUntil(lambda: {"consent", "end", "receipt"} <= set(_kinds(server)), timeout=_WAIT_MS)
    assert opened.store.receipt(session.sid.hex()) == session._receipt
    assert session.ended is not None
    session.ended.close()


@pytest.mark.parametrize("kind", ["consent", "resume"])
def test_what_cannot_be_recorded_is_not_shared(
    make: Make, server: CustomerServer, agent: _Agent, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """A full disk at the yes: no picture leaves. In mid-session: sharing ends. Both times the customer reads why."""
    companion = _enrol(make, server, qtbot)
    request = _prompted(companion, agent, qtbot)
    session, opened = companion.session, companion.opened
    assert session is not None
    assert opened is not None

    def full(_entry: object) -> None:
        raise StoreUnavailable("disk_full")

    if kind == "consent":
        monkeypatch.setattr(opened.store, "add_entry", full)
        request.yes.click()
    else:
        request.yes.click()
        qtbot.waitUntil(lambda: agent.frames > 0, timeout=_WAIT_MS)
        assert session.bar is not None
        session.bar.pause_toggled.emit(True)
        qtbot.waitUntil(lambda: session.view.paused, timeout=_WAIT_MS)
        monkeypatch.setattr(opened.store, "add_entry", full)
        session.bar.pause_toggled.emit(False)
    qtbot.waitUntil(lambda: session.ended is not None, timeout=_WAIT_MS)
    assert session.view.reason is EndReason.NOT_KEPT
    assert session.ended is not None
    assert any("could not be kept on this computer" in text for text in _labels(session.ended))
    if kind == "consent":
        assert (agent.frames, session.frames) == (0, 0)
    session.ended.close()
