# SPDX-License-Identifier: GPL-3.0-or-later
"""What the server orders about this device: to lock, to delete everything, to go on under another id. No Qt."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable

from app.config.logs import get_logger
from app.domain import link
from app.domain.errors import WorldError
from app.entry.sync_worker_connection import Connection
from app.entry.sync_worker_device import NoTokens, Renumbering, WipeMark, Wiper
from app.entry.sync_worker_engine import Engine
from app.entry.sync_worker_hints import StatusBoard, Tell
from sync.protocol import NewDevice, Wiped
from sync.transport import Answered, Transport

__all__ = ["ServerOrders"]

_WIPE_WAIT_S = 60.0
_WIPE_LOOK_S = 0.2
_log = get_logger("worker")


class ServerOrders:
    """Carries orders out; each may be stopped by a kill and is finished by the next start."""

    def __init__(
        self,
        engine: Engine,
        connection: Connection,
        status: StatusBoard,
        tell: Tell,
        has_window: Callable[[], bool],
        wiper: Wiper | None,
    ) -> None:
        self._engine = engine
        self._connection = connection
        self._status = status
        self._tell = tell
        self._has_window = has_window
        self._wiper = wiper
        self.locked = ""
        self.ended = False  # nothing is left for this worker to do

    # --- locks and wipes ----------------------------------------------------------------------------------------------

    async def lock(self, answered: Answered) -> None:
        """Lock the window until it is lifted; for a revoked device end everything here."""
        code, known, wiper = answered.problem.code, self._engine.known, self._wiper
        self.locked = code
        self._status.set("refused", code=code)
        if code == "revoked" and wiper is not None and known is not None:
            mark = WipeMark(server=known.server, device=known.device, wipe_token=answered.problem.wipe_token)
            await self._engine.run(wiper.destroy_keys, mark)
            self._tell(link.Locked(why="revoked"))
            await self._wipe(wiper, mark)
            return
        self._tell(link.Locked(why=code))
        await self._connection.drop_live()

    def unlock(self) -> None:
        """The server speaks with this device again."""
        if self.locked:
            self.locked = ""
            self._tell(link.Locked(why=""))

    async def _wipe(self, wiper: Wiper, mark: WipeMark) -> None:
        """Remove the files once the window let go of them, report it, and end."""
        await self._connection.drop_live()
        await self._engine.run(self._engine.store.close)
        until = time.monotonic() + _WIPE_WAIT_S
        while not await self._engine.run(wiper.remove_files) and time.monotonic() < until:
            await asyncio.sleep(_WIPE_LOOK_S)
        await self.report_wipe(mark)
        _log.warning("data of a revoked device removed", code="revoked")
        self.ended = True

    def unreported_wipe(self) -> WipeMark | None:
        """Return a wipe of an earlier life: the files went, the word did not."""
        return self._wiper.order() if self._wiper is not None else None

    async def report_wipe(self, mark: WipeMark) -> None:
        """Tell the server that the data is gone; if that fails, the next start does.

        A server that was restored to before its order refuses the word: nobody waits for it there.
        """
        if mark.wipe_token is None or self._wiper is None:
            return
        with contextlib.suppress(WorldError):
            transport = Transport(mark.server, NoTokens(), time.monotonic)
            try:
                await transport.wiped(Wiped(device=mark.device, wipe_token=mark.wipe_token))
                self._wiper.reported()
            except Answered as answered:
                if answered.problem.code == "device":
                    self._wiper.reported()
            finally:
                await transport.close()

    # --- another id ---------------------------------------------------------------------------------------------------

    async def take_new_device(self, keep_above: int) -> None:
        """Get another device id; the window then numbers its outbox anew, and a fresh worker goes on."""
        engine, known = self._engine, self._engine.known
        if known is None or not self._has_window():
            self.ended = True  # without a window nobody could take it up; the next start finds the same answer
            return
        transport = self._connection.transport()
        tokens = await transport.new_device(NewDevice(name=known.login, replaces=known.device))
        waits = Renumbering.of(tokens, known.device, keep_above)
        await engine.run(engine.keep_renumbering, waits)
        await transport.adopt(tokens)
        _log.warning("new device id", code="renumber")
        engine.renumbering = waits
        self._tell(waits.message())

    async def resume_renumbering(self) -> None:
        """Put the token of a new id in its place, should an earlier life have ended before it did."""
        waits = self._engine.renumbering
        if waits is not None and waits.refresh is not None:
            await self._connection.keep_token(waits.refresh)
