# SPDX-License-Identifier: GPL-3.0-or-later
"""HTTP of a companion: the calls of sync.customer_protocol and what of sync.session_protocol a customer needs."""

from __future__ import annotations

import secrets
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import httpx
import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from app.domain.errors import ServerUnreachable, TlsFailure, WorldError, WrongServer
from app.domain.signed import b64, sign, unb64, verify
from sync import customer_protocol as wire
from sync.protocol import Problem
from sync.published_protocol import Published
from sync.session_protocol import Redeem, Redeemed, Revocations
from sync.transport import Answered

__all__ = ["TOKEN_LABEL", "CustomerApi", "CustomerRefused", "OtherKey"]

TOKEN_LABEL = "deskside-companion-1"  # noqa: S105  # names what is signed
_TIMEOUT = httpx.Timeout(10.0)
_BODY_MAX = 8 << 20

T = TypeVar("T")


class CustomerRefused(WorldError):
    """The server answered no. `code` is its word; `status` the HTTP status, `retry_s` when to try again."""

    code = "refused"

    def __init__(self, code: str, status: int, retry_s: int = 0) -> None:
        super().__init__(code)
        self.status = status
        self.retry_s = retry_s

    @property
    def temporary(self) -> bool:
        """True when the same call may succeed later."""
        return self.status in (401, 408, 425, 429) or self.status >= 500


class OtherKey(WrongServer):
    """A server of Deskside that cannot sign with the organisation key that is known here."""


class CustomerApi:
    """One server. Coroutines of one event loop; every failure is a WorldError."""

    def __init__(self, server: str, transport: httpx.AsyncBaseTransport | None = None) -> None:
        """`server` is a URL without path, as `app.domain.links.parse_server` returns it."""
        self.server = server
        # trust_env off: a proxy variable must not carry a customer's data elsewhere unasked
        self._http = httpx.AsyncClient(
            base_url=server, timeout=_TIMEOUT, transport=transport, trust_env=False, follow_redirects=False
        )
        self.access = self.certificate = ""

    async def close(self) -> None:
        """Close all connections."""
        await self._http.aclose()

    async def organisation(self, code: str) -> wire.OrganisationKey:
        """Return whom a code belongs to, without using it up."""
        answer = await self._send("GET", "/customer/v1/organisation", params={"code": code})
        return self._read(answer, wire.OrganisationKey)

    async def enrol(self, code: str, pubkey: bytes, name: str) -> wire.Enrolled:
        """Use the code up; this key is now the customer's companion."""
        body = wire.Enrol(code=code, pubkey=b64(pubkey), name=name)
        return self._read(await self._post("/customer/v1/enrol", body), wire.Enrolled)

    async def identify(self, org_key: bytes) -> None:
        """Let the server prove that it holds the organisation's key. Raises WrongServer when it does not.

        OtherKey, which is one, when it shows another key or a signature that is not of this one.

        Nothing about the customer is told: whoever answers learns a random number.
        """
        nonce = secrets.token_bytes(32)
        try:
            answer = await self._post("/customer/v1/identity", wire.IdentityAsk(nonce=b64(nonce)))
        except CustomerRefused as error:
            if error.temporary:
                raise
            raise WrongServer(server=self.server) from error
        identity = self._read(answer, wire.Identity)
        try:
            own = unb64(identity.org_key) == org_key
            own = own and verify(org_key, wire.IDENTITY_LABEL, nonce, unb64(identity.signature))
        except ValueError as error:
            raise WrongServer(server=self.server) from error
        if not own:
            raise OtherKey(server=self.server)

    async def key_statements(self) -> list[str]:
        """Return what former keys of the organisation signed about the next one; nothing of it is checked here."""
        return self._read(await self._send("GET", "/customer/v1/keys"), wire.KeyStatements).statements

    async def sign_in(self, companion: str, key: Ed25519PrivateKey) -> int:
        """Get an access token for later calls; return how many seconds it lives."""
        asked = await self._post("/customer/v1/challenge", wire.ChallengeAsk(companion=companion))
        nonce = self._read(asked, wire.Challenge).nonce
        signature = b64(sign(key, TOKEN_LABEL, unb64(nonce)))
        body = wire.TokenAsk(companion=companion, nonce=nonce, signature=signature)
        token = self._read(await self._post("/customer/v1/token", body), wire.CompanionToken)
        self.access, self.certificate = token.access, token.certificate
        return token.expires_s

    async def home(self, etag: str = "") -> tuple[wire.Home, bytes, str] | None:
        """Return home, its bytes and its tag, or None when nothing changed since `etag`."""
        headers = {"If-None-Match": etag} if etag else {}
        answer = await self._send("GET", "/customer/v1/home", headers=headers, token=True)
        if answer.status_code == httpx.codes.NOT_MODIFIED:
            return None
        return self._read(answer, wire.Home), answer.content, answer.headers.get("ETag", "")

    async def published(self, etag: str = "") -> tuple[Published, bytes, str] | None:
        """Return what all customers are told, its bytes and its tag, or None when nothing changed since `etag`."""
        headers = {"If-None-Match": etag} if etag else {}
        answer = await self._send("GET", "/customer/v1/published", headers=headers, token=True)
        if answer.status_code == httpx.codes.NOT_MODIFIED:
            return None
        return self._read(answer, Published), answer.content, answer.headers.get("ETag", "")

    async def post_raw(self, path: str, body: bytes) -> wire.Accepted:
        """Hand in a kept message (request, message or entries); a repeat of the same id is harmless."""
        return self._read(await self._post(f"/customer/v1/{path}", body, token=True), wire.Accepted)

    async def revocations(self) -> Revocations:
        """Return the organisation's list of revoked certificates; its signature is the caller's to check."""
        return self._read(await self._send("GET", "/session/v1/revocations"), Revocations)

    async def redeem(self, ask: Redeem) -> Redeemed:
        """Exchange a code or an invitation id for the invitation."""
        return self._read(await self._post("/session/v1/redeem", ask, token=bool(self.access)), Redeemed)

    async def call(self, path: str, body: bytes) -> bytes:
        """Make a call for a session; return the answer as it came."""
        return (await self._post(path, body, token=True)).content[:_BODY_MAX]

    @asynccontextmanager
    async def stream(
        self, method: str, path: str, *, headers: Mapping[str, str] | None = None, content: bytes | None = None
    ) -> AsyncIterator[httpx.Response]:
        """Ask for a file or send a part of one: `sync.blobs.Streams`. Raises Answered, WorldError."""
        own = {**(headers or {}), "Authorization": f"Bearer {self.access}"}
        try:
            answer = await self._http.request(method, path, content=content, headers=own)
        except httpx.HTTPError as error:
            raise map_failure(error, self.server) from error
        if answer.status_code >= 400:
            raise _answered(answer, self.server)
        yield answer

    # --- inside ----------------------------------------------------------------------------------------------

    async def _post(self, path: str, body: Any, *, token: bool = False) -> httpx.Response:
        raw = body if isinstance(body, bytes) else msgspec.json.encode(body)
        return await self._send("POST", path, content=raw, headers={"Content-Type": "application/json"}, token=token)

    async def _send(
        self,
        method: str,
        path: str,
        *,
        content: bytes | None = None,
        params: dict[str, str] | None = None,
        headers: dict[str, str] | None = None,
        token: bool = False,
    ) -> httpx.Response:
        own = dict(headers or {})
        if token:
            own["Authorization"] = f"Bearer {self.access}"
        try:
            answer = await self._http.request(method, path, content=content, params=params, headers=own)
        except httpx.HTTPError as error:
            raise map_failure(error, self.server) from error
        if answer.status_code >= 400:
            raise self._refusal(answer)
        return answer

    def _refusal(self, answer: httpx.Response) -> WorldError:
        retry = answer.headers.get("Retry-After", "0")
        try:
            code = msgspec.json.decode(answer.content, type=Problem).code
        except (msgspec.DecodeError, msgspec.ValidationError):
            if answer.status_code >= 500:
                return ServerUnreachable(server=self.server)  # a proxy in front of a server that is down
            return WrongServer(server=self.server)
        return CustomerRefused(code, answer.status_code, int(retry) if retry.isdigit() else 0)

    def _read(self, answer: httpx.Response, kind: type[T]) -> T:
        if len(answer.content) > _BODY_MAX:
            raise WrongServer(server=self.server)
        try:
            return msgspec.json.decode(answer.content, type=kind)
        except (msgspec.DecodeError, msgspec.ValidationError) as error:
            raise WrongServer(server=self.server) from error


def _answered(answer: httpx.Response, server: str) -> Answered | WorldError:
    """Return what a refused request for a file means; an answer to HEAD says its code by the status alone."""
    try:
        problem = msgspec.json.decode(answer.content, type=Problem)
    except (msgspec.DecodeError, msgspec.ValidationError):
        if answer.status_code >= 500:
            return ServerUnreachable(server=server)
        problem = Problem(code="not_found" if answer.status_code == 404 else "refused")
    return Answered(answer.status_code, problem)


def map_failure(error: BaseException, server: str) -> WorldError:
    """Return what a failed connection means for a person."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLError) or "CERTIFICATE_VERIFY" in str(cause):
            return TlsFailure(server=server)
        cause = cause.__cause__ or cause.__context__
    if isinstance(error, httpx.ProtocolError | httpx.DecodingError | httpx.TooManyRedirects):
        return WrongServer(server=server)
    return ServerUnreachable(server=server)
