# SPDX-License-Identifier: GPL-3.0-or-later
"""A client written from docs/protocol.md alone: nothing but the server is ours, so the page must be right."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterator
from typing import Any

import msgspec
import zstandard

from tests.server.world import PASSWORD, World

_TYPE = "application/vnd.deskside.sync+msgpack"
_TICKET, _NOTE = 1, 3


class PageClient:
    """Signs in, keeps rows by scope, pushes numbered mutations. As short as the page allows."""

    def __init__(self, world: World, login: str, password: str) -> None:
        self._http = world.client
        found = self._json("/auth/v1/login", {"login": login, "password": password, "device_name": "page"})
        self.access, self.device, self.code = found["access"], found["device"], found["device_code"]
        self.epoch, self.lmid, self.mid = b"", 0, 0
        self.cursors: dict[str, int] = {}
        self.rows: dict[tuple[int, bytes], dict[str, Any]] = {}
        self.results: list[dict[str, Any]] = []

    def _json(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        packed = zstandard.compress(msgspec.msgpack.encode(body))
        answer = self._http.post(path, content=packed, headers={"content-type": _TYPE})
        assert answer.status_code == 200, answer.text
        return self._map(answer.content)

    def _map(self, body: bytes) -> dict[str, Any]:
        found: dict[str, Any] = msgspec.msgpack.decode(zstandard.ZstdDecompressor().decompressobj().decompress(body))
        return found

    def _post(self, path: str, **body: Any) -> bytes:
        packed = zstandard.compress(msgspec.msgpack.encode({"device": self.device, **body}))
        headers = {"content-type": _TYPE, "authorization": f"Bearer {self.access}"}
        answer = self._http.post(path, content=packed, headers=headers)
        assert answer.status_code == 200, answer.text
        content: bytes = answer.content
        return content

    def hello(self, now_ms: int) -> None:
        found = self._map(
            self._post(
                "/sync/v1/hello", proto=[1], schema=99, app="page", wall_ms=now_ms, lmid_seen=self.lmid,
                last_mid=self.mid, scopes=self.cursors,
            )
        )  # fmt: skip
        self.epoch = found["epoch"]
        for scope in found["scopes"]:
            if scope["id"] not in self.cursors or scope["state"] == "reset":
                self.cursors[scope["id"]] = 0

    def push(self, name: str, now_ms: int, base: dict[str, list[int]] | None = None, **args: Any) -> dict[str, Any]:
        self.mid += 1
        raw = msgspec.msgpack.encode(args, order="deterministic")
        hlc, entries = now_ms << 16, sorted([field, rev, after] for field, (rev, after) in (base or {}).items())
        canonical = msgspec.msgpack.encode([name, 1, hlc, raw, entries])
        mutation = {
            "mid": self.mid, "name": name, "v": 1, "hlc": hlc, "args": raw, "base": base or {},
            "hash": hashlib.blake2b(canonical, digest_size=8).digest(),
        }  # fmt: skip
        found = self._map(self._post("/sync/v1/push", epoch=self.epoch, muts=[mutation]))
        result: dict[str, Any] = found["results"][0]
        return result

    def pull(self) -> None:
        finished, sums = False, dict[str, dict[str, int]]()
        while not finished:
            body = self._post(
                "/sync/v1/pull", epoch=self.epoch, lmid_seen=self.lmid, scopes=self.cursors, max_bytes=4096
            )
            for frame in _frames(body):
                finished = finished or frame["f"] == "end"
                sums = frame["scopes"] if frame["f"] == "sums" else sums
                self._take(frame)
        for scope, expected in sums.items():
            live = [key for key, row in self.rows.items() if row["scope"] == scope and not row["deleted"]]
            total = sum(_row_hash(*key, self.rows[key]["seq"]) for key in live) % (1 << 64)
            assert (len(live), total) == (expected["n"], expected["xsum"] % (1 << 64)), scope

    def _take(self, frame: dict[str, Any]) -> None:
        if frame["f"] == "begin":
            self.lmid = frame["lmid"]
        elif frame["f"] == "results":
            self.results += frame["items"]
        elif frame["f"] == "rows":
            for id_, seq, deleted, rev, fld, *values in frame["rows"]:
                held = self.rows.get((frame["type"], id_))
                if held is None or rev >= held["rev"]:
                    row = {"scope": frame["scope"], "seq": seq, "deleted": deleted, "rev": rev, "fld": fld}
                    self.rows[(frame["type"], id_)] = row | dict(zip(frame["cols"], values, strict=True))
        elif frame["f"] == "exits":
            for _seq, type_, id_, _to in frame["items"]:
                if self.rows.get((type_, id_), {}).get("scope") == frame["scope"]:
                    del self.rows[(type_, id_)]
        elif frame["f"] == "mark":
            self.cursors[frame["scope"]] = frame["to"]


def _frames(body: bytes) -> Iterator[dict[str, Any]]:
    raw = zstandard.ZstdDecompressor().decompressobj().decompress(body)
    while raw:
        size = int.from_bytes(raw[:4], "big")
        yield msgspec.msgpack.decode(raw[4 : 4 + size])
        raw = raw[4 + size :]


def _row_hash(type_: int, id_: bytes, seq: int) -> int:
    packed = type_.to_bytes(2, "big") + id_ + seq.to_bytes(8, "big")
    return int.from_bytes(hashlib.blake2b(packed, digest_size=8).digest(), "big", signed=True)


def test_a_client_written_from_the_page_reads_edits_and_is_told_what_became_of_it(world: World) -> None:
    """Sign-in, hello, pull with equal sums, a note, two edits of one field that meet, results with the next pull."""
    now = world.clock()
    ticket = world.agent("kim").ticket()
    client = PageClient(world, "lee", PASSWORD)
    client.hello(now)
    client.pull()
    row = client.rows[(_TICKET, ticket)]
    note = uuid.uuid4().bytes
    added = client.push("note.add", now, event=uuid.uuid4().bytes, note=note, ticket=ticket, body="from the page")
    assert added["st"] == "ok"
    seen = {"subject": [row["fld"].get("subject", [1])[0], 0]}
    first = client.push("ticket.set", now, seen, event=uuid.uuid4().bytes, ticket=ticket, fields={"subject": "first"})
    late = client.push(
        "ticket.set", now - 60_000, seen, event=uuid.uuid4().bytes, ticket=ticket, fields={"subject": "late"}
    )
    assert (first["st"], late["st"]) == ("ok", "conflict")
    client.pull()
    assert client.lmid == client.mid
    assert client.rows[(_NOTE, note)]["body"] == "from the page"
    assert client.rows[(_TICKET, ticket)]["subject"] == "first"
    assert [(r["mid"], r["st"]) for r in client.results] == [(late["mid"], "conflict")]
