# SPDX-License-Identifier: GPL-3.0-or-later
"""The worker's sign-in: with a password or in the browser, for a new profile or one whose tokens ran out. No Qt."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from app.domain import link
from app.domain.errors import SignInRefused, WorldError, WrongServer
from app.entry.sync_worker_connection import Connection
from app.entry.sync_worker_device import Renumbering
from app.entry.sync_worker_engine import Engine, Known
from app.entry.sync_worker_hints import StatusBoard, Tell
from app.entry.sync_worker_oidc import Cancelled, code_from_browser, tell_offer
from sync.protocol import Login, OidcCode, Tokens
from sync.transport import Answered, Transport

__all__ = ["SignIns"]


class SignIns:
    """One sign-in at a time; a later one replaces it. `asked` is why the window was asked to sign in, or None."""

    def __init__(
        self,
        engine: Engine,
        connection: Connection,
        status: StatusBoard,
        tell: Tell,
        is_over: Callable[[], bool],
    ) -> None:
        """`is_over` says that nobody waits for a browser any more: no window, or the end."""
        self._engine = engine
        self._connection = connection
        self._status = status
        self._tell = tell
        self._is_over = is_over
        self._wanted: link.SignIn | None = None
        self._cancelled = False
        self._stirred = asyncio.Event()
        self.asked: str | None = None

    @property
    def waits(self) -> bool:
        """Whether the window wants to sign in."""
        return self._wanted is not None

    def submit(self, message: link.SignIn) -> None:
        """The window wants to sign in."""
        self._wanted = message
        self._stirred.set()

    def cancel(self) -> None:
        """The person does not want to wait for the browser any more."""
        self._cancelled = True
        self._stirred.set()

    def stir(self) -> None:
        """Look again whether anybody waits for the browser."""
        self._stirred.set()

    def ask(self, code: str | None) -> None:
        """Ask the window to sign in."""
        self._status.set("signed_out", code=code)
        if self.asked is None:
            self.asked = code or ""
            self._tell(link.SignInNeeded(code=code))

    async def run(self) -> None:
        """Sign in as the window wants. What fails is told to it."""
        ask, self._wanted, self._cancelled = self._wanted, None, False
        if ask is None:
            return
        self._status.set("connecting")
        await self._connection.drop()
        try:
            transport = self._connection.to(ask.server)
            try:
                await self._at(transport, ask)
            except BaseException:
                await transport.close()
                raise
        except Answered as answered:
            self._failed(answered.problem.code)
        except (SignInRefused, WorldError) as error:
            self._failed(error.code)
        except Cancelled:
            self._status.set("signed_out", code=self.asked or None)

    def _failed(self, code: str) -> None:
        self.asked = code
        self._status.set("signed_out", code=code)
        self._tell(link.SignInNeeded(code=code))

    async def _at(self, transport: Transport, ask: link.SignIn) -> None:
        engine, known = self._engine, self._engine.known
        oidc = await self._from_browser(transport) if ask.browser else None
        device = known.device if known else None
        login = Login(login=ask.login, password=ask.password, oidc=oidc, device=device, device_name=ask.device_name)
        tokens = await transport.login(login)
        account, code = tokens.account, tokens.device_code
        if account is None or code is None or tokens.device is None:
            raise WrongServer
        if known is not None and known.account == account.id and known.device != tokens.device:
            await self._replace_device(transport, known, tokens)
            return
        if known is not None and known.account != account.id:
            # a profile belongs to one account: what waits in it was written by the other
            await self._connection.keep_token(None)
            raise SignInRefused("other_account")
        signed_in = Known.of_account(transport.server, account, tokens.device, code)
        self._connection.adopt(transport)
        self.asked = None
        await engine.run(engine.remember, signed_in)
        self._tell(signed_in.message())
        engine.wish(lambda core: core.sync_now())

    async def _replace_device(self, transport: Transport, known: Known, tokens: Tokens) -> None:
        """The server gave this installation another device id than it had: its outbox is numbered anew."""
        engine = self._engine
        waits = Renumbering.of(tokens, known.device, engine.core.state.lmid_seen)
        await engine.run(engine.keep_renumbering, waits)
        self._connection.adopt(transport)
        engine.renumbering = waits
        self._tell(waits.message())

    # --- in the browser -----------------------------------------------------------------------------------------------

    async def offer(self, server: str) -> None:
        """Tell the window whether people of a server can sign in in the browser; an address that is none: nothing."""
        try:
            transport = self._connection.to(server)
        except WorldError:
            return
        try:
            await tell_offer(transport, self._tell)
        finally:
            await transport.close()

    async def _from_browser(self, transport: Transport) -> OidcCode:
        """Let the person sign in at the provider. Raises WorldError, Cancelled."""
        offer = await transport.oidc_offer()
        if offer is None:
            raise WorldError("oidc_off")
        self._status.set("signed_out", code=None)
        return await code_from_browser(offer, self._tell, self._called_off)

    async def _called_off(self) -> None:
        """Return when nobody waits for the browser any more: cancelled, another sign-in, no window, the end."""
        while not (self._cancelled or self._wanted is not None or self._is_over()):
            self._stirred.clear()
            await self._stirred.wait()
