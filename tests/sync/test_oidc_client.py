# SPDX-License-Identifier: GPL-3.0-or-later
"""The listener that the browser comes back to, and the question where the provider's page is: whatever comes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from app.domain.errors import WorldError
from app.entry.sync_worker_oidc import page
from sync.oidc_client import BrowserSignIn, authorization_endpoint
from sync.protocol import OidcOffer
from tests.fakes.oidc_provider import Provider

OFFER = OidcOffer(issuer="https://login.example.com", client_id="deskside", scopes=["openid", "email"])
ENDPOINT = "https://login.example.com/authorize"


def listening(play: Callable[[BrowserSignIn], Coroutine[Any, Any, None]], wait_s: float = 20.0) -> None:
    """Run something against a listener."""

    async def main() -> None:
        flow = BrowserSignIn(OFFER, ENDPOINT, page, wait_s)
        await flow.start()
        try:
            await play(flow)
        finally:
            await flow.close()

    asyncio.run(main())


async def say(flow: BrowserSignIn, raw: bytes) -> bytes:
    """Send bytes and return all that comes back."""
    place = urlsplit(flow.redirect)
    reader, writer = await asyncio.open_connection(place.hostname, place.port)
    writer.write(raw)
    writer.write_eof()
    answer = await reader.read()
    writer.close()
    return answer


def request(flow: BrowserSignIn, query: str) -> bytes:
    """A browser's request with our state."""
    place = urlsplit(flow.redirect)
    state = parse_qs(urlsplit(flow.url).query)["state"][0]
    return f"GET {place.path}?state={state}&{query} HTTP/1.1\r\nHost: {place.netloc}\r\n\r\n".encode()


def test_a_browser_that_never_comes_back_ends_in_a_clear_word() -> None:
    """The person closed it; nobody waits for ever."""

    async def play(flow: BrowserSignIn) -> None:
        with pytest.raises(WorldError) as told:
            await flow.code()
        assert told.value.code == "oidc_timeout"

    listening(play, wait_s=0.05)


def test_a_code_is_taken_once_and_the_page_says_in_both_languages_that_it_can_be_closed() -> None:
    """Going back and reloading changes nothing."""

    async def play(flow: BrowserSignIn) -> None:
        first = await say(flow, request(flow, "code=abc"))
        assert first.startswith(b"HTTP/1.1 200 ")
        assert "이 창을 닫고" in first.decode()
        assert "You can close this window" in first.decode()
        again = await say(flow, request(flow, "code=evil"))
        assert again.startswith(b"HTTP/1.1 410 ")
        code = await flow.code()
        assert (code.code, code.redirect) == ("abc", flow.redirect)
        assert len(code.verifier) >= 43

    listening(play)


@pytest.mark.parametrize(
    "raw",
    [
        b"", b"\x16\x03\x01\x02\x00\x01\x00", b"GET / HTTP/1.1\r\n\r\n", b"\r\n\r\n", b"GET", b"x" * 40_000,
        b"GET /callback?state=\xff%ff%00 HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", b"GET http://[::1 HTTP/1.1\r\n\r\n",
    ],
)  # fmt: skip
def test_whatever_else_knocks_does_not_end_the_waiting(raw: bytes) -> None:
    """Scanners, other programs, half a request: the right one still counts."""

    async def play(flow: BrowserSignIn) -> None:
        with_answer = await say(flow, raw)
        assert not with_answer.startswith(b"HTTP/1.1 200")
        await say(flow, request(flow, "code=right"))
        assert (await flow.code()).code == "right"

    listening(play)


def test_an_answer_without_a_code_counts_as_no() -> None:
    """`error`, or nothing at all."""

    async def play(flow: BrowserSignIn) -> None:
        await say(flow, request(flow, "code="))
        with pytest.raises(WorldError) as told:
            await flow.code()
        assert told.value.code == "oidc_denied"

    listening(play)


@pytest.fixture
def provider() -> Iterator[Provider]:
    made = Provider()
    yield made
    made.close()


def _wrong_issuer(provider: Provider) -> None:
    provider.override = {"discovery_issuer": "https://evil.example.com"}


def _broken(provider: Provider) -> None:
    provider.broken = 502


def _html(provider: Provider) -> None:
    provider.html = True


@pytest.mark.parametrize(
    ("harm", "code"),
    [(_wrong_issuer, "oidc_setup"), (_html, "oidc_setup"), (_broken, "oidc_unreachable"),
     (Provider.close, "oidc_unreachable")],
)  # fmt: skip
def test_a_provider_in_trouble_is_named_before_a_browser_opens(
    provider: Provider, harm: Callable[[Provider], None], code: str
) -> None:
    """Nobody is sent to a page of somebody else."""
    assert asyncio.run(authorization_endpoint(provider.issuer)) == f"{provider.issuer}/authorize"
    harm(provider)
    with pytest.raises(WorldError) as told:
        asyncio.run(authorization_endpoint(provider.issuer))
    assert told.value.code == code
