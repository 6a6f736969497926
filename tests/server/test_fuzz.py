# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests whose every field was replaced by something else: answered with a refusal, never with a failure."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from app.domain.entities import SCHEMA
from sync.protocol import CONTENT_TYPE, Hello, Login, NewDevice, Pull, Push, Refresh, Wiped, encode
from tests.server.world import World, row_id
from tests.unit.test_decoder_fuzz import wild

PATHS = ("/sync/v1/hello", "/sync/v1/push", "/sync/v1/pull", "/auth/v1/login", "/auth/v1/refresh", "/auth/v1/device",
         "/auth/v1/wiped")  # fmt: skip
HUGE = (1 << 64) - 1


@pytest.mark.parametrize("path", PATHS)
def test_no_field_of_any_request_can_make_the_server_fail(desk: World, path: str) -> None:
    """Numbers at the ends of 64 bits, other types, forged devices, epochs, scopes, hashes and clocks."""
    import zstandard

    kim = desk.agent()
    kim.ticket()
    mutation = kim.mutation_at(2, kim.note(row_id(1001)), {"state": (1, 0)})
    valid: dict[str, Any] = {
        "/sync/v1/hello": Hello(device=kim.device, epoch=kim.epoch, schema=SCHEMA, wall_ms=0, lmid_seen=0, last_mid=0,
                                scopes={"ref": 1}, optional=["team:x:arc"]),
        "/sync/v1/push": Push(device=kim.device, epoch=kim.epoch, muts=[mutation]),
        "/sync/v1/pull": Pull(device=kim.device, epoch=kim.epoch, lmid_seen=0, scopes={"ref": 0}),
        "/auth/v1/login": Login(login="kim", password="x", device=kim.device),
        "/auth/v1/refresh": Refresh(refresh="x", device=kim.device),
        "/auth/v1/device": NewDevice(name="x", replaces=row_id(1)),
        "/auth/v1/wiped": Wiped(device=kim.device, wipe_token="x"),
    }  # fmt: skip
    plain: dict[str, Any] = msgspec.msgpack.decode(encode(valid[path]))

    @settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck), database=None)
    @given(place=st.sampled_from(sorted(plain)), inner=st.sampled_from(sorted(mutation.__struct_fields__)), value=wild)
    @example(place="lmid_seen", inner="mid", value=HUGE)
    @example(place="last_mid", inner="hlc", value=HUGE)
    @example(place="wall_ms", inner="v", value=-(1 << 63))
    @example(place="wall_ms", inner="base", value={"state": [HUGE, HUGE]})
    @example(place="scopes", inner="hash", value={"ref": HUGE})
    @example(place="scopes", inner="name", value={"ref": -1})
    @example(place="schema", inner="name", value="ticket.create\x00")
    @example(place="max_bytes", inner="args", value=-(1 << 63))
    @example(place="epoch", inner="args", value=b"\x00" * 100)
    @example(place="login", inner="args", value="a\x00b")
    def send(place: str, inner: str, value: Any) -> None:
        for body in ({**plain, place: value}, _inside(plain, inner, value)):
            packed = zstandard.ZstdCompressor().compress(encode(body))
            answer = desk.client.post(path, content=packed, headers={**kim.headers, "content-type": CONTENT_TYPE})
            assert answer.status_code < 500, (body, answer.text)

    send()


def _inside(plain: dict[str, Any], name: str, value: Any) -> dict[str, Any]:
    """The same request with a field of its mutation replaced."""
    if "muts" not in plain:
        return plain
    return {**plain, "muts": [{**plain["muts"][0], name: value}]}
