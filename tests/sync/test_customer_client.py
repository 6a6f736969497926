# SPDX-License-Identifier: GPL-3.0-or-later
"""A companion's way to the server on lines that die in silence, break, and come back; real sockets."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from sync import customer_client as net
from sync import protocol as live
from sync.customer_api import CustomerApi
from sync.session_protocol import Redeemed
from tests.fakes.customer_server import CustomerServer
from tests.fakes.wait import wait_until
from tests.sync.causal_line import Line, Silence

COMPANION = "0190" + "12" * 14


class Kept:
    """Rows in memory: nothing waits."""

    def waiting(self) -> Sequence[net.Waiting]:
        return ()

    def settle(self, item: str, number: int | None, refused: str) -> None:
        """Nothing to note."""

    def entries(self) -> Sequence[net.Entries]:
        return ()

    def entries_sent(self, entries: net.Entries) -> None:
        """Nothing to note."""

    def home_tag(self) -> str:
        return ""

    def save_home(self, raw: bytes, tag: str, at_ms: int) -> None:
        """Kept nowhere."""


class Bench:
    """A customer's computer, its line, and the server."""

    def __init__(self) -> None:
        self.server = CustomerServer().start()
        self.line = Line(int(self.server.url.rsplit(":", 1)[1]))
        key = Ed25519PrivateKey.generate()
        self.server.pubkey = key.public_key().public_bytes_raw()
        self.heard: list[net.CustomerEvent] = []
        self.thread = net.NetworkThread("test-companion")
        org_key = self.server.key.public_key().public_bytes_raw()
        self.client = net.CustomerClient(
            self.thread, CustomerApi(self.line.url), COMPANION, key, org_key, Kept(), self.heard.append
        )
        self.client.start()
        self.wait_socket()

    def wait_socket(self) -> None:
        """Wait until the live channel is open and the line is known to be there."""
        wait_until(lambda: self.server.sockets, 10)
        wait_until(lambda: self.of(net.LineChanged) and self.of(net.LineChanged)[-1].online, 10)

    def has_socket_but(self, was: object) -> bool:
        """Whether a live channel is open that is another one."""
        return bool(self.server.sockets) and self.server.sockets[-1] is not was

    def of(self, kind: type) -> list:  # type: ignore[type-arg]  # of the kind that was asked for
        """What was heard of one kind."""
        return [event for event in list(self.heard) if isinstance(event, kind)]

    def close(self) -> None:
        """End everything."""
        self.line.silence(Silence.NONE)
        self.client.stop(0.1)
        self.thread.stop()
        self.line.stop()
        self.server.stop()


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    monkeypatch.setattr(net, "_PING_S", 0.3)
    made = Bench()
    yield made
    made.close()


def test_a_companion_on_a_line_that_died_in_silence_is_reached_again_when_it_is_back(bench: Bench) -> None:
    """A laptop that slept, a router that forgot: the invitation comes over a new connection, not after many minutes."""
    first = bench.server.sockets[0]
    bench.line.silence(Silence.BOTH)
    wait_until(lambda: "server_unreachable" in [e.code for e in bench.of(net.LineChanged)], 20)
    bench.line.silence(Silence.NONE)
    wait_until(partial(bench.has_socket_but, first), 20)
    bench.server.push(live.SessionEnded(session=b"s" * 16, reason="end"))
    wait_until(lambda: bench.of(net.SessionClosed), 5)


def test_after_a_change_of_network_a_dead_line_is_opened_anew_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not after the next ping: a session in progress needs the line within seconds. A line that answers is kept."""
    monkeypatch.setattr(net, "_PROOF_S", 0.3)
    bench = Bench()
    try:
        first = bench.server.sockets[0]
        bench.client.network_changed()
        pushed = bench.of(net.SessionClosed)
        bench.server.push(live.SessionEnded(session=b"s" * 16, reason="end"))
        wait_until(lambda: bench.of(net.SessionClosed) != pushed, 5)
        assert not bench.has_socket_but(first)
        bench.line.silence(Silence.BOTH)
        bench.client.network_changed()
        wait_until(lambda: bench.client._socket is None, 10)
        bench.line.silence(Silence.NONE)
        wait_until(partial(bench.has_socket_but, first), 20)
    finally:
        bench.close()


def test_a_token_that_cannot_be_renewed_for_a_moment_stops_no_signalling(bench: Bench) -> None:
    """A server that is busy for a second must not make a companion mute for as long as its connection lasts."""
    bench.server.problem = (503, "busy")
    bench.client._token_until = 0.0
    asked = len(bench.server.called)
    wait_until(lambda: len(bench.server.called) > asked, 10)
    bench.server.problem = None
    bench.client.send_sig(b"s" * 16, "agent", 1, b"hello")
    wait_until(lambda: bench.server.sigs, 10)


def test_a_channel_that_lasted_is_opened_again_at_once_however_often_others_broke(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Seven mishaps in a week must not make a customer wait half a minute for an invitation for ever after."""
    monkeypatch.setattr(net, "_BACKOFF_S", (0.05, 3600))
    monkeypatch.setattr(net, "_LASTED_S", 0)
    for _ in range(4):
        was = bench.server.sockets[0]
        bench.line.cut()
        wait_until(partial(bench.has_socket_but, was), 5)


@pytest.mark.parametrize(("status", "code"), [(503, "server_unreachable"), (404, "bad_code"), (429, "blocked")])
def test_a_busy_server_is_not_told_as_a_wrong_code(bench: Bench, status: int, code: str) -> None:
    """The customer reads the right code from the phone: only the server's no to it may be called one."""
    bench.server.problem = (status, "some")
    bench.client.redeem(code="123456789")
    wait_until(lambda: bench.of(net.RedeemAnswered), 10)
    assert bench.of(net.RedeemAnswered)[0].code == code


def test_a_token_that_ended_in_sleep_is_not_told_as_a_wrong_code(bench: Bench) -> None:
    """The steady clock stands still while a computer sleeps, so that the token seems good for long."""
    right = Redeemed(invitation="", signature="", join_secret="", token="")
    bench.server.redeemed = right
    bench.server.stale_tokens = 1
    bench.client.redeem(code="123456789")
    wait_until(lambda: bench.of(net.RedeemAnswered), 10)
    assert bench.of(net.RedeemAnswered)[0].redeemed == right


def test_home_comes_though_the_list_of_revoked_certificates_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    """The list concerns invitations alone: what the customer reads and writes does not wait for it."""
    monkeypatch.setattr(CustomerServer, "_on_revocations", lambda *_: None)
    made = Bench()
    try:
        wait_until(lambda: made.of(net.HomeArrived), 10)
        assert made.of(net.RevocationsArrived) == []
    finally:
        made.close()
