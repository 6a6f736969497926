# SPDX-License-Identifier: GPL-3.0-or-later
"""A world's server on a real port of this machine, in a thread: for browsers and streams."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable, Iterator

import httpx
import uvicorn

from sync.server.parts import Parts
from sync.server.web.app import build_app
from sync.server.web.patience import PatientHttp
from sync.server.web.serve import bind
from tests.fakes.wait import wait_until

__all__ = ["serving"]


@contextlib.contextmanager
def serving(parts: Parts) -> Iterator[tuple[httpx.Client, Callable[[], None]]]:
    """Yield a client whose base is the server's address, and what stops it. At its end the parts are closed."""
    listener = bind("127.0.0.1", 0)
    config = uvicorn.Config(
        build_app(parts),
        http=PatientHttp,
        lifespan="on",
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=2,
    )
    server = uvicorn.Server(config)
    loops: list[asyncio.AbstractEventLoop] = []

    async def serve() -> None:
        loops.append(asyncio.get_running_loop())
        await server.serve(sockets=[listener])

    def stop() -> None:
        """What SIGTERM does."""
        if loops and not server.should_exit:
            loops[0].call_soon_threadsafe(parts.hub.close)
        server.should_exit = True

    thread = threading.Thread(target=lambda: asyncio.run(serve()), daemon=True)
    thread.start()
    try:
        wait_until(lambda: server.started, 30)
        with httpx.Client(base_url=f"http://127.0.0.1:{listener.getsockname()[1]}", timeout=30) as client:
            yield client, stop
    finally:
        stop()
        thread.join(30)
