# SPDX-License-Identifier: GPL-3.0-or-later
"""Bytes from anywhere: each gets a clear answer, and the server goes on."""

from __future__ import annotations

import json

import zstandard
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sync.protocol import CONTENT_TYPE, PROTO, Hello, encode, pack
from tests.server.world import World

SYNC_PATHS = ("/sync/v1/hello", "/sync/v1/push", "/sync/v1/pull")
COMPRESS = zstandard.ZstdCompressor()


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(path=st.sampled_from(SYNC_PATHS), body=st.binary(max_size=300), packed=st.booleans())
def test_garbage_is_malformed_and_nothing_else(desk: World, path: str, body: bytes, packed: bool) -> None:
    """400 `malformed`, whether the compression or the message inside is broken."""
    kim = desk.__dict__.setdefault("kim", None) or desk.__dict__.update(kim=desk.agent()) or desk.__dict__["kim"]
    content = COMPRESS.compress(body) if packed else body
    answer = desk.client.post(path, content=content, headers=kim.headers)
    assert (answer.status_code, answer.json()["code"]) == (400, "malformed")


def test_a_cut_message_is_malformed(desk: World) -> None:
    """Every prefix of a good body."""
    kim = desk.agent()
    good = pack(Hello(device=kim.device, proto=[PROTO], schema=1, wall_ms=0, lmid_seen=0, last_mid=0))
    for size in range(0, len(good), 5):
        assert desk.client.post("/sync/v1/hello", content=good[:size], headers=kim.headers).status_code == 400


def test_a_bomb_is_refused_before_it_unfolds(desk: World) -> None:
    """A small body that would inflate to 200 MB answers 413; so does a body that is too large as it is."""
    kim = desk.agent()
    bomb = COMPRESS.compress(b"\x00" * (200 << 20))
    for path in SYNC_PATHS:
        answer = desk.client.post(path, content=bomb, headers=kim.headers)
        assert (answer.status_code, answer.json()["code"]) == (413, "too_large")
    assert desk.client.post("/sync/v1/push", content=b"x" * (9 << 20), headers=kim.headers).status_code == 413
    deep = encode([]) and COMPRESS.compress(b"\x91" * 100_000)
    assert desk.client.post("/sync/v1/push", content=deep, headers=kim.headers).status_code == 400


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    path=st.sampled_from(["/auth/v1/login", "/auth/v1/refresh", "/customer/v1/enrol", "/customer/v1/token",
                          "/customer/v1/challenge", "/session/v1/redeem"]),
    body=st.one_of(
        st.binary(max_size=100),
        st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=20),
                     lambda inner: st.dictionaries(st.sampled_from(["login", "password", "code", "pubkey", "iid",
                                                                    "companion", "nonce", "signature"]), inner),
                     max_leaves=6).map(lambda v: json.dumps(v).encode()),
    ),
    content_type=st.sampled_from(["application/json", CONTENT_TYPE, "text/plain", ""]),
)  # fmt: skip
def test_json_routes_never_break(desk: World, path: str, body: bytes, content_type: str) -> None:
    """Whatever comes, the answer is a `Problem` of the 400s."""
    headers = {"content-type": content_type} if content_type else {}
    answer = desk.client.post(path, content=body, headers=headers)
    assert 400 <= answer.status_code < 500, answer.text
    assert answer.json()["code"]


def test_json_nested_very_deeply_is_malformed_with_or_without_sign_in(desk: World) -> None:
    """Every route that takes a body: lists or objects within each other beyond any program's stack."""
    kim, yerin = desk.agent(), desk.companion()
    bodies = (b"[" * 60_000, b'{"a":' * 12_000, b"[" * 30_000 + b"]" * 30_000)
    tried = set()
    for route in desk.client.app.routes:
        path = str(getattr(route, "path", "")).replace("{sid:str}", "aa")
        takes = "POST" in getattr(route, "methods", ()) and "{" not in path and not path.startswith("/sync")
        tried |= {path} if takes else set()
        for headers in ({}, kim.bearer, yerin.bearer) if takes else ():
            for body in bodies:
                sent = {**headers, "content-type": "application/json"}
                answer = desk.client.post(path, content=body, headers=sent)
                if path.startswith("/help"):  # the portal takes forms and answers with pages
                    assert 400 <= answer.status_code < 500, path
                    assert answer.text.startswith("<!doctype html>"), path
                    continue
                assert (answer.status_code, answer.json()["code"]) in ((400, "malformed"), (401, "token")), path
    assert {"/auth/v1/login", "/auth/v1/refresh", "/customer/v1/enrol", "/customer/v1/request"} <= tried


def test_unknown_paths_and_methods_are_problems_too(desk: World) -> None:
    """One shape for every error."""
    assert desk.client.get("/nowhere").json()["code"] == "not_found"
    assert desk.client.get("/auth/v1/login").json()["code"] == "method"


def test_the_api_describes_itself(desk: World) -> None:
    """OpenAPI at /schema names the JSON routes and not the sync protocol."""
    described = desk.client.get("/schema").json()
    assert described["openapi"].startswith("3.")
    assert "/customer/v1/home" in described["paths"]
    assert not any(path.startswith("/sync") for path in described["paths"])
    assert desk.client.get("/health").json()["status"] == "ok"
    assert desk.client.get("/ready").json() == {"status": "ok", "database": "ok", "broker": "none"}
