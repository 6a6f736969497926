# SPDX-License-Identifier: GPL-3.0-or-later
"""A customer with nothing but a browser: real server, real Chromium that shares a real display, real agent child."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.domain.assist import EndReason, Phase, Scope
from app.domain.entities import SESSION_RECORD
from app.domain.marks import Mark, MarkKind
from remote_assist import child_protocol as child
from remote_assist.actions import (
    ChatChanged,
    CustomerJoined,
    InvitationReady,
    OpenEnd,
    Receipt,
    RemoteTarget,
    SasNumber,
    ToChild,
)
from remote_assist.chain import verify_receipt
from remote_assist.child_protocol import Fault, RemoteSdp
from remote_assist.limits import Limits
from sync.server.devices import Devices
from sync.server.store import Store, sqlite_url
from tests.fakes import chromium, coturn, xvfb
from tests.fakes.chromium import Page
from tests.fakes.wait import wait_until
from tests.remote_assist.join_world import AgentDesk, served

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(chromium.program() is None, reason="Chromium is not installed"),
    pytest.mark.skipif(not xvfb.available(), reason="Xvfb is not installed"),
]
WIDTH, HEIGHT = 1280, 800
TAB = "Shared tab"


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[AgentDesk]:
    """A help desk with a server that listens, and an agent who is signed in."""
    store = Store.open(sqlite_url(tmp_path))
    with served(store) as (world, url):
        made = AgentDesk(world, url)
        yield made
        made.close()
    store.close()


@pytest.fixture
def page(tmp_path: Path) -> Iterator[Page]:
    """A browser on a display of its own."""
    with (  # a tab of this title is picked where there is one, else the screen
        xvfb.own_display(WIDTH, HEIGHT) as display,
        chromium.browser(
            tmp_path / "profile",
            display,
            "--window-size=900,760",
            "--window-position=0,0",
            f"--auto-select-tab-capture-source-by-title={TAB}",
        ) as found,
    ):
        yield found


def share(desk: AgentDesk, page: Page, *, relay_only: bool = False) -> None:
    """Join, read the warning, allow looking, and wait for the picture."""
    page.open(desk.invite(relay_only=relay_only))
    page.press("I have read this")
    page.press("Allow looking")
    desk.until(lambda: desk.end.view.phase is Phase.UNVERIFIED and desk.frames)


def check_number(desk: AgentDesk, page: Page) -> None:
    """Say by voice what the agent reads."""
    desk.until(lambda: desk.side.of(SasNumber))
    page.press(desk.side.last(SasNumber).number)
    desk.perform(desk.end.confirm_sas_same(True))
    desk.until(lambda: desk.end.view.phase is Phase.VERIFIED)


def state(page: Page, what: str) -> object:
    """Return something of the customer's end in the page, as the page's own script sees it."""
    return page.run(f"document.querySelector('{what}')?.textContent ?? ''")


def pixel(page: Page) -> bool:
    """Tell whether anything is drawn over the customer's own picture."""
    return bool(page.run(
        "(() => { const c = document.querySelector('canvas'); const d = c.getContext('2d')"
        ".getImageData(0, 0, c.width, c.height).data; return d.some((v) => v); })()"
    ))  # fmt: skip


def test_a_customer_with_a_browser_shows_the_screen_and_keeps_everything_in_hand(desk: AgentDesk, page: Page) -> None:
    """From the link to the receipt: warning, consent, picture, number, pointing, taking back, pause, Stop."""
    share(desk, page)
    joined = desk.side.last(CustomerJoined)
    assert joined.app == "browser"
    assert desk.sizes == {(WIDTH, HEIGHT)}
    assert page.run("location.href").endswith("/join"), "the secret does not stay in the address"
    assert "protects against everybody but that server" in page.text()
    check_number(desk, page)
    assert state(page, "#bar-check") == f"verified {desk.side.last(SasNumber).number}"

    desk.perform(desk.end.request(Scope.POINTER, "die Schaltfläche"))
    page.press("Allow pointing")
    desk.until(lambda: Scope.POINTER in desk.end.view.grants)
    desk.perform(desk.end.draw(Mark(1, MarkKind.BOX, ((9000, 9000), (30000, 30000)), 0xD93025, 0)))
    wait_until(lambda: pixel(page), 10)
    page.press("pointing ✕")
    desk.until(lambda: Scope.POINTER not in desk.end.view.grants)
    assert not pixel(page)

    page.press("Pause")
    desk.until(lambda: desk.end.view.paused)
    desk.until(lambda: "pause" in desk.side.entries())
    page.press("Resume")
    desk.until(lambda: not desk.end.view.paused)
    seen = desk.frames
    page.run("document.getElementById('language').click()")
    desk.until(lambda: desk.frames > seen)
    assert "화면" in page.text()

    page.run("document.getElementById('stop').click()")
    desk.until(lambda: desk.side.of(Receipt))
    assert desk.end.view.reason is EndReason.STOPPED
    assert desk.end.view.by == "customer"
    report = verify_receipt(desk.side.last(Receipt).data)
    assert (report.ok, report.verified, report.countersigned, report.browser) == (True, True, True, True)
    assert desk.side.entries() == [
        "joined", "prompted", "consent", "grant", "sas", "grant", "revoke", "pause", "resume", "end",
    ]  # fmt: skip
    pauses = [e.data["frames_sent"] for e in report.entries if e.type in ("pause", "resume")]
    assert pauses[0] == pauses[1], "nothing was sent between"
    assert report.entries[-1].data["mode"] == "browser"
    wait_until(lambda: "서명했습니다" in page.text(), 10)
    assert not [fault for fault in desk.said if isinstance(fault, Fault)]
    on_ticket = desk.agent.world
    desk.agent.pull()
    kinds = {row["kind"] for row in desk.agent.copy.of(SESSION_RECORD.number)}
    assert {"joined", "consent", "end"} <= kinds, on_ticket


def test_the_agent_ends_it_and_a_page_that_goes_away_ends_it_too(desk: AgentDesk, page: Page) -> None:
    """A dead child of the agent's is a reconnect; then Stop from the other side; and a page that is closed ends it."""
    share(desk, page)
    assert desk.link is not None
    before = desk.link
    before.kill()
    desk.until(lambda: desk.link is not before)
    seen = desk.frames
    desk.until(lambda: "reconnect" in desk.side.entries() and desk.frames > seen)
    before.close()
    desk.perform(desk.end.stop())
    wait_until(lambda: "Support ended it." in page.text(), 10)
    assert page.run("document.getElementById('bar').hidden")

    again = AgentDesk(desk.agent.world, desk.url)
    try:
        page.open("about:blank")
        again.ticket = again.agent.ticket(2)
        share(again, page)
        page.call("Page.navigate", url="about:blank")
        again.until(lambda: again.side.of(OpenEnd), 10)
        assert (again.end.view.reason, again.end.view.by) == (EndReason.STOPPED, "customer")
        report = verify_receipt(again.side.last(Receipt).data)
        assert (report.ok, report.complete, report.goodbye, report.whole) == (True, False, True, True)
        assert [entry.type for entry in report.entries] == ["joined", "prompted", "consent", "grant"]
        again.agent.pull()
        kinds = [row["kind"] for row in again.agent.copy.of(SESSION_RECORD.number) if row["ticket"] == again.ticket]
        assert "end" not in kinds
    finally:
        again.close()


def test_a_page_stops_when_its_agent_is_suspended_though_that_agent_goes_on(desk: AgentDesk, page: Page) -> None:
    """Nothing comes from the agent, who would go on looking: the server says it, and the page ends by itself."""
    share(desk, page)
    world = desk.agent.world
    Devices(world.store, world.rng).set_state(world.clock(), desk.agent.device.hex(), "suspended")
    wait_until(lambda: "The server ended it." in page.text(), 10)
    assert page.run("document.getElementById('bar').hidden")


def test_a_browser_that_crashes_is_told_as_lost_and_what_it_signed_until_then_is_kept(
    desk: AgentDesk, page: Page
) -> None:
    """Nobody says goodbye: after the silence and the wait (here three seconds of thirty) the ticket is told."""
    desk.shorten(Limits(lost_ms=3_000))
    share(desk, page)
    page.end()
    desk.until(lambda: desk.side.of(OpenEnd), 20)
    assert (desk.end.view.reason, desk.end.view.by) == (EndReason.LOST, "system")
    report = verify_receipt(desk.side.last(Receipt).data)
    assert (report.ok, report.complete, report.goodbye, report.reason) == (True, False, False, "lost")
    assert [entry.type for entry in report.entries][:4] == ["joined", "prompted", "consent", "grant"]


def key(page: Page, name: str, code: int, *, text: str = "") -> None:
    """Press a key as a person does."""
    for kind in ("keyDown" if text else "rawKeyDown", "keyUp"):
        more = {"text": text} if text and kind == "keyDown" else {}
        page.call("Input.dispatchKeyEvent", type=kind, key=name, windowsVirtualKeyCode=code, **more)


def at(page: Page) -> str:
    """What the keyboard would press now."""
    found = "(e => e.tagName === 'BUTTON' ? e.textContent : e.id || e.tagName)(document.activeElement)"
    return str(page.run(found))


def tab_to(page: Page, label: str) -> list[str]:
    """Press Tab until a button of this label is reached, once it can be; return where it stopped on the way."""
    stops: list[str] = []
    script = (
        f"[...document.querySelectorAll('button')].some((b) => b.textContent === {json.dumps(label)} && !b.disabled)"
    )
    wait_until(lambda: page.run(script), 20)
    while at(page) != label:
        assert len(stops) < 20, stops
        key(page, "Tab", 9)
        stops.append(at(page))
    return stops


def by_keys(page: Page, label: str) -> None:
    """Reach a button with Tab. Enter gives no consent; Space does."""
    tab_to(page, label)
    key(page, " ", 32, text=" ")


def write(page: Page, text: str) -> None:
    """Type into the chat's field, and press Enter."""
    for _ in range(20):
        if at(page) == "chat-text":
            break
        key(page, "Tab", 9)
    page.call("Input.insertText", text=text)
    key(page, "Enter", 13)


def chat(desk: AgentDesk) -> list[tuple[bool, str, bool]]:
    """What the agent sees of the chat: whose text, what, whether it got there."""
    return [(line.mine, line.text, line.sent) for line in desk.side.last(ChatChanged).lines]


def test_agent_and_customer_write_to_each_other_once_the_customer_wants_it(desk: AgentDesk, page: Page) -> None:
    """All by keys: a question first, a no that is kept; texts as texts, both ways; closed again; not in the record."""
    page.open(desk.invite())
    wait_until(lambda: at(page) == "Something is odd, do not share", 10)
    by_keys(page, "I have read this")
    tab_to(page, "Allow looking")
    key(page, "Enter", 13, text="\r")
    assert at(page) == "Allow looking", "Enter is no consent"
    key(page, " ", 32, text=" ")
    desk.until(lambda: desk.end.view.phase is Phase.UNVERIFIED and desk.frames)
    wait_until(lambda: page.run("document.activeElement.textContent").startswith("Which number"), 10)
    desk.until(lambda: desk.side.of(SasNumber))
    by_keys(page, desk.side.last(SasNumber).number)
    desk.perform(desk.end.confirm_sas_same(True))
    desk.until(lambda: desk.end.view.phase is Phase.VERIFIED)
    desk.until(lambda: desk.side.of(ChatChanged) and desk.side.last(ChatChanged).open)
    evil = "<img src=x onerror=alert(1)> <b>fett</b>\n안녕하세요"
    desk.perform(desk.end.say_chat(evil))
    wait_until(lambda: "writes to you. Show it on this page?" in page.text(), 10)
    assert "fett" not in page.text()
    wait_until(lambda: at(page) == "Don't show it", 10)
    key(page, "Escape", 27)
    wait_until(lambda: "Show the chat (1 text waits)" in page.text(), 10)
    assert "Show it on this page?" not in str(state(page, "main"))
    assert chat(desk) == [(True, evil, False)]
    by_keys(page, "Show the chat (1 text waits)")
    desk.until(lambda: chat(desk) == [(True, evil, True)])
    wait_until(lambda: at(page) == "chat-text", 10)
    stops = [*tab_to(page, "STOP"), *tab_to(page, "Close the chat")]
    inside = ["Send", "한국어", "Pause", "STOP", "Show something else…", "Close the chat"]
    assert [stop for stop in stops if stop in inside] == inside
    assert evil in page.text()
    assert page.run("document.querySelectorAll('#talk img, #talk b').length") == 0
    write(page, "네, 보입니다")
    desk.until(lambda: chat(desk)[-1] == (False, "네, 보입니다", True))
    wait_until(lambda: "not there yet" not in page.text(), 10)

    by_keys(page, "Pause")
    desk.until(lambda: desk.end.view.paused)
    write(page, "while paused")
    wait_until(lambda: "not there yet" in page.text(), 10)
    by_keys(page, "Resume")
    desk.until(lambda: chat(desk)[-1] == (False, "while paused", True))
    assert not desk.end.view.paused

    by_keys(page, "Close the chat")
    wait_until(lambda: page.run("document.getElementById('talk').hidden"), 10)
    desk.perform(desk.end.say_chat("still there?"))
    wait_until(lambda: "Show the chat (1 text waits)" in page.text(), 10)
    assert "still there?" not in page.text()
    assert chat(desk)[-1] == (True, "still there?", False)
    by_keys(page, "Show the chat (1 text waits)")
    desk.until(lambda: chat(desk)[-1] == (True, "still there?", True))
    page.run("document.getElementById('stop').click()")
    desk.until(lambda: desk.side.of(Receipt))
    report = verify_receipt(desk.side.last(Receipt).data)
    assert [entry.type for entry in report.entries] == [
        "joined", "prompted", "consent", "grant", "sas", "pause", "resume", "end",
    ]  # fmt: skip
    assert "보입니다" not in desk.side.last(Receipt).data.decode()


def test_the_customer_shows_something_else_and_nothing_changes_before_it_was_picked(
    desk: AgentDesk, page: Page
) -> None:
    """The record first, then the picture; a picker that is closed changes nothing; a tab that is gone ends it."""
    share(desk, page)
    desk.until(lambda: desk.side.of(SasNumber))
    number = desk.side.last(SasNumber).number
    wait_until(lambda: number in page.text(), 10)  # the question makes room for itself, and buttons move
    page.run(
        "globalThis.pick = navigator.mediaDevices.getDisplayMedia.bind(navigator.mediaDevices);"
        "navigator.mediaDevices.getDisplayMedia = async () => { throw new DOMException('', 'NotAllowedError'); }; 0"
    )
    page.press("Show something else…")
    wait_until(lambda: "What is shown stays as it was." in page.text(), 10)
    seen = desk.frames
    desk.until(lambda: desk.frames > seen)
    assert desk.sizes == {(WIDTH, HEIGHT)}
    assert "target" not in desk.side.entries()

    page.run("navigator.mediaDevices.getDisplayMedia = globalThis.pick; 0")
    tab = page.call("Target.createTarget", url=f"data:text/html,<title>{TAB}</title>", background=True)["targetId"]
    wait_until(lambda: TAB in [t["title"] for t in page.call("Target.getTargets")["targetInfos"]], 10)
    page.press("Show something else…")
    desk.until(lambda: desk.side.last(RemoteTarget).kind == "tab" and len(desk.sizes) > 1)
    assert desk.side.entries()[-1] == "target"
    assert "“one browser tab”" in str(state(page, "#bar-what"))
    page.call("Target.closeTarget", targetId=tab)
    desk.until(lambda: desk.side.of(Receipt))
    report = verify_receipt(desk.side.last(Receipt).data)
    assert (desk.end.view.reason, desk.end.view.by) == (EndReason.STOPPED, "customer")
    assert [entry.data["kind"] for entry in report.entries if entry.type == "target"] == ["tab"]
    assert report.entries[-1].data["target_kind"] == "tab"


@pytest.mark.parametrize(
    "hostile",
    [b'{"t":"end","reason":' + b"[" * 3000 + b'"stopped"' + b"]" * 3000 + b"}", b'{"t":"request","scope":"a1"}'],
    ids=["an end whose reason is no word", "a scope that is none"],
)
def test_no_message_of_an_agent_makes_the_record_of_a_browser_unreadable(
    desk: AgentDesk, page: Page, hostile: bytes
) -> None:
    """The session ends as one in which rules were broken; the receipt and the ticket's record say so, to the end."""
    share(desk, page)
    assert desk.link is not None
    desk.link.send(child.Send("ctl", hostile))
    desk.until(lambda: desk.side.of(Receipt))
    report = verify_receipt(desk.side.last(Receipt).data)
    assert (report.ok, report.complete, report.reason) == (True, True, "protocol")
    assert [entry.type for entry in report.entries][-2:] == ["violation", "end"]
    desk.until(lambda: "end" in desk.side.entries())


def test_refusing_shows_nothing_and_a_link_works_once(desk: AgentDesk, page: Page) -> None:
    """A click on no is a no, and the same link opens nothing again."""
    address = desk.invite()
    page.open(address)
    page.press("Something is odd, do not share")
    desk.until(lambda: desk.end.view.phase is Phase.ENDED)
    assert desk.end.view.reason is EndReason.REFUSED
    assert desk.frames == 0
    page.open("about:blank")
    page.open(address)
    wait_until(lambda: "refused, because it is not a valid one" in page.text(), 10)


def test_an_invitation_for_companions_alone_is_refused_by_the_page(desk: AgentDesk, page: Page) -> None:
    """`modes` decide; the page does not even ask."""
    page.open(desk.invite(modes=("companion",)))
    wait_until(lambda: "refused, because it is not a valid one" in page.text(), 10)
    assert desk.end.view.phase is Phase.INVITED


def test_a_code_that_was_read_aloud_opens_the_request_too(desk: AgentDesk, page: Page) -> None:
    """On the page without a link: nine digits, with or without spaces; a wrong code says so and opens nothing."""
    desk.invite()
    code = desk.side.last(InvitationReady).code
    page.open(f"{desk.url}/join")
    page.run("document.getElementById('code').value = '000 000 000'")
    page.press("Show the request")
    wait_until(lambda: "not valid any more" in page.text(), 10)
    page.run(f"document.getElementById('code').value = '{code[:3]} {code[3:]}'")
    page.press("Show the request")
    wait_until(lambda: "Before you share your screen" in page.text(), 10)
    desk.until(lambda: desk.end.view.phase is Phase.PROMPTED)


@pytest.mark.skipif(not coturn.available(), reason=coturn.MISSING)
def test_where_only_the_relay_is_allowed_a_browser_shows_no_address_of_its_own(tmp_path: Path, page: Page) -> None:
    """Credentials come after the consent, and nothing but relayed addresses is told or used."""
    store, folder = Store.open(sqlite_url(tmp_path)), tmp_path / "relay"
    folder.mkdir()
    with coturn.running(folder) as relay, served(store, relay.settings) as (world, url):
        desk = AgentDesk(world, url)
        try:
            share(desk, page, relay_only=True)
            desk.until(lambda: desk.end.view.path)
            assert desk.end.view.path == "relay"
            told = [a.message.sdp for a in desk.side.of(ToChild) if isinstance(a.message, RemoteSdp)]
            found = [line for sdp in told for line in sdp.splitlines() if line.startswith("a=candidate")]
            assert found
            assert all(" typ relay" in line for line in found)
        finally:
            desk.close()
    store.close()
