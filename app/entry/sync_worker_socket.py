# SPDX-License-Identifier: GPL-3.0-or-later
"""The worker's end of the local socket: one window at a time is enough, several do no harm. No Qt.

The socket lies in a folder that only this person can enter; the first message must carry the profile's secret.
"""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import os
from collections.abc import Callable
from pathlib import Path

from app.config.logs import get_logger
from app.domain.link import Hi, LinkError, LinkReader, UiToWorker, WorkerToUi, encode_frame

_READ_BYTES = 64 << 10
_MAX_QUEUED_BYTES = 32 << 20
_HI_WITHIN_S = 10.0
_log = get_logger("worker.socket")


class WindowServer:
    """Listens for the window and speaks `app.domain.link` with it."""

    def __init__(
        self,
        token: bytes,
        on_message: Callable[[UiToWorker], None],
        on_joined: Callable[[], list[WorkerToUi]],
        on_empty: Callable[[], None],
    ) -> None:
        """`on_joined` gives what a new window must know at once; `on_empty` is called when the last one left."""
        self._token = token
        self._on_message = on_message
        self._on_joined = on_joined
        self._on_empty = on_empty
        self._windows: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None
        self._path: Path | None = None

    @property
    def has_window(self) -> bool:
        """Whether a window is connected."""
        return bool(self._windows)

    async def listen(self, path: Path) -> None:
        """Listen. The caller holds worker.lock, so a socket file that lies there is a dead one. Raises OSError."""
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.parent.chmod(0o700)
        path.unlink(missing_ok=True)
        self._server = await asyncio.start_unix_server(self._serve, str(path))
        path.chmod(0o600)
        self._path = path

    def tell(self, message: WorkerToUi) -> None:
        """Send to every window. One that does not read is let go: all it misses is in the files."""
        frame = encode_frame(message)
        for writer in list(self._windows):
            if writer.transport.get_write_buffer_size() > _MAX_QUEUED_BYTES:
                _log.warning("window does not read", code="slow_window")
                writer.transport.abort()
                continue
            writer.write(frame)

    async def close(self) -> None:
        """Say goodbye and remove the socket. Idempotent."""
        if self._server is not None:
            self._server.close()
            self._server = None
        for writer in list(self._windows):
            with contextlib.suppress(OSError):
                writer.close()
                await asyncio.wait_for(writer.wait_closed(), 1)
        if self._path is not None:
            self._path.unlink(missing_ok=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        messages: LinkReader = LinkReader(UiToWorker)
        try:
            if not await asyncio.wait_for(self._greet(reader, writer, messages), _HI_WITHIN_S):
                return
            while data := await reader.read(_READ_BYTES):
                for message in messages.feed(data):
                    self._on_message(message)
        except (OSError, LinkError, TimeoutError) as error:
            _log.info("window left", code=type(error).__name__)
        finally:
            self._windows.discard(writer)
            writer.close()
            if not self._windows:
                self._on_empty()

    async def _greet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, messages: LinkReader) -> bool:
        while data := await reader.read(_READ_BYTES):
            for message in messages.feed(data):
                if writer in self._windows:
                    self._on_message(message)
                    continue
                if not isinstance(message, Hi) or not hmac.compare_digest(message.socket_token, self._token):
                    _log.warning("stranger at the socket", code="bad_token")
                    return False
                self._windows.add(writer)
                writer.write(encode_frame(Hi(socket_token=self._token, role="worker", version=str(os.getpid()))))
                for each in self._on_joined():
                    writer.write(encode_frame(each))
            if writer in self._windows:
                return True
        return False
