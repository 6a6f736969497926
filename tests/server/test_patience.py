# SPDX-License-Identifier: GPL-3.0-or-later
"""Strangers who open connections and leave them, or send much and slowly, take no place from the people who work."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest
import uvicorn

from sync.server.web import patience
from sync.server.web.patience import PatientHttp
from tests.fakes.wait import wait_until
from tests.server.world import World

_ANSWER = 8 << 20
_JSON = {"content-type": "application/json"}


async def _app(scope: Any, receive: Any, send: Any) -> None:
    """Answers when it has the whole body: at /much with much."""
    if scope["type"] != "http":
        return
    while (message := await receive())["type"] == "http.request" and message.get("more_body"):
        pass
    if message["type"] == "http.disconnect":
        return
    body = b"x" * (_ANSWER if scope["path"] == "/much" else 2)
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(body))]})
    await send({"type": "http.response.body", "body": body})


@pytest.fixture
def running(monkeypatch: pytest.MonkeyPatch) -> Iterator[uvicorn.Server]:
    """A listening server whose patience is short."""
    for name in ("HEAD_S", "BODY_S", "READ_S"):
        monkeypatch.setattr(patience, name, 0.2)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        config = uvicorn.Config(_app, http=PatientHttp, log_config=None, access_log=False, lifespan="off")
        made = uvicorn.Server(config)
        thread = threading.Thread(target=lambda: asyncio.run(made.serve(sockets=[listener])))
        thread.start()
        wait_until(lambda: made.started)
        yield made
        made.should_exit = True
        thread.join()


@pytest.fixture
def server(running: uvicorn.Server) -> tuple[str, int]:
    """Its address."""
    address: tuple[str, int] = running.servers[0].sockets[0].getsockname()
    return address


def rest_of(line: socket.socket) -> bytes:
    """Return all that comes until the server ends the connection. Raises TimeoutError when it does not."""
    said = b""
    try:
        while data := line.recv(65536):
            said += data
    except ConnectionResetError:
        pass
    return said


@pytest.mark.parametrize(
    "begun",
    [
        b"",
        b"POST /auth/v1/login HTTP/1.1\r\nHost: x\r\n",
        b"POST /auth/v1/login HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nabc",
        b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
    ],
    ids=["nothing", "half a head", "half a body", "half a chunk"],
)
def test_a_request_that_does_not_go_on_loses_its_connection(server: tuple[str, int], begun: bytes) -> None:
    """However it was begun; no answer is owed."""
    with socket.create_connection(server, 20) as line:
        line.sendall(begun)
        assert rest_of(line) == b""


def test_a_second_request_that_stops_half_way_loses_it_too(server: tuple[str, int]) -> None:
    """The first one is answered as ever."""
    with socket.create_connection(server, 20) as line:
        line.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        said = line.recv(65536)
        line.sendall(b"GET / HTTP/1.1\r\nHo")
        assert (said + rest_of(line)).count(b"200 OK") == 1


def test_who_does_not_read_an_answer_loses_the_rest_of_it(running: uvicorn.Server, server: tuple[str, int]) -> None:
    """What was made for it is not kept."""
    with socket.socket() as line:
        line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        line.settimeout(20)
        line.connect(server)
        line.sendall(b"GET /much HTTP/1.1\r\nHost: x\r\n\r\n")
        wait_until(lambda: running.server_state.total_requests == 1)
        wait_until(lambda: not running.server_state.connections)
        assert len(rest_of(line)) < _ANSWER


def test_a_slow_line_that_goes_on_is_waited_for(server: tuple[str, int], monkeypatch: pytest.MonkeyPatch) -> None:
    """The time for a head does not count for a body, which may take as long as it goes on."""
    monkeypatch.setattr(patience, "BODY_S", 20)
    with socket.create_connection(server, 20) as line:
        line.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 8\r\n\r\n")
        for _ in range(8):
            threading.Event().wait(0.1)  # twice as long as the patience for a head, together
            line.sendall(b"a")
        assert b"200 OK" in line.recv(65536)


@pytest.mark.parametrize(
    "path", ["/auth/v1/login", "/auth/v1/refresh", "/customer/v1/enrol", "/customer/v1/token", "/session/v1/redeem"]
)
def test_nobody_without_an_account_makes_the_server_keep_much(desk: World, path: str) -> None:
    """What anybody may send is small."""
    answer = desk.client.post(path, content=b'{"a":"' + b"a" * 100_000, headers=_JSON)
    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")


@pytest.mark.parametrize("path", ["/customer/v1/request", "/customer/v1/message", "/session/v1/00/entries"])
def test_where_much_may_be_sent_the_token_is_looked_at_first(desk: World, path: str) -> None:
    """A stranger's body is not read, whatever it is."""
    answer = desk.client.post(path, content=b'{"a":"' + b"a" * 100_000, headers=_JSON)
    assert (answer.status_code, answer.json()["code"]) == (401, "token")
