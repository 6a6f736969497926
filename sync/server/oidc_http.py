# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests to the sign-in provider: of limited size and time, whatever answers there. Blocking, any thread."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass

import httpx

__all__ = ["ProviderHttp", "Said", "TooLong", "Unreachable"]

_TIMEOUT = httpx.Timeout(8.0, connect=5.0)
_MAX_BYTES = 1 << 20
# as it is sent: a packed answer could unfold to any size
_HEADERS = {"accept": "application/json", "accept-encoding": "identity"}


class Unreachable(Exception):
    """No answer, or none in time. `args[0]` says what happened, in words of our own."""


class TooLong(Exception):
    """The answer is larger than any that a provider has to give."""


@dataclass(frozen=True, slots=True)
class Said:
    """An answer: its status and body."""

    status: int
    body: bytes


class ProviderHttp:
    """Each request has a connection of its own, which is cut when its time is over."""

    def __init__(self, deadline_s: float, transport: httpx.BaseTransport | None = None) -> None:
        self._deadline_s = deadline_s
        self._transport = transport
        self._context = httpx.create_ssl_context()
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()

    def close(self) -> None:
        """Cut what is under way."""
        with self._lock:
            running = list(self._open)
        for connection in running:
            _cut(connection)

    def ask(self, method: str, url: str, form: Mapping[str, str] | None = None) -> Said:
        """Send a request and return the answer. Raises Unreachable, TooLong."""
        try:
            with self._client() as (client, trace):
                request = client.build_request(method, url, data=form, headers=_HEADERS, extensions={"trace": trace})
                response = client.send(request, stream=True)
                try:
                    return Said(response.status_code, _body(response))
                finally:
                    response.close()
        except (httpx.HTTPError, httpx.StreamError, httpx.InvalidURL, UnicodeError, ValueError) as error:
            raise Unreachable(type(error).__name__) from error

    @contextmanager
    def _client(self) -> Iterator[tuple[httpx.Client, _Trace]]:
        trace = _Trace(self)
        # of the whole exchange: a time-out for each read lets an answer trickle in for ever
        alarm = threading.Timer(self._deadline_s, trace.cut)
        alarm.daemon = True
        alarm.start()
        try:
            with httpx.Client(
                timeout=_TIMEOUT, follow_redirects=False, transport=self._transport, verify=self._context
            ) as client:
                yield client, trace
        finally:
            alarm.cancel()
            trace.end()

    def note(self, connection: socket.socket, *, open_: bool) -> None:
        """Keep what `close` has to cut."""
        with self._lock:
            (self._open.add if open_ else self._open.discard)(connection)


class _Trace:
    """Learns the socket of one request, so that another thread can end it."""

    def __init__(self, http: ProviderHttp) -> None:
        self._http = http
        self._sockets: list[socket.socket] = []
        self._over = False

    def __call__(self, event: str, info: Mapping[str, object]) -> None:
        """httpcore tells its steps; TLS wraps the socket into another one."""
        if event in ("connection.connect_tcp.complete", "connection.start_tls.complete", "proxy.start_tls.complete"):
            known = getattr(info.get("return_value"), "get_extra_info", lambda _name: None)("socket")
            if isinstance(known, socket.socket):
                self._sockets.append(known)
                self._http.note(known, open_=True)
                if self._over:
                    _cut(known)

    def cut(self) -> None:
        """The time is over."""
        self._over = True
        for connection in list(self._sockets):
            _cut(connection)

    def end(self) -> None:
        """The request is done."""
        for connection in self._sockets:
            self._http.note(connection, open_=False)


def _cut(connection: socket.socket) -> None:
    """Wake whoever reads. The socket's own method: that of TLS would take the reader's state away."""
    with suppress(OSError, ValueError):
        socket.socket.shutdown(connection, socket.SHUT_RDWR)


def _body(response: httpx.Response) -> bytes:
    out = bytearray()
    for piece in response.iter_raw(1 << 16):
        out += piece
        if len(out) > _MAX_BYTES:
            raise TooLong
    return bytes(out)
