# SPDX-License-Identifier: GPL-3.0-or-later
"""A real coturn with the printed configuration: who is let in, by which way, and where nobody is relayed to."""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from aioice import stun, turn

from tests.fakes import coturn
from tests.fakes.coturn import Coturn

pytestmark = pytest.mark.skipif(not coturn.available(), reason=coturn.MISSING)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Coturn]:
    with coturn.running(tmp_path_factory.mktemp("coturn")) as made:
        yield made


@pytest.fixture(scope="module")
def server6(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Coturn]:
    folder = tmp_path_factory.mktemp("coturn6")
    with coturn.running(folder, "keep-address-family", host="::1", meet=False) as made:
        yield made


class Hearer(asyncio.DatagramProtocol):
    """Takes the first datagram."""

    def __init__(self, heard: asyncio.Future[bytes]) -> None:
        self.heard = heard

    def datagram_received(self, data: bytes, _addr: tuple[Any, ...]) -> None:
        if not self.heard.done():
            self.heard.set_result(data)


class Ending(asyncio.DatagramProtocol):
    """Tells when the way to the relay is closed: TLS ends with an answer of the other side, so not at once."""

    def __init__(self) -> None:
        self.ended = asyncio.Event()

    def connection_lost(self, _exc: Exception | None) -> None:
        self.ended.set()


@contextlib.asynccontextmanager
async def allocated(server: Coturn, way: str = "udp", **changes: Any) -> AsyncIterator[tuple[Any, Any]]:
    """Allocate at the relay as aioice does; yield its transport and the client beneath it."""
    told = server.answer(os.urandom(16), "customer") | changes  # coturn lets a place go a second after the last use
    host, port = server.settings.tls if way == "tls" and server.settings.tls else server.settings.plain
    transport, ending = await turn.create_turn_endpoint(
        Ending,
        server_addr=(host, port),
        username=str(told["username"]),
        password=str(told["credential"]),
        ssl=coturn.trusting(server.authority) if way == "tls" else None,
        transport="udp" if way == "udp" else "tcp",
    )
    client: Any = transport._TurnTransport__inner_protocol  # type: ignore[attr-defined]  # no public way to the client
    try:
        yield transport, client
    finally:
        await client.delete()
        client.receiver = ending  # a test may have put its own in the place
        await asyncio.wait_for(ending.ended.wait(), 30)  # a loop that is closed before leaves a socket open


async def refused(work: Any) -> int:
    """Return the code with which the server refuses."""
    with pytest.raises(stun.TransactionFailed) as error:
        await work
    return error.value.response.error_code or 0


@pytest.mark.parametrize("way", ["udp", "tcp", "tls"])
async def test_the_credentials_of_our_server_open_an_allocation(server: Coturn, way: str) -> None:
    """By each of the three ways; TLS under an authority that only this program was told of."""
    async with allocated(server, way) as (transport, _):
        assert transport.get_extra_info("sockname")[0] == coturn.LOOPBACK


async def test_data_pass_between_two_allocations(server: Coturn) -> None:
    """Both ends of a session may use the same relay."""
    async with allocated(server) as (one, first), allocated(server, "tcp") as (two, second):
        heard: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        second.receiver = Hearer(heard)
        await second.channel_bind(0x4000, one.get_extra_info("sockname"))
        second.channel_to_peer[0x4000] = one.get_extra_info("sockname")
        await first.send_data(b"hello", two.get_extra_info("sockname"))
        assert await asyncio.wait_for(heard, 30) == b"hello"


@pytest.mark.parametrize("wrong", ["secret", "expired", "renamed", "none"])
async def test_wrong_credentials_open_nothing(server: Coturn, wrong: str) -> None:
    """Another secret, ten minutes over, another session's name, none at all: 401."""
    told: dict[str, Any] = server.answer(bytes(16), "customer")
    if wrong == "secret":
        other = replace(server.settings, secret=b"another-secret-of-nobody").credentials(
            int(time.time() * 1000), bytes(16), "x"
        )
        told = {"username": other.username, "credential": other.credential}
    elif wrong == "expired":
        old = server.settings.credentials(int((time.time() - 700) * 1000), bytes(16), "customer")
        told = {"username": old.username, "credential": old.credential}
    elif wrong == "renamed":
        told["username"] = str(told["username"]).replace("customer", "agent")
    else:
        told |= {"username": "", "credential": ""}

    async def allocate() -> None:
        async with allocated(server, "udp", **told):
            pass

    assert await refused(allocate()) == 401


async def test_a_certificate_of_an_unknown_authority_is_not_believed(server: Coturn, tmp_path: Path) -> None:
    """TLS that anybody could end would show who is in a session with whom."""
    (tmp_path / "other").mkdir()
    other = coturn.make_certificates(tmp_path / "other", coturn.LOOPBACK)[2]
    with pytest.raises(OSError, match="CERTIFICATE_VERIFY_FAILED"):
        async with allocated(replace(server, authority=other), "tls"):
            pass


async def test_an_allocation_outlives_the_credentials_that_opened_it(server: Coturn) -> None:
    """coturn looks at the expiry when an allocation is opened, not when it is refreshed: long sessions are not cut.

    A nonce that has run out is only renewed. Opening another one with the same name is refused.
    """
    moment = server.settings.credentials(int((time.time() - 599) * 1000), bytes(16), "customer")
    assert moment.username.startswith(str(int(time.time()) + 1)[:-2])
    async with allocated(server, username=moment.username, credential=moment.credential) as (_, client):
        expiry = int(moment.username.split(":")[0])
        while time.time() < expiry + 1.2:
            await asyncio.sleep(0.1)
        refresh = stun.Message(message_method=stun.Method.REFRESH, message_class=stun.Class.REQUEST)
        refresh.attributes["LIFETIME"] = 600
        client.nonce = b"stale"
        response, _ = await client.request_with_retry(refresh)
        assert response.attributes["LIFETIME"] == 600

        async def again() -> None:
            async with allocated(server, username=moment.username, credential=moment.credential):
                pass

        assert await refused(again()) == 401


@pytest.mark.parametrize(
    "peer",
    ["127.0.0.2", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.1", "224.0.0.1"],
)
async def test_nobody_is_relayed_into_a_network_that_is_not_public(server: Coturn, peer: str) -> None:
    """403, with good credentials too; the relay's own address is the exception, and only that one."""
    async with allocated(server) as (_, client):
        assert await refused(client.channel_bind(0x4001, (peer, 80))) == 403


async def test_nor_by_the_newer_addresses(server6: Coturn) -> None:
    """Loopback, private, link-local, multicast, and the older addresses in disguise."""
    async with allocated(server6) as (_, client):
        for number, peer in enumerate(
            ("::1", "fc00::1", "fd12:3456::1", "fe80::1", "ff02::1", "64:ff9b::a00:1", "2002:a00:1::")
        ):
            assert await refused(client.channel_bind(0x4001 + number, (peer, 80))) == 403, peer


async def test_loopback_is_denied_without_the_exception(server6: Coturn, tmp_path: Path) -> None:
    """The printed configuration, as on a public address."""
    with coturn.running(tmp_path, meet=False) as server:
        async with allocated(server) as (_, client):
            assert await refused(client.channel_bind(0x4001, ("127.0.0.1", 80))) == 403


async def test_one_end_holds_four_allocations_at_most(server: Coturn) -> None:
    """486; the other end and other sessions are not touched."""
    told: dict[str, Any] = server.answer(b"q" * 16, "customer")
    async with contextlib.AsyncExitStack() as held:
        for _ in range(4):
            await held.enter_async_context(allocated(server, "udp", **told))

        async def fifth() -> None:
            async with allocated(server, "udp", **told):
                pass

        assert await refused(fifth()) == 486
        async with allocated(server, "udp", **server.answer(b"q" * 16, "agent")):
            pass
