# SPDX-License-Identifier: GPL-3.0-or-later
"""Listens and serves: the socket, TLS, the port file, and a graceful end on SIGTERM."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import os
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import uvicorn

from app.config.logs import get_logger
from app.domain.errors import PortInUse, WorldError
from sync.server.parts import Parts
from sync.server.web.app import build_app
from sync.server.web.live_protocol import LiveSockets
from sync.server.web.patience import PatientHttp

__all__ = ["LOCAL_PROXIES", "Listening", "bind", "is_loopback", "serve", "split_listen", "write_port_file"]

LOCAL_PROXIES = ("127.0.0.1", "::1")
# between the event loop and the threads of the database: a statement that is done waits for no more than this until it
# goes on, and there are some twenty in a write. Python's own is 5 ms
_SWITCH_S = 0.0005
_log = get_logger("server")


@dataclass(frozen=True, slots=True)
class Listening:
    """Where and how to listen. `proxies` are believed who their clients are: addresses and networks."""

    host: str
    port: int
    tls_cert: Path | None = None
    tls_key: Path | None = None
    proxies: tuple[str, ...] = LOCAL_PROXIES

    @property
    def scheme(self) -> str:
        """Return http or https."""
        return "https" if self.tls_cert else "http"


def split_listen(text: str) -> tuple[str, int]:
    """Return host and port of `127.0.0.1:8080`, `[::1]:8080` or `:8080` (all addresses). Raises WorldError."""
    host, colon, port = text.rpartition(":")
    if not colon or not port.isdigit() or int(port) > 65535:
        raise WorldError("bad_listen", listen=text)
    return host.strip("[]") or "0.0.0.0", int(port)  # noqa: S104 - asked for, and guarded by the caller


def is_loopback(host: str) -> bool:
    """Tell whether only this machine can reach an address."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def bind(host: str, port: int) -> socket.socket:
    """Return a listening socket. Raises PortInUse, or WorldError("bad_listen")."""
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0][0]
        # with the protocol named, asyncio turns Nagle off: else each answer waits 40 ms for a delayed ACK
        listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    except OSError as error:
        raise WorldError("bad_listen", listen=host) from error
    try:
        if os.name != "nt":
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(512)
    except OSError as error:
        listener.close()
        raise PortInUse("port_in_use", port=port, host=host) from error
    listener.setblocking(False)
    return listener


class _Server(uvicorn.Server):
    """uvicorn without its own signal handlers: ours end the process with code 0."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def serve(parts: Parts, listener: socket.socket, listening: Listening, ready: Callable[[str], None]) -> None:
    """Serve until SIGTERM or SIGINT; then finish what runs and close the parts. Call from the main thread."""
    sys.setswitchinterval(_SWITCH_S)
    config = uvicorn.Config(
        build_app(parts),
        http=PatientHttp,
        forwarded_allow_ips=list(listening.proxies),
        ws=cast("Any", LiveSockets(parts).make),  # a maker of protocols is all that is asked for
        ssl_certfile=listening.tls_cert,
        ssl_keyfile=listening.tls_key,
        log_config=None,
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=5,
        lifespan="on",
    )
    host, port = listener.getsockname()[:2]
    shown = f"[{host}]" if ":" in host else host
    asyncio.run(_run(_Server(config), parts, listener, lambda: ready(f"{listening.scheme}://{shown}:{port}")))


async def _run(server: _Server, parts: Parts, listener: socket.socket, ready: Callable[[], None]) -> None:
    loop = asyncio.get_running_loop()

    def stop() -> None:
        _log.info("stopping")
        parts.hub.close()
        server.should_exit = True

    for name in (signal.SIGTERM, signal.SIGINT):
        try:
            loop.add_signal_handler(name, stop)
        except NotImplementedError:  # Windows
            signal.signal(name, lambda *_: loop.call_soon_threadsafe(stop))
    serving = asyncio.ensure_future(server.serve(sockets=[listener]))
    while not server.started and not serving.done():
        await asyncio.sleep(0.01)
    if server.started:
        ready()
    await serving


def write_port_file(path: Path, url: str) -> None:
    """Write the URL so that a reader sees all of it or nothing. Raises OSError."""
    temporary = path.with_name(path.name + ".new")
    temporary.write_text(url + "\n", encoding="ascii")
    temporary.replace(path)
