# SPDX-License-Identifier: GPL-3.0-or-later
"""A device of an agent without a client behind it: signs in, says hello, and makes the bodies of pushes."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TypeVar

import httpx

from app.domain.changes import AnyChange
from app.domain.entities import SCHEMA
from app.domain.ids import hlc_of
from sync.protocol import (
    CONTENT_TYPE,
    Hello,
    HelloAnswer,
    Login,
    Mutation,
    Push,
    Tokens,
    encode_args,
    mutation_hash,
    pack,
    unpack,
)

__all__ = ["Device"]

T = TypeVar("T")


class Device:
    """One signed-in device."""

    def __init__(self, url: str, login: str, password: str) -> None:
        self.url = url
        self.client = httpx.Client(base_url=url, timeout=60)
        told: Tokens = self._post("/auth/v1/login", Login(login=login, password=password, device_name="test"), Tokens)
        assert told.device is not None
        self.device, self.access = told.device, told.access
        now = time.time_ns() // 1_000_000
        hello = Hello(device=self.device, epoch=None, schema=SCHEMA, wall_ms=now, lmid_seen=0, last_mid=0, scopes={})
        self.told: HelloAnswer = self._post("/sync/v1/hello", hello, HelloAnswer)
        self.mid = 0

    @property
    def headers(self) -> dict[str, str]:
        """Headers of a packed request."""
        return {"content-type": CONTENT_TYPE, "authorization": f"Bearer {self.access}"}

    def body(self, changes: Sequence[AnyChange]) -> bytes:
        """Return the body of the next push."""
        muts = []
        for change in changes:
            self.mid += 1
            name, v, args = encode_args(change)
            hlc = hlc_of(time.time_ns() // 1_000_000, self.mid & 0xFFFF)
            digest = mutation_hash(name, v, hlc, args, {})
            muts.append(Mutation(mid=self.mid, name=name, v=v, hlc=hlc, args=args, base={}, hash=digest))
        return pack(Push(device=self.device, epoch=self.told.epoch, muts=muts))

    def close(self) -> None:
        """Close the connection."""
        self.client.close()

    def _post(self, path: str, message: object, kind: type[T]) -> T:
        headers = {"content-type": CONTENT_TYPE}
        if hasattr(self, "access"):
            headers = self.headers
        answer = self.client.post(path, content=pack(message), headers=headers)
        assert answer.status_code == 200, answer.text
        told: T = unpack(answer.content, kind)
        return told
