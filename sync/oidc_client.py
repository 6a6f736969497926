# SPDX-License-Identifier: GPL-3.0-or-later
"""Sends a person to the provider in the system's browser and takes the code that comes back to this computer.

RFC 8252: a listener on 127.0.0.1 with a free port, for one answer; PKCE S256, `state` and `nonce` made anew each time.
No token passes through here: the server exchanges the code.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import hmac
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
import msgspec

from app.domain.errors import WorldError
from sync.protocol import OidcCode, OidcOffer

__all__ = ["BrowserSignIn", "authorization_endpoint"]

_HOST = "127.0.0.1"
_PATH = "/callback"
_HEAD_BYTES = 16 << 10
_HEAD_S = 10.0
_WAIT_S = 300.0
_TIMEOUT = httpx.Timeout(8.0, connect=5.0)
_MAX_BYTES = 1 << 20
_HEADERS = (
    "content-type: text/html; charset=utf-8\r\ncache-control: no-store\r\nreferrer-policy: no-referrer\r\n"
    "content-security-policy: default-src 'none'; style-src 'unsafe-inline'\r\nconnection: close\r\n"
)

Page = Callable[[str], str]  # HTML for done, denied or stray


class _Metadata(msgspec.Struct, frozen=True):
    issuer: str
    authorization_endpoint: str


async def authorization_endpoint(issuer: str) -> str:
    """Ask the provider where people sign in. Raises WorldError: oidc_unreachable, oidc_setup."""
    url = f"{issuer.rstrip('/')}/.well-known/openid-configuration"
    try:
        async with httpx.AsyncClient(timeout=_TIMEOUT, follow_redirects=False) as http:
            response = await http.get(url, headers={"accept": "application/json"})
    except (httpx.HTTPError, httpx.InvalidURL, UnicodeError) as error:
        raise WorldError("oidc_unreachable") from error
    if response.status_code != 200:
        raise WorldError("oidc_unreachable")
    try:
        found = msgspec.json.decode(response.content[:_MAX_BYTES], type=_Metadata)
    except (msgspec.DecodeError, msgspec.ValidationError, UnicodeDecodeError, RecursionError) as error:
        raise WorldError("oidc_setup") from error
    place = urlsplit(found.authorization_endpoint)
    is_safe = place.scheme == "https" or (place.scheme == "http" and issuer.startswith("http://"))
    if found.issuer != issuer or not is_safe:
        raise WorldError("oidc_setup")
    return found.authorization_endpoint


@dataclass(frozen=True, slots=True)
class _Secrets:
    """What only this computer knows of one sign-in."""

    verifier: str
    state: str
    nonce: str

    @property
    def challenge(self) -> str:
        return base64.urlsafe_b64encode(hashlib.sha256(self.verifier.encode()).digest()).rstrip(b"=").decode()


class BrowserSignIn:
    """One sign-in. `start`, open `url` in the browser, `code`; `close` in any case."""

    def __init__(
        self, offer: OidcOffer, endpoint: str, page: Page, wait_s: float = _WAIT_S, *, fresh: bool = False
    ) -> None:
        """`fresh`: the provider is to ask the person, whoever is signed in there."""
        self._offer = offer
        self._endpoint = endpoint
        self._page = page
        self._wait_s = wait_s
        self._fresh = fresh
        self._secrets = _Secrets(secrets.token_urlsafe(48), secrets.token_urlsafe(32), secrets.token_urlsafe(32))
        self._server: asyncio.Server | None = None
        self._answer: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._port = 0

    async def start(self) -> None:
        """Listen on a free port of this computer. Raises OSError."""
        self._server = await asyncio.start_server(self._serve, _HOST, 0, limit=_HEAD_BYTES)
        self._port = self._server.sockets[0].getsockname()[1]

    @property
    def redirect(self) -> str:
        """Where the browser brings the code."""
        return f"http://{_HOST}:{self._port}{_PATH}"

    @property
    def url(self) -> str:
        """Where the person is sent."""
        query = {
            "response_type": "code", "client_id": self._offer.client_id, "redirect_uri": self.redirect,
            "scope": " ".join(self._offer.scopes), "state": self._secrets.state, "nonce": self._secrets.nonce,
            "code_challenge": self._secrets.challenge, "code_challenge_method": "S256",
        }  # fmt: skip
        if self._fresh:
            query |= {"prompt": "login", "max_age": "0"}
        elif self._offer.max_age_s is not None:
            query["max_age"] = str(self._offer.max_age_s)
        return f"{self._endpoint}{'&' if urlsplit(self._endpoint).query else '?'}{urlencode(query)}"

    async def code(self) -> OidcCode:
        """Wait for the browser. Raises WorldError: oidc_denied, oidc_timeout."""
        try:
            code = await asyncio.wait_for(asyncio.shield(self._answer), self._wait_s)
        except TimeoutError as error:
            raise WorldError("oidc_timeout") from error
        return OidcCode(
            code=code, verifier=self._secrets.verifier, redirect=self.redirect, nonce=self._secrets.nonce
        )  # fmt: skip

    async def close(self) -> None:
        """Stop listening. Idempotent."""
        server, self._server = self._server, None
        if server is not None:
            server.close()
        if self._answer.done() and not self._answer.cancelled():
            self._answer.exception()  # looked at: nobody waits any more
        self._answer.cancel()

    # --- the one request --------------------------------------------------------------------------------------------

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(_HEAD_S):
                head = await reader.readuntil(b"\r\n\r\n")
            status, kind = self._take(head.decode("latin-1"))
            body = self._page(kind).encode()
            lines = f"HTTP/1.1 {status}\r\n{_HEADERS}content-length: {len(body)}\r\n\r\n"
            writer.write(lines.encode() + body)
            await writer.drain()
        except (OSError, TimeoutError, ValueError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass  # not a browser, or one that went away; the right one may still come
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    def _take(self, head: str) -> tuple[str, str]:
        """Take a request; return (status, page). Only the one with our `state` counts, and only once."""
        first, *lines = head.split("\r\n")
        method, _, rest = first.partition(" ")
        place = urlsplit(rest.partition(" ")[0])
        hosts = [line.split(":", 1)[1].strip() for line in lines if line.lower().startswith("host:")]
        if method != "GET" or place.path != _PATH or hosts != [f"{_HOST}:{self._port}"]:
            return "404 Not Found", "stray"
        query = {name: values[0] for name, values in parse_qs(place.query).items()}
        if not hmac.compare_digest(query.get("state", "").encode(), self._secrets.state.encode()):
            return "400 Bad Request", "stray"
        if self._answer.done():
            return "410 Gone", "stray"
        if "error" in query or not query.get("code"):
            self._answer.set_exception(WorldError("oidc_denied"))
            return "200 OK", "denied"
        self._answer.set_result(query["code"])
        return "200 OK", "done"
