# SPDX-License-Identifier: GPL-3.0-or-later
"""A small server that speaks the customer protocol, for tests: real sockets, state in memory, faults on demand."""

from __future__ import annotations

import asyncio
import json
import secrets
import socket
import threading
import time
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
import uvicorn
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from app.domain.certificate import RevocationList, build_revocations
from app.domain.signed import b64, sign, unb64, verify
from sync import customer_protocol as wire
from sync import protocol as live
from sync.published_protocol import Published
from sync.session_protocol import Redeemed, Revocations

_Receive = Callable[[], Awaitable[Any]]
_Send = Callable[[Any], Awaitable[None]]

ORG_ID = "org-1"
CODE = "1234567890"
TICKET = "0190" + "ab" * 14
CUSTOMER = "0190" + "cd" * 14


class CustomerServer:
    """Listens on a free port of 127.0.0.1. `problem` makes calls fail; `posted` keeps bodies, `called` paths.

    So many codes as `stale_tokens` says are met with the word that the token has ended.
    """

    def __init__(self) -> None:
        self.key = Ed25519PrivateKey.generate()
        self.problem: tuple[int, str] | None = None
        self.stale_tokens = 0
        self.code_used = False
        self.foreign = False
        self.pubkey = b""
        self.called: list[str] = []
        self.posted: list[tuple[str, dict[str, Any]]] = []
        self.redeemed: Redeemed | None = None
        self.sigs: list[live.Sig] = []
        self.on_sig: Callable[[live.Sig], None] | None = None
        self.sockets: list[asyncio.Queue[bytes]] = []
        self.published: Published | None = None
        self.statements: list[str] = []
        self._home_version = 1
        self._listener = socket.socket()
        self._listener.bind(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        config = uvicorn.Config(
            self._app,
            log_level="critical",
            lifespan="off",
            ws="websockets-sansio",
            interface="asgi3",
            timeout_graceful_shutdown=2,
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._loop: asyncio.AbstractEventLoop | None = None

    def start(self) -> CustomerServer:
        """Answer from now on."""
        self._thread.start()
        deadline = time.monotonic() + 10
        while not self._server.started and time.monotonic() < deadline:
            time.sleep(0.01)
        return self

    def stop(self) -> None:
        """Close everything."""
        self._server.should_exit = True
        self._thread.join(5)
        self._listener.close()

    def push(self, message: Any) -> None:
        """Send a live message to every companion that listens."""
        assert self._loop is not None
        raw = live.encode(message)
        for queue in self.sockets:
            self._loop.call_soon_threadsafe(queue.put_nowait, raw)

    @property
    def organisation(self) -> wire.OrganisationKey:
        """Whom companions pin."""
        public = self.key.public_key().public_bytes_raw()
        return wire.OrganisationKey(org_id=ORG_ID, org_name_ko="한빛", org_name_en="Hanbit", org_key=b64(public))

    def home(self) -> wire.Home:
        """What the customer sees: one product, one open ticket, and whatever was posted."""
        now = int(time.time())
        asked = [body for path, body in self.posted if path == "request"]
        tickets = [_ticket(TICKET, 4182, "Printer stops")]
        tickets += [_ticket(body["id"], 5000 + n, body["subject"]) for n, body in enumerate(asked)]
        terms = wire.Terms(
            plan="basic", included_ko="전화", included_en="Phone", valid_from="2026-01-01", valid_until="2027-03-31",
            options_after_ko="건별", options_after_en="Per case",
        )  # fmt: skip
        asset = wire.AssetView(
            id="0190" + "ef" * 14, product="Label printer", model="PX-200", serial="88-1032", warranty_until=None,
            status="in_use", terms=terms,
        )  # fmt: skip
        contact = wire.Contact(
            name_ko="한빛 고객지원", name_en="Hanbit Support", phone="02-555-0100", mail="s@hanbit.example",
            zone="Asia/Seoul", spans=[(now - 3600, now + 3600)],
        )  # fmt: skip
        return wire.Home(
            customer=CUSTOMER, customer_name="Park Minsu", language="en", organisation=self.organisation,
            contact=contact, assets=[asset], tickets=tickets, server_ms=0,
        )  # fmt: skip

    # --- inside ----------------------------------------------------------------------------------------------

    def _run(self) -> None:
        asyncio.run(self._serve())

    async def _serve(self) -> None:
        await self._server.serve(sockets=[self._listener])
        for connection in list(self._server.server_state.connections):
            connection.transport.abort()  # who did not leave in time
        await asyncio.sleep(0.01)  # connections that were just closed tell their sockets

    async def _app(self, scope: Any, receive: _Receive, send: _Send) -> None:
        self._loop = asyncio.get_running_loop()
        if scope["type"] == "websocket":
            await self._live(receive, send)
            return
        body = b""
        while (message := await receive())["type"] == "http.request":
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
        status, raw, headers = self._answer(scope, body)
        extra = [(k.encode(), v.encode()) for k, v in headers.items()]
        await send({"type": "http.response.start", "status": status, "headers": extra})
        await send({"type": "http.response.body", "body": raw})

    def _answer(self, scope: Any, body: bytes) -> tuple[int, bytes, dict[str, str]]:
        path = scope["path"].removeprefix("/customer/v1/").removeprefix("/session/v1/")
        self.called.append(path)
        if self.foreign:
            return 200, b"<html>a printer's own page</html>", {}
        if self.problem is not None:
            status, code = self.problem
            return status, msgspec.json.encode(live.Problem(code=code)), {}
        if path == "redeem" and self.stale_tokens:
            self.stale_tokens -= 1
            return 401, msgspec.json.encode(live.Problem(code="token")), {}
        if path == "published" and self.published is not None:
            return 200, msgspec.json.encode(self.published), {"ETag": '"p"'}
        if path == "home":
            return self._home(dict(scope["headers"]))
        handle: Callable[[bytes], Any] | None = getattr(self, f"_on_{path}", None)
        if path in ("request", "message", "entries", "alarm"):
            answer: Any = self._take(path, json.loads(body))
        else:
            answer = handle(body) if handle is not None else None
        if answer is None:
            return 404, msgspec.json.encode(live.Problem(code="not_found")), {}
        return 200, msgspec.json.encode(answer), {}

    def _home(self, headers: dict[bytes, bytes]) -> tuple[int, bytes, dict[str, str]]:
        tag = f'"{self._home_version}-{len(self.posted)}"'
        if headers.get(b"if-none-match") == tag.encode():
            return 304, b"", {}
        return 200, msgspec.json.encode(self.home()), {"ETag": tag}

    def _take(self, path: str, body: dict[str, Any]) -> wire.Accepted:
        known = [kept for kind, kept in self.posted if kind == path and kept.get("id") == body.get("id")]
        if not known or path == "entries":
            self.posted.append((path, body))
        return wire.Accepted(id=body.get("id", ""), number=5000 if path == "request" else None)

    def _on_organisation(self, _body: bytes) -> Any:
        return None if self.code_used else self.organisation

    def _on_enrol(self, body: bytes) -> Any:
        ask = msgspec.json.decode(body, type=wire.Enrol)
        if self.code_used or ask.code != CODE:
            return None
        self.code_used = True
        self.pubkey = unb64(ask.pubkey)
        return wire.Enrolled(
            companion="0190" + "12" * 14, customer=CUSTOMER, customer_name="Park Minsu", organisation=self.organisation
        )

    def _on_identity(self, body: bytes) -> Any:
        ask = msgspec.json.decode(body, type=wire.IdentityAsk)
        signature = sign(self.key, "deskside-server-1", unb64(ask.nonce))
        return wire.Identity(org_key=self.organisation.org_key, signature=b64(signature))

    def _on_keys(self, _body: bytes) -> Any:
        return wire.KeyStatements(statements=self.statements)

    def _on_challenge(self, _body: bytes) -> Any:
        return wire.Challenge(nonce=b64(secrets.token_bytes(56)))

    def _on_token(self, body: bytes) -> Any:
        ask = msgspec.json.decode(body, type=wire.TokenAsk)
        good = verify(self.pubkey, "deskside-companion-1", unb64(ask.nonce), unb64(ask.signature))
        return wire.CompanionToken(access="token", expires_s=600) if good else None

    def _on_revocations(self, _body: bytes) -> Any:
        listed = RevocationList(ORG_ID, time.time_ns() // 1_000_000, frozenset())
        document, signature = build_revocations(self.key, listed).parts
        return Revocations(document=document, signature=signature)

    def _on_redeem(self, _body: bytes) -> Any:
        return self.redeemed

    async def _live(self, receive: _Receive, send: _Send) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        queue: asyncio.Queue[bytes] = asyncio.Queue()
        self.sockets.append(queue)

        async def down() -> None:
            while True:
                await send({"type": "websocket.send", "bytes": await queue.get()})

        sender = asyncio.create_task(down())
        try:
            while (message := await receive())["type"] == "websocket.receive":
                up = live.decode(message["bytes"], live.LiveUp)
                if isinstance(up, live.Sig):
                    self.sigs.append(up)
                    if self.on_sig is not None:
                        self.on_sig(up)
        finally:
            self.sockets.remove(queue)
            sender.cancel()


def _ticket(id_: str, number: int, subject: str) -> wire.TicketView:
    return wire.TicketView(
        id=id_, number=number, subject=subject, category="open", state_ko="처리 중", state_en="Open",
        updated_at=time.time_ns() // 1_000_000, messages=[],
    )  # fmt: skip
