# SPDX-License-Identifier: GPL-3.0-or-later
"""Websocket frames (RFC 6455), server's end: cut out of a byte stream, and put around what is sent. No I/O.

Only what the live channel speaks: no extensions, and messages of bounded size.
"""

from __future__ import annotations

__all__ = ["BINARY", "CLOSE", "PING", "PONG", "FrameError", "Frames", "close_payload", "framed"]

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA
_FIN, _MASKED = 0x80, 0x80
_MAX_CONTROL = 125


class FrameError(Exception):
    """The other end does not keep to the protocol. `code` is the close code: 1002, 1003 or 1009."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


def framed(kind: int, payload: bytes) -> bytes:
    """Return one whole frame as a server sends it."""
    size = len(payload)
    if size <= _MAX_CONTROL:
        return bytes((_FIN | kind, size)) + payload
    if size < 1 << 16:
        return bytes((_FIN | kind, 126)) + size.to_bytes(2, "big") + payload
    return bytes((_FIN | kind, 127)) + size.to_bytes(8, "big") + payload


def close_payload(code: int) -> bytes:
    """Return what a close frame carries."""
    return code.to_bytes(2, "big")


class Frames:
    """Feed bytes, get messages: (BINARY, PING, PONG or CLOSE, payload). Between messages it holds no memory."""

    __slots__ = ("_buffer", "_max", "_parts")

    def __init__(self, max_bytes: int) -> None:
        self._max = max_bytes
        self._buffer = b""
        self._parts: bytes | None = None  # the beginning of a message in several frames

    def feed(self, data: bytes) -> list[tuple[int, bytes]]:
        """Return the messages that are complete. Raises FrameError; what came before the fault is lost with it."""
        buffer = self._buffer + data if self._buffer else data
        out: list[tuple[int, bytes]] = []
        at = 0
        while (found := self._next(buffer, at)) is not None:
            head, payload, at = found
            message = self._message(head, payload)
            if message is not None:
                out.append(message)
        self._buffer = buffer[at:]
        return out

    def _next(self, buffer: bytes, at: int) -> tuple[int, bytes, int] | None:
        """Return (first byte, payload, where the next frame begins), or None if the frame is not complete."""
        if len(buffer) - at < 2:
            return None
        head, second = buffer[at], buffer[at + 1]
        size, at = second & 0x7F, at + 2
        if not second & _MASKED or head & 0x70:
            raise FrameError(1002)
        if head & 0x08 and (size > _MAX_CONTROL or not head & _FIN):
            raise FrameError(1002)
        if size >= 126:
            wide = 2 if size == 126 else 8
            if len(buffer) - at < wide:
                return None
            size, at = int.from_bytes(buffer[at : at + wide], "big"), at + wide
        if size + len(self._parts or b"") > self._max:
            raise FrameError(1009)
        end = at + 4 + size
        if len(buffer) < end:
            return None
        return head, _unmasked(buffer[at : at + 4], buffer[at + 4 : end]), end

    def _message(self, head: int, payload: bytes) -> tuple[int, bytes] | None:
        kind, last = head & 0x0F, bool(head & _FIN)
        if kind in (CLOSE, PING, PONG):
            return kind, payload
        if kind == TEXT:
            raise FrameError(1003)
        if kind == CONTINUATION and self._parts is not None:
            payload = self._parts + payload
        elif kind != BINARY or self._parts is not None:
            raise FrameError(1002)
        self._parts = None if last else payload
        return (BINARY, payload) if last else None


def _unmasked(mask: bytes, payload: bytes) -> bytes:
    if mask == b"\0\0\0\0" or not payload:
        return payload
    size = len(payload)
    key = (mask * (size // 4 + 1))[:size]
    return (int.from_bytes(payload, "big") ^ int.from_bytes(key, "big")).to_bytes(size, "big")
