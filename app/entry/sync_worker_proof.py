# SPDX-License-Identifier: GPL-3.0-or-later
"""The worker takes a proof of who speaks to the server: a password, or a sign-in in the browser made anew. No Qt."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable

from app.domain import link
from app.domain.errors import WorldError
from app.entry.sync_worker_connection import Connection
from app.entry.sync_worker_hints import Tell
from app.entry.sync_worker_oidc import Cancelled, code_from_browser
from sync.protocol import OidcCode, Prove
from sync.transport import Answered, Transport

__all__ = ["CANCELLED", "Proofs"]

CANCELLED = "cancelled"


class Proofs:
    """One browser at a time; a later one replaces it. What is proved, and with what, is kept nowhere."""

    def __init__(self, connection: Connection, tell: Tell, is_over: Callable[[], bool]) -> None:
        """`is_over` says that nobody waits for a browser any more: no window, or the end."""
        self._connection = connection
        self._tell = tell
        self._is_over = is_over
        self._newest = 0
        self._stirred = asyncio.Event()

    async def take(self, message: link.Prove) -> None:
        """Prove it; the answer is told."""
        self.cancel()
        self._newest = message.id
        code, retry_s = await self._tried(message)
        self._tell(link.Proved(id=message.id, code=code, retry_s=retry_s))

    def cancel(self) -> None:
        """Wait for the browser no longer."""
        self._newest = 0
        self.stir()

    def stir(self) -> None:
        """Look again whether anybody waits for the browser."""
        self._stirred.set()

    async def _tried(self, message: link.Prove) -> tuple[str | None, int]:
        try:
            transport = self._connection.transport()
            oidc = await self._from_browser(transport, message.id) if message.browser else None
            await transport.prove(Prove(password=message.password, oidc=oidc))
        except Answered as answered:
            return answered.problem.code, math.ceil(answered.retry_s or 0)
        except Cancelled:
            return CANCELLED, 0
        except WorldError as error:
            return error.code, 0
        return None, 0

    async def _from_browser(self, transport: Transport, number: int) -> OidcCode:
        offer = await transport.oidc_offer()
        if offer is None:
            raise WorldError("oidc_off")

        async def called_off() -> None:
            while self._newest == number and not self._is_over():
                self._stirred.clear()
                await self._stirred.wait()

        def tell(opened: link.WorkerToUi) -> None:
            if isinstance(opened, link.OpenBrowser):
                opened = link.OpenProofPage(id=number, url=opened.url)
            self._tell(opened)

        return await code_from_browser(offer, tell, called_off, fresh=True)
