# SPDX-License-Identifier: GPL-3.0-or-later
"""HTTP and websocket client of the worker: one server, one device's tokens, errors in the words of the domain.

Runs on an asyncio loop. Whatever answers is doubted: HTML, half a body, another program or nothing at all end in a
WorldError or a `Problem`, never in a foreign exception.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from typing import Any, Protocol
from urllib.parse import urlsplit

import httpx
import msgspec
import websockets
import zstandard
from websockets.asyncio.client import ClientConnection, connect

from app.domain.errors import ServerUnreachable, SignInRefused, TlsFailure, WorldError, WrongServer
from sync.protocol import (
    CONTENT_TYPE,
    INFLATED_MAX_BYTES,
    LIVE_MAX_BYTES,
    Auth,
    FrameReader,
    Hello,
    HelloAnswer,
    LiveDown,
    LiveUp,
    Login,
    NewDevice,
    OidcOffer,
    Problem,
    ProtocolError,
    Prove,
    Pull,
    PullFrame,
    Push,
    PushAnswer,
    Refresh,
    Tokens,
    Wiped,
    decode,
    encode,
    pack,
    unpack,
)
from sync.proxies import proxy_to

_TIMEOUT = httpx.Timeout(30.0, connect=8.0)
_CALL_MAX_BYTES = 4 << 20
_WORDS_MAX_BYTES = 64 << 10  # of an error, or of an offer to sign in
_RENEW_BEFORE_S = 60
_TOKEN_CODES = frozenset({"token", "credentials", "oidc_refused"})  # all that our server says with 401
FROM_PROXY = "proxy"  # detail of a `too_large` that something between us and the server said
_HALF_BODY = "the answer ends early"


class Answered(Exception):
    """The server answered with an error of its own. `status` is HTTP's."""

    def __init__(self, status: int, problem: Problem, retry_s: float | None = None) -> None:
        super().__init__(status, problem.code)
        self.status = status
        self.problem = problem
        self.retry_s = retry_s


class TokenStore(Protocol):
    """Where the refresh token is kept between runs: the system's key store, or the encrypted replica."""

    def load(self) -> str | None:
        """Return it, or None."""
        ...

    def save(self, refresh: str | None) -> None:
        """Keep it; None forgets it."""
        ...


@contextlib.contextmanager
def _foreign_errors() -> Any:
    try:
        yield
    except (httpx.InvalidURL, httpx.UnsupportedProtocol, UnicodeError) as error:
        raise ServerUnreachable(detail="address") from error
    except httpx.RemoteProtocolError as error:
        # no HTTP at all, or a connection that went away in the middle: the latter is what happens in real life
        raise ServerUnreachable(detail=type(error).__name__) from error
    except httpx.DecodingError as error:
        raise WrongServer(detail="malformed") from error  # a body that is not packed as it says
    except httpx.TransportError as error:
        if _is_tls(error):
            raise TlsFailure from error
        raise ServerUnreachable(detail=type(error).__name__) from error


def _is_tls(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, ssl.SSLError) or "CERTIFICATE" in str(error).upper():
            return True
        error = error.__cause__ or error.__context__
    return False


def normal_url(server: str) -> str:
    """Return a server's address as it is kept: with a scheme, without a path. Raises ServerUnreachable."""
    text = server.strip()
    if "://" not in text:
        text = f"https://{text}"
    try:
        parts = urlsplit(text)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError as error:
        raise ServerUnreachable(detail="address") from error
    if not usable:
        raise ServerUnreachable(detail="address")
    return f"{parts.scheme}://{parts.netloc}"


class Transport:
    """The way to one server. `now` is a monotonic clock in seconds."""

    def __init__(self, server: str, tokens: TokenStore, now: Callable[[], float]) -> None:
        """Raises ServerUnreachable for something that is no address, ProxyUnusable."""
        self.server = normal_url(server)
        self._proxy = proxy_to(self.server)
        self._tokens = tokens
        self._now = now
        self._access: str | None = None
        self._expires = 0.0
        self._device = b""
        self._unsaved: str | None = None
        self._refreshing = asyncio.Lock()
        self._http = httpx.AsyncClient(
            base_url=self.server,
            timeout=_TIMEOUT,
            follow_redirects=False,
            proxy=self._proxy,
            verify=httpx.create_ssl_context(),
            trust_env=False,  # what the settings say was read above
            limits=httpx.Limits(max_connections=8, max_keepalive_connections=4, keepalive_expiry=20),
        )

    async def close(self) -> None:
        """Close every connection."""
        await self._http.aclose()

    @property
    def host(self) -> tuple[str, int]:
        """Host and port at which a bare connection shows that there is a network: the server's, or its proxy's."""
        parts = urlsplit(self._proxy or self.server)
        return parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)

    # --- accounts -----------------------------------------------------------------------------------------------------

    async def login(self, login: Login) -> Tokens:
        """Sign in. Raises SignInRefused, Answered, ServerUnreachable, WrongServer, TlsFailure."""
        try:
            tokens: Tokens = await self._ask("/auth/v1/login", login, Tokens, token=False)
        except Answered as answered:
            if (
                login.oidc is None
                and answered.status in (401, 403)
                and answered.problem.code not in ("suspended", "revoked")
            ):
                raise SignInRefused from answered
            raise
        if tokens.device is None or tokens.account is None or tokens.device_code is None:
            raise WrongServer
        self._device = tokens.device
        await self._take(tokens)
        return tokens

    async def oidc_offer(self) -> OidcOffer | None:
        """Return the provider at which people of this server can sign in, or None. Raises WorldError."""
        response, body = await self._send("GET", "/auth/v1/oidc", {"accept": CONTENT_TYPE}, None, _WORDS_MAX_BYTES)
        if response.status_code != 200:
            return None
        try:
            return msgspec.json.decode(body, type=OidcOffer)
        except (msgspec.DecodeError, msgspec.ValidationError, UnicodeDecodeError) as error:
            raise WrongServer(detail="malformed") from error

    async def prove(self, proof: Prove) -> None:
        """Prove again who speaks. Raises Answered, WorldError. A proof that is refused is not handed in twice."""
        for attempt in range(2):
            headers = _headers(await self.access())
            response, body = await self._send("POST", "/auth/v1/proof", headers, pack(proof), _WORDS_MAX_BYTES)
            if response.status_code < 300:
                return
            problem = _problem(response, body)
            if response.status_code == 401 and attempt == 0 and problem is not None and problem.code == "token":
                self._access = None
                continue
            await self._check(response, body)

    def use_device(self, device: bytes) -> None:
        """Name this device."""
        self._device = device

    async def refresh(self, used: str | None) -> None:
        """Get the next access token unless another task did so meanwhile. Raises Answered(401) when it is over."""
        async with self._refreshing:
            if self._access is not None and self._access != used:
                return
            stored = self._unsaved or await asyncio.to_thread(self._tokens.load)
            if stored is None:
                raise Answered(401, Problem(code="token"))
            ask = Refresh(refresh=stored, device=self._device)
            tokens: Tokens = await self._ask("/auth/v1/refresh", ask, Tokens, token=False)
            await self._take(tokens)

    async def new_device(self, ask: NewDevice) -> Tokens:
        """Get a new device id in place of an old one. To be kept by the caller, then given to `adopt`."""
        tokens: Tokens = await self._ask("/auth/v1/device", ask, Tokens)
        if tokens.device is None or tokens.device_code is None:
            raise WrongServer
        return tokens

    async def adopt(self, tokens: Tokens) -> None:
        """Go on as the device that these tokens are for."""
        self._device = tokens.device or self._device
        await self._take(tokens)

    async def wiped(self, message: Wiped) -> None:
        """Say that this revoked device has deleted its data. Raises Answered, ServerUnreachable."""
        response, body = await self._send("POST", "/auth/v1/wiped", _headers(None), pack(message), _WORDS_MAX_BYTES)
        if response.status_code >= 300:
            await self._check(response, body)

    async def _take(self, tokens: Tokens) -> None:
        # kept before it is used: if this process dies now, the next one still has the newest token. A full disk must
        # not make us ask with a spent one again: the server takes that for theft
        self._unsaved = tokens.refresh
        await asyncio.to_thread(self._tokens.save, tokens.refresh)
        self._unsaved = None
        self._access = tokens.access
        self._expires = self._now() + max(tokens.expires_s - _RENEW_BEFORE_S, tokens.expires_s / 2)

    async def access(self) -> str:
        """Return an access token that is good for a while."""
        if self._access is None or self._now() >= self._expires:
            used, self._access = self._access, None
            await self.refresh(used)
        if self._access is None:
            raise Answered(401, Problem(code="token"))
        return self._access

    # --- sync ---------------------------------------------------------------------------------------------------------

    async def hello(self, message: Hello) -> HelloAnswer:
        """Say hello."""
        answer: HelloAnswer = await self._ask("/sync/v1/hello", message, HelloAnswer)
        return answer

    async def push(self, message: Push) -> PushAnswer:
        """Send mutations."""
        answer: PushAnswer = await self._ask("/sync/v1/push", message, PushAnswer)
        return answer

    async def pull(self, message: Pull) -> AsyncGenerator[list[PullFrame], None]:
        """Yield frames as they arrive. Raises ServerUnreachable when the answer ends early."""
        token = await self.access()
        with _foreign_errors():
            response = await self._open_pull(message, token)
            try:
                if response.status_code == 401:
                    await response.aclose()
                    self._access = None
                    await self.refresh(None)
                    response = await self._open_pull(message, await self.access())
                await self._check(response)
                async for frames in _frames(response):
                    yield frames
            finally:
                await response.aclose()

    async def _open_pull(self, message: Pull, token: str) -> httpx.Response:
        request = self._http.build_request("POST", "/sync/v1/pull", content=pack(message), headers=_headers(token))
        return await self._http.send(request, stream=True)

    @contextlib.asynccontextmanager
    async def stream(
        self, method: str, path: str, *, headers: Mapping[str, str] | None = None, content: bytes | None = None
    ) -> AsyncIterator[httpx.Response]:
        """An answer with any success status, its body not read yet. Raises Answered, ServerUnreachable, WrongServer."""
        token = await self.access()
        for attempt in range(2):
            asked = {**(headers or {}), "authorization": f"Bearer {token}"}
            with _foreign_errors():
                request = self._http.build_request(method, path, headers=asked, content=content)
                response = await self._http.send(request, stream=True)
                try:
                    if response.status_code == 401 and attempt == 0:
                        self._access = None
                        token = await self.access()
                        continue
                    if not 200 <= response.status_code < 300:
                        await self._check(response)
                    yield response
                    return
                finally:
                    await response.aclose()

    async def _ask(self, path: str, message: Any, kind: Any, *, token: bool = True) -> Any:
        for attempt in range(2):
            access = await self.access() if token else None
            response, body = await self._send("POST", path, _headers(access), pack(message), INFLATED_MAX_BYTES)
            if response.status_code == 401 and token and attempt == 0:
                self._access = None
                await self.refresh(None)
                continue
            await self._check(response, body)
            try:
                return unpack(body, kind)
            except ProtocolError as error:
                raise WrongServer(detail=error.code) from error
        raise AssertionError  # the second round returns or raises

    async def _send(
        self, method: str, path: str, headers: Mapping[str, str], content: bytes | None, most: int
    ) -> tuple[httpx.Response, bytes]:
        """Return an answer and its body. Raises WrongServer for a success with more than `most` bytes.

        Of an error only the beginning is read.
        """
        with _foreign_errors():
            async with self._http.stream(method, path, headers=headers, content=content) as response:
                if response.status_code >= 300:
                    return response, await _beginning(response, _WORDS_MAX_BYTES)
                body = await _beginning(response, most)
        if len(body) > most:
            raise WrongServer(detail="too_large")
        return response, body

    async def _check(self, response: httpx.Response, body: bytes | None = None) -> None:
        """Raise unless this is an answer of our server with something in it. `body` if it was read already."""
        ours = response.headers.get("content-type", "").startswith(CONTENT_TYPE)
        if response.status_code == 200 and ours:
            return
        if body is None:
            with _foreign_errors():
                body = await _beginning(response, _WORDS_MAX_BYTES)
        if not body and response.request.method == "HEAD":
            raise Answered(response.status_code, Problem(code="not_found"))  # has no body to say more
        problem = _problem(response, body)
        retry = _seconds(response.headers.get("retry-after"))
        if response.status_code == 401 and (problem is None or problem.code not in _TOKEN_CODES):
            raise WrongServer(status=401)  # a gateway's: no token is forgotten for that
        if problem is not None:
            raise Answered(response.status_code, problem, retry)
        if response.status_code >= 500 or response.status_code == 429:
            # a proxy in front of a server that is down says so in its own words
            raise Answered(response.status_code, Problem(code="busy"), retry)
        if response.status_code == 413 and response.request.url.path.startswith(("/sync/v1/push", "/blob/")):
            raise Answered(413, Problem(code="too_large", detail=FROM_PROXY))
        raise WrongServer(status=response.status_code)

    async def call(self, method: str, path: str, body: bytes) -> tuple[int, bytes]:
        """Call /session/v1 with this device's token; (0, b"") when there is no answer."""
        try:
            for attempt in range(2):
                token = await self.access()
                headers = {"authorization": f"Bearer {token}", "content-type": "application/json"}
                response, said = await self._send(method, path, headers, body, _CALL_MAX_BYTES)
                if response.status_code == 401 and attempt == 0:
                    self._access = None
                    continue
                return response.status_code, said
        except (WorldError, Answered):
            return 0, b""
        return 401, b""

    # --- live channel -------------------------------------------------------------------------------------------------

    async def live(self) -> LiveChannel:
        """Open the live channel. Raises ServerUnreachable, Answered(401)."""
        token = await self.access()
        url = "ws" + self.server.removeprefix("http") + "/live"
        try:
            socket = await connect(
                url, max_size=LIVE_MAX_BYTES, compression=None, open_timeout=8, close_timeout=1, ping_interval=None,
                proxy=self._proxy,
            )  # fmt: skip
            await socket.send(encode(Auth(token=token)))
        except (OSError, TimeoutError, websockets.WebSocketException) as error:
            if _is_tls(error):
                raise TlsFailure from error
            raise ServerUnreachable(detail=type(error).__name__) from error
        return LiveChannel(socket)


class LiveChannel:
    """An open live channel: hints come, hints go."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket

    async def send(self, message: LiveUp) -> None:
        """Send a message. Raises ServerUnreachable."""
        try:
            await self._socket.send(encode(message))
        except websockets.WebSocketException as error:
            raise ServerUnreachable(detail=type(error).__name__) from error

    async def receive(self) -> LiveDown | None:
        """Return the next message, None for one that a newer server says. Raises ServerUnreachable at the end."""
        try:
            raw = await self._socket.recv()
        except (OSError, websockets.WebSocketException) as error:
            code = getattr(getattr(self._socket, "close_code", None), "real", None)
            raise ServerUnreachable(detail=f"closed {code}") from error
        try:
            message: LiveDown = decode(raw if isinstance(raw, bytes) else raw.encode(), LiveDown)
        except ProtocolError:
            return None
        return message

    async def close(self) -> None:
        """Close. Idempotent."""
        with contextlib.suppress(OSError, websockets.WebSocketException):
            await self._socket.close()


def _headers(token: str | None) -> dict[str, str]:
    out = {"content-type": CONTENT_TYPE, "accept": CONTENT_TYPE}
    if token is not None:
        out["authorization"] = f"Bearer {token}"
    return out


async def _beginning(response: httpx.Response, most: int) -> bytes:
    """Read a body, and no more than a little over `most` bytes of it."""
    out = bytearray()
    async for chunk in response.aiter_bytes(64 << 10):
        out += chunk
        if len(out) > most:
            break
    return bytes(out)


def _seconds(text: str | None) -> float | None:
    try:
        return min(max(float(text), 0.0), 3600.0) if text else None
    except ValueError:
        return None


def _problem(response: httpx.Response, body: bytes) -> Problem | None:
    """Return the server's own error, in either encoding, or None when somebody else answered."""
    kind = response.headers.get("content-type", "")
    try:
        if kind.startswith(CONTENT_TYPE):
            packed: Problem = unpack(body, Problem, 64 << 10)
            return packed
        if kind.startswith("application/json"):
            return msgspec.json.decode(body[: 64 << 10], type=Problem)
    except (ProtocolError, msgspec.DecodeError, msgspec.ValidationError):
        return None
    return None


async def _frames(response: httpx.Response) -> AsyncGenerator[list[PullFrame], None]:
    """Yield the frames of a streamed answer, never holding more than one unfinished frame."""
    inflater = zstandard.ZstdDecompressor().decompressobj()
    reader = FrameReader()
    try:
        async for chunk in response.aiter_raw():
            frames: list[PullFrame] = []
            # small bites: a few bytes may inflate to very many
            for start in range(0, len(chunk), 4096):
                frames += reader.feed(inflater.decompress(chunk[start : start + 4096]))
            if frames:
                yield frames
    except (zstandard.ZstdError, ProtocolError) as error:
        raise WrongServer(detail="malformed") from error
    if reader.rest or not inflater.eof:
        raise ServerUnreachable(detail=_HALF_BODY)
