# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from app.domain.errors import ServerUnreachable, SignInRefused, StoreUnavailable, WorldError, WrongServer
from sync.protocol import CONTENT_TYPE, Hello, Login, Problem, Pull, Push, Tokens, pack
from sync.transport import FROM_PROXY, Answered, Transport, normal_url

Raw = Callable[[bytes], bytes]


class Kept:
    """A token store in memory."""

    def __init__(self, refresh: str | None = "r0") -> None:
        self.refresh = refresh

    def load(self) -> str | None:
        return self.refresh

    def save(self, refresh: str | None) -> None:
        self.refresh = refresh


def http(status: str, body: bytes, kind: str = CONTENT_TYPE, extra: str = "", length: int | None = None) -> bytes:
    """An HTTP answer, byte by byte."""
    size = len(body) if length is None else length
    return f"HTTP/1.1 {status}\r\ncontent-type: {kind}\r\ncontent-length: {size}\r\n{extra}\r\n".encode() + body


TOKENS = http("200 OK", pack(Tokens(access="a1", refresh="r1", expires_s=600)))
HELLO = Hello(device=b"d" * 16, schema=1, wall_ms=0, lmid_seen=0, last_mid=0)
PULL = Pull(device=b"d" * 16, epoch=b"e" * 16, lmid_seen=0, scopes={})


@contextlib.asynccontextmanager
async def serving(answer: Raw) -> AsyncIterator[Transport]:
    """A server that answers each request with raw bytes and hangs up; tokens are given properly."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            head = await reader.readuntil(b"\r\n\r\n")
            size = next(int(line.split(b":")[1]) for line in head.lower().split(b"\r\n") if b"content-length" in line)
            await reader.readexactly(size)
            writer.write(TOKENS if b"/auth/v1/refresh" in head else answer(head))
            await writer.drain()
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    transport = Transport(f"http://127.0.0.1:{port}", Kept(), lambda: 0.0)
    transport.use_device(b"d" * 16)
    try:
        yield transport
    finally:
        await transport.close()
        server.close()
        await server.wait_closed()


async def _drain(transport: Transport) -> None:
    async for _ in transport.pull(PULL):
        pass


async def _outcome(work: Awaitable[object]) -> str:
    try:
        await work
    except Answered as answered:
        return f"{answered.status} {answered.problem.code}"
    except WorldError as error:
        return error.code
    return "fine"


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (http("200 OK", b"<html>Welcome to Free Wi-Fi</html>", "text/html"), "wrong_server"),
        (http("302 Found", b"", "text/html", "location: http://login.example/\r\n"), "wrong_server"),
        (http("404 Not Found", b"nope", "text/plain"), "wrong_server"),
        (http("401 Unauthorized", b"<html>proxy</html>", "text/html"), "wrong_server"),
        (http("401 Unauthorized", b'{"code":"Unauthorized"}', "application/json"), "wrong_server"),
        (http("401 Unauthorized", pack(Problem(code="token"))), "401 token"),
        (http("500 Internal Server Error", b"<h1>oops</h1>", "text/html"), "500 busy"),
        (http("502 Bad Gateway", b"", "text/html", "retry-after: 7\r\n"), "502 busy"),
        (http("503 Service Unavailable", pack(Problem(code="busy"))), "503 busy"),
        (http("426 Upgrade Required", b'{"code":"schema","min":3}', "application/json"), "426 schema"),
        (http("200 OK", b"rubbish"), "wrong_server"),
        (http("200 OK", pack(Problem(code="x"))), "wrong_server"),
        (http("200 OK", b"rubbish", extra="content-encoding: gzip\r\n"), "wrong_server"),
        (http("502 Bad Gateway", b"rubbish", "text/html", "content-encoding: gzip\r\n"), "wrong_server"),
        (http("200 OK", b"\x28\xb5\x2f\xfd", length=5000), "server_unreachable"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "server_unreachable"),
        (b"", "server_unreachable"),
    ],
)
async def test_whatever_answers_ends_in_our_own_words(answer: bytes, expected: str) -> None:
    """HTML, redirects, errors, half a body, another program, silence: a code, never a foreign exception."""
    async with serving(lambda _: answer) as transport:
        assert await _outcome(transport.hello(HELLO)) == expected
        assert await _outcome(_drain(transport)) in (expected, "wrong_server", "server_unreachable")


ENDLESS = 64 << 20  # what a strange server would send if anybody took it


@pytest.mark.parametrize("status", ["200 OK", "401 Unauthorized", "502 Bad Gateway"])
@pytest.mark.parametrize("kind", [CONTENT_TYPE, "text/html"])
async def test_an_answer_without_end_is_not_taken_into_memory(status: str, kind: str) -> None:
    """A few MiB are read at most, then the line is closed: nobody's computer runs out of memory."""
    taken: list[int] = []
    done = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            head = await reader.readuntil(b"\r\n\r\n")
            if b"/auth/v1/refresh" in head:
                writer.write(TOKENS)
            else:
                taken.append(0)
                writer.write(http(status, b"", kind, length=ENDLESS))
                for _ in range(ENDLESS >> 16):
                    writer.write(bytes(1 << 16))
                    await writer.drain()
                    taken[-1] += 1 << 16
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()
        if taken:
            done.set()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    transport = Transport(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", Kept(), lambda: 0.0)
    transport.use_device(b"d" * 16)
    try:
        assert await _outcome(transport.hello(HELLO)) in ("wrong_server", "502 busy")
    finally:
        await transport.close()
        async with asyncio.timeout(30):
            await done.wait()
        server.close()
        await server.wait_closed()
    assert max(taken) < ENDLESS // 2


async def test_a_proxy_that_takes_no_large_requests_is_told_from_a_wrong_server() -> None:
    """Changes go out in smaller batches then; a greeting that is too large is nonsense."""
    async with serving(lambda _: http("413 Request Entity Too Large", b"<html>nginx</html>", "text/html")) as transport:
        push = Push(device=b"d" * 16, epoch=b"e" * 16, muts=[])
        assert await _outcome(transport.push(push)) == "413 too_large"
        assert await _outcome(transport.hello(HELLO)) == "wrong_server"
        with pytest.raises(Answered) as refused:
            async with transport.stream("PUT", "/blob/00", content=b"x"):
                pass
        assert (refused.value.problem.code, refused.value.problem.detail) == ("too_large", FROM_PROXY)


@pytest.mark.parametrize("code", ["token", "credentials", "oidc_refused"])
async def test_what_our_server_says_of_a_token_is_told_from_a_gateway(code: str) -> None:
    """Only a word of our own server may end a sign-in: a gateway's refusal leaves everything as it is."""
    ours = http("401 Unauthorized", b'{"code":"%s"}' % code.encode(), "application/json")
    async with serving(lambda _: ours) as transport:
        assert await _outcome(transport.hello(HELLO)) == f"401 {code}"


async def test_nobody_there_is_unreachable() -> None:
    """A closed port."""
    transport = Transport("http://127.0.0.1:9", Kept(), lambda: 0.0)
    assert await _outcome(transport.hello(HELLO)) == "server_unreachable"
    assert await transport.call("GET", "/session/v1/revocations", b"") == (0, b"")
    with pytest.raises(ServerUnreachable):
        await transport.live()
    await transport.close()


async def test_a_refused_token_is_renewed_once() -> None:
    """401 leads to a refresh and one more try; a second 401 asks for sign-in."""
    seen: list[bytes] = []

    def answer(head: bytes) -> bytes:
        seen.append(head)
        return http("401 Unauthorized", b'{"code":"token"}', "application/json")

    async with serving(answer) as transport:
        assert await _outcome(transport.hello(HELLO)) == "401 token"
        assert len(seen) == 2


async def test_a_token_that_could_not_be_kept_is_not_asked_for_with_a_spent_one() -> None:
    """The disk is full when the new token comes: the next try uses the new one, not the old."""

    class Full(Kept):
        room = False

        def save(self, refresh: str | None) -> None:
            if not self.room:
                raise StoreUnavailable("disk_full")
            self.refresh = refresh

    async with serving(lambda _: http("404 Not Found", b"", "text/plain")) as transport:
        kept = Full()
        transport._tokens = kept
        assert await _outcome(transport.hello(HELLO)) == "disk_full"
        assert transport._unsaved == "r1"
        kept.room = True
        assert await _outcome(transport.hello(HELLO)) == "wrong_server"
        assert kept.refresh == "r1"
        assert vars(transport)["_unsaved"] is None


async def test_without_a_stored_token_sign_in_is_asked_for() -> None:
    """No refresh token: nothing is sent."""
    transport = Transport("http://127.0.0.1:9", Kept(None), lambda: 0.0)
    assert await _outcome(transport.hello(HELLO)) == "401 token"
    await transport.close()


async def test_a_wrong_password_has_its_own_error() -> None:
    """Refused sign-in is told apart from everything else."""
    body = b'{"code":"credentials"}'
    async with serving(lambda _: http("401 Unauthorized", body, "application/json")) as transport:
        with pytest.raises(SignInRefused):
            await transport.login(Login(login="a", password="b"))


@pytest.mark.parametrize("text", ["", "http://", "ftp://x", "https:///path", "::::", "host:99999"])
def test_what_is_no_address_is_refused(text: str) -> None:
    """A typing error in the server's address is said at once."""
    with pytest.raises((ServerUnreachable, WrongServer)):
        normal_url(text)


def test_addresses_are_kept_in_one_form() -> None:
    """With a scheme, without a path; https is the default."""
    assert normal_url(" desk.example.org/ ") == "https://desk.example.org"
    assert normal_url("http://127.0.0.1:80/x/y") == "http://127.0.0.1:80"
