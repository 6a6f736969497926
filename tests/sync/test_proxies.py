# SPDX-License-Identifier: GPL-3.0-or-later
"""Which way the worker takes to its server where a computer's settings name proxies."""

from __future__ import annotations

import pytest

from sync.proxies import ProxyUnusable, proxy_to
from sync.transport import Transport
from tests.sync.test_transport import Kept

SERVER = "https://desk.example"


@pytest.fixture(autouse=True)
def _nothing_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.mark.parametrize("proxy", ["socks://127.0.0.1:1080/", "socks5h://h:1", "ftp://h:1", "http://[::1", "http://"])
def test_a_proxy_that_cannot_be_used_is_said_and_not_gone_around(monkeypatch: pytest.MonkeyPatch, proxy: str) -> None:
    """A SOCKS proxy in the desktop's settings used to kill the part that sends, again and again, without a word."""
    monkeypatch.setenv("ALL_PROXY", proxy)
    with pytest.raises(ProxyUnusable):
        Transport(SERVER, Kept(), lambda: 0.0)


async def test_of_several_settings_the_one_for_this_kind_of_server_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    """As desktops write them: an HTTP proxy, and a SOCKS proxy for the rest."""
    monkeypatch.setenv("ALL_PROXY", "socks://127.0.0.1:1080/")
    monkeypatch.setenv("HTTPS_PROXY", "proxy.example:3128")
    assert proxy_to(SERVER) == "http://proxy.example:3128"


async def test_behind_a_proxy_a_line_that_is_back_is_known_by_the_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """The server itself takes no connection from here: knocking at it after a hiccup would cost five minutes."""
    monkeypatch.setenv("HTTPS_PROXY", "http://me:secret@proxy.example:3128")
    transport = Transport(SERVER, Kept(), lambda: 0.0)
    assert transport.host == ("proxy.example", 3128)
    await transport.close()


@pytest.mark.parametrize(
    ("server", "exempt"),
    [
        (SERVER, "desk.example"),
        (SERVER, ".example"),
        (SERVER, "*"),
        ("http://127.0.0.1:8750", "localhost,127.0.0.1,[::1]"),
        ("http://[::1]:8750", "::1"),
        ("http://[::1]:8750", "localhost, [::1]"),
    ],
)
async def test_a_server_that_is_exempt_is_reached_straight(
    monkeypatch: pytest.MonkeyPatch, server: str, exempt: str
) -> None:
    monkeypatch.setenv("ALL_PROXY", "socks5://127.0.0.1:1080")
    monkeypatch.setenv("NO_PROXY", exempt)
    transport = Transport(server, Kept(), lambda: 0.0)
    assert transport.host[0] in server
    await transport.close()
