# SPDX-License-Identifier: GPL-3.0-or-later
"""Signing in in the browser, with a real server, a real worker and a real provider; plain HTTP plays the browser."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from pytestqt.qtbot import QtBot

from app.desktop.children import Children
from app.desktop.jobs import QtJobs
from app.desktop.worker_link import StoreHooks, WorkerLink, WorkerOrders
from app.domain import link
from app.entry.sync_codec import open_profile, wall_ms
from tests.fakes.oidc_provider import CLIENT_ID, Provider
from tests.fakes.wait import wait_until
from tests.sync.processes import CLI, KEY, PASSWORD, Window


@pytest.fixture(scope="module")
def one_provider() -> Iterator[Provider]:
    made = Provider()
    yield made
    made.close()


@pytest.fixture
def provider(one_provider: Provider) -> Iterator[Provider]:
    """The provider of the server, as it should be at the start of each test."""
    kept = one_provider.claims
    yield one_provider
    one_provider.claims, one_provider.denies, one_provider.broken = kept, "", 0


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory, one_provider: Provider) -> Iterator[str]:
    """A server that offers the provider, and knows its person as `kim`."""
    provider, folder = one_provider, tmp_path_factory.mktemp("oidc") / "server"
    create = [*CLI, "admin", "--data", str(folder), "create-user", "kim", "--name", "김지우", "--password-stdin"]
    subprocess.run(create, input=PASSWORD.encode() + b"\n", check=True, capture_output=True)
    linked = [*CLI, "admin", "--data", str(folder), "link-login", "kim", "--issuer", provider.issuer]
    subprocess.run([*linked, "--sub", "person-1"], check=True, capture_output=True)
    port_file = folder / "port"
    command = [*CLI, "server", "--data", str(folder), "--port-file", str(port_file)]
    command += ["--oidc-issuer", provider.issuer, "--oidc-client-id", CLIENT_ID]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wait_until(lambda: port_file.exists() and port_file.read_text().strip(), 30)
    yield port_file.read_text().strip()
    process.terminate()
    process.wait(20)


@pytest.fixture
def window(tmp_path: Path) -> Iterator[Window]:
    """A window with its worker."""
    made = Window(tmp_path / "seat")
    made.start_worker()
    made.connect()
    yield made
    made.close()


def ask(window: Window, url: str) -> str:
    """Press "Sign in with the browser"; return the address that the browser is to open."""
    before = len(window.messages)
    window.send(link.SignIn(server=url, login="", password="", device_name="test", browser=True))

    def opened() -> list[str]:
        return [m.url for m in window.messages[before:] if isinstance(m, link.OpenBrowser)]

    wait_until(opened, 20)
    return opened()[-1]


def refusals(window: Window) -> list[str | None]:
    """The codes with which sign-ins were refused."""
    return [m.code for m in window.messages if isinstance(m, link.SignInNeeded) and m.code]


def callback(url: str) -> str:
    """Where the provider would send the browser, without going there."""
    return httpx.get(url).headers["location"]


def test_a_person_signs_in_in_the_browser_and_everything_is_there(url: str, window: Window) -> None:
    """No password passes through Deskside; the page says in both languages that it can be closed."""
    window.send(link.AskOffer(server=url))
    wait_until(lambda: any(isinstance(m, link.SignInOffer) and m.browser for m in window.messages), 10)
    page = httpx.get(ask(window, url), follow_redirects=True)
    assert page.status_code == 200
    assert "이 창을 닫고" in page.text
    assert "You can close this window" in page.text
    wait_until(lambda: window.profile.identity is not None, 20)
    assert window.profile.identity is not None
    assert window.profile.identity.login == "kim"
    window.wait_phase("live", 30)


def test_a_stray_or_forged_callback_does_not_disturb_the_right_one(url: str, window: Window) -> None:
    """Another page of the browser cannot bring a code of its own, nor end the waiting."""
    opened = ask(window, url)
    right = callback(opened)
    place = urlsplit(right)
    base = f"http://{place.netloc}"
    assert httpx.get(f"{base}/callback?code=evil&state=guess").status_code == 400
    assert httpx.get(f"{base}/callback?code=evil").status_code == 400
    assert httpx.get(f"{base}/favicon.ico").status_code == 404
    assert httpx.get(right, headers={"host": "evil.example.com"}).status_code == 404
    assert httpx.post(right).status_code == 404
    assert place.hostname == "127.0.0.1"
    assert httpx.get(right).status_code == 200
    wait_until(lambda: window.profile.identity is not None, 20)


def test_what_goes_through_the_browser_is_made_anew_each_time_and_holds_no_token(url: str, window: Window) -> None:
    """State, nonce and challenge differ; neither verifier nor token is among them."""
    queries = [parse_qs(urlsplit(ask(window, url)).query) for _ in range(2)]
    for name in ("state", "nonce", "code_challenge"):
        assert queries[0][name] != queries[1][name]
    assert queries[0]["code_challenge_method"] == ["S256"]
    assert not {"code_verifier", "refresh", "access", "client_secret"} & queries[0].keys()


def test_a_person_who_says_no_is_told_so_and_can_try_again(url: str, window: Window, provider: Provider) -> None:
    """The page and the window both say that nothing happened."""
    provider.denies = "access_denied"
    page = httpx.get(ask(window, url), follow_redirects=True)
    assert "You are not signed in" in page.text
    wait_until(lambda: refusals(window) == ["oidc_denied"], 10)
    provider.denies = ""
    httpx.get(ask(window, url), follow_redirects=True)
    wait_until(lambda: window.profile.identity is not None, 20)


def test_a_person_without_an_account_is_told_so(url: str, window: Window, provider: Provider) -> None:
    """The provider knows them, this help desk does not."""
    provider.claims = {"sub": "stranger"}
    httpx.get(ask(window, url), follow_redirects=True)
    wait_until(lambda: refusals(window) == ["oidc_no_account"], 10)
    assert window.profile.identity is None


def test_a_person_who_closed_the_browser_can_stop_waiting_and_use_the_password(url: str, window: Window) -> None:
    """Calling it off is no error; the port is closed at once."""
    place = urlsplit(callback(ask(window, url)))
    window.send(link.SignInCancel())

    def closed() -> bool:
        try:
            httpx.get(f"http://{place.netloc}/callback")
        except httpx.TransportError:
            return True
        return False

    wait_until(closed, 10)
    assert refusals(window) == []
    window.sign_in(url, "kim")


def test_a_provider_that_is_down_is_told_and_the_password_still_works(
    url: str, window: Window, provider: Provider
) -> None:
    """Nothing opens in the browser."""
    provider.broken = 500
    window.send(link.SignIn(server=url, login="", password="", device_name="test", browser=True))
    wait_until(lambda: refusals(window) == ["oidc_unreachable"], 20)
    window.sign_in(url, "kim")


def proved(window: Window, id_: int) -> list[tuple[str | None, int]]:
    """What became of a proof."""
    return [(m.code, m.retry_s) for m in window.messages if isinstance(m, link.Proved) and m.id == id_]


def proof_page(window: Window, id_: int) -> str:
    """Ask for a proof in the browser; return the address to be opened."""
    window.send(link.Prove(id=id_, browser=True))

    def opened() -> list[str]:
        return [m.url for m in window.messages if isinstance(m, link.OpenProofPage) and m.id == id_]

    wait_until(opened, 20)
    return opened()[0]


def test_who_is_signed_in_proves_it_again_with_the_password_or_in_the_browser(url: str, window: Window) -> None:
    """A wrong password signs nobody out; in the browser the provider is told to ask whoever is signed in there."""
    httpx.get(ask(window, url), follow_redirects=True)
    window.wait_phase("live", 30)
    window.send(link.Prove(id=1, password="guess"))
    wait_until(lambda: proved(window, 1) == [("credentials", 0)], 10)
    window.send(link.Prove(id=2, password=PASSWORD))
    wait_until(lambda: proved(window, 2) == [(None, 0)], 10)
    page = proof_page(window, 3)
    query = parse_qs(urlsplit(page).query)
    assert (query["prompt"], query["max_age"]) == (["login"], ["0"])
    httpx.get(page, follow_redirects=True)
    wait_until(lambda: proved(window, 3), 10)
    assert proved(window, 3) == [(None, 0)]
    proof_page(window, 4)
    window.send(link.ProofCancel())
    wait_until(lambda: proved(window, 4), 10)
    assert proved(window, 4) == [("cancelled", 0)]
    assert window.status is not None
    assert window.status.phase == "live"


def test_the_window_itself_asks_sends_to_the_browser_and_hears_of_the_success(
    qtbot: QtBot, tmp_path: Path, url: str, provider: Provider
) -> None:
    """What is asked before the worker is there is asked when it comes."""
    del provider
    profile, jobs, children = open_profile(tmp_path / "window", KEY), QtJobs(lambda _error: None), Children()
    hooks = StoreHooks(
        profile.numbers, profile.poll, profile.after_checkpoint, profile.reopen, profile.commits.save_identity
    )
    worker = WorkerLink(WorkerOrders(profile.folder, KEY, profile.socket_token()), hooks, jobs, children, wall_ms)
    try:
        worker.ask_offer(url)
        with qtbot.waitSignal(worker.browser_offered, timeout=30_000) as offered:
            worker.start()
        assert offered.args == [url, True]
        with qtbot.waitSignal(worker.browser_wanted, timeout=20_000) as wanted:
            worker.sign_in_by_browser(url)
        with qtbot.waitSignal(worker.signed_in, timeout=30_000) as done:
            httpx.get(wanted.args[0], follow_redirects=True)
        assert done.args[0].login == "kim"
    finally:
        pid = worker.worker_pid
        worker.close()
        children.close()
        if pid is not None:
            os.kill(pid, signal.SIGKILL)
        jobs.close()
        profile.close()
