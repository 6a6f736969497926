# SPDX-License-Identifier: GPL-3.0-or-later
"""A client of the sync protocol written from docs/protocol.md and docs/protocol-reference.md alone.

It imports nothing of the product; tests/server/test_protocol_page.py makes sure of that and runs it against a server.
"""

from __future__ import annotations

import base64
import hashlib
import json
import struct
import uuid
from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import msgspec
import zstandard

TYPE = "application/vnd.deskside.sync+msgpack"
TICKET, MESSAGE, NOTE, MEMBERSHIP, STATE, USER, TEAM, CUSTOMER, CONFLICT = 1, 2, 3, 5, 7, 8, 9, 10, 18
SCHEMA = 2
REPLY_BASE = ("customer", "incident", "merged_into", "state")
_PART_BYTES = 40_000

Row = dict[str, Any]


class Refusal(Exception):
    """An HTTP status and the problem's code."""

    def __init__(self, status: int, problem: dict[str, Any]) -> None:
        super().__init__(status, problem.get("code"))
        self.status, self.problem = status, problem


class PageClient:
    """Signs in, keeps rows by scope, pushes numbered mutations, moves files."""

    def __init__(self, http: Any, login: str, password: str, now_ms: int) -> None:
        self._http = http
        self.now_ms = now_ms
        found = self._plain("/auth/v1/login", {"login": login, "password": password, "device_name": "page"})
        self.access, self.refresh_token = found["access"], found["refresh"]
        self.device, self.code, self.account = found["device"], found["device_code"], found["account"]["id"]
        self.epoch, self.lmid, self.mid = b"", 0, 0
        self.cursors: dict[str, int] = {}
        self.rows: dict[tuple[int, bytes], Row] = {}
        self.results: list[dict[str, Any]] = []
        self.hashes: dict[int, bytes] = {}

    # --- requests -----------------------------------------------------------------------------------------------------

    def _plain(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        return unpacked(self._sent(path, body, {}))

    def _sent(self, path: str, body: dict[str, Any], headers: dict[str, str]) -> bytes:
        answer = self._http.post(
            path, content=zstandard.compress(packb(body)), headers={"content-type": TYPE, **headers}
        )
        if answer.status_code not in (200, 204):
            raise Refusal(answer.status_code, answer.json())
        content: bytes = answer.content
        return content

    @property
    def _bearer(self) -> dict[str, str]:
        return {"authorization": f"Bearer {self.access}"}

    def ask(self, path: str, **body: Any) -> bytes:
        """Ask as this device."""
        return self._sent(path, {"device": self.device, **body}, self._bearer)

    def refresh(self) -> None:
        """Take the next pair of tokens."""
        found = self._plain("/auth/v1/refresh", {"refresh": self.refresh_token, "device": self.device})
        self.access, self.refresh_token = found["access"], found["refresh"]

    def hello(self, proto: int = 1, schema: int = SCHEMA) -> None:
        """Learn the scopes."""
        told: dict[str, Any] = {"epoch": self.epoch} if self.epoch else {}
        told["sums"] = {scope: list(sums_of(self.rows, scope)) for scope, cursor in self.cursors.items() if cursor}
        if self.lmid:
            told["seen_hash"] = self.hashes[self.lmid]
        found = unpacked(
            self.ask(
                "/sync/v1/hello", proto=[proto], schema=schema, app="page", wall_ms=self.now_ms, lmid_seen=self.lmid,
                last_mid=self.mid, scopes=self.cursors, **told,
            )
        )  # fmt: skip
        self.epoch = found["epoch"]
        for scope in found["drop"]:
            del self.cursors[scope]
            self.rows = {key: row for key, row in self.rows.items() if row["scope"] != scope}
        for scope in found["scopes"]:
            if scope["id"] not in self.cursors or scope["state"] == "reset":
                self.cursors[scope["id"]] = 0

    def logout(self) -> None:
        """End this device's sign-in."""
        self.ask("/auth/v1/logout")

    # --- pushing ------------------------------------------------------------------------------------------------------

    def mutation(self, name: str, base: dict[str, list[int]], args: dict[str, Any], hlc: int) -> dict[str, Any]:
        """Number and hash a mutation."""
        self.mid += 1
        version, raw = (2 if args.get("attachments") else 1), packb(args)
        entries = sorted([field, rev, after] for field, (rev, after) in base.items())
        hashed = self.hashes[self.mid] = digest(packb([name, version, hlc, raw, entries]))
        return {"mid": self.mid, "name": name, "v": version, "hlc": hlc, "args": raw, "base": base, "hash": hashed}

    def push(
        self, name: str, base: dict[str, list[int]] | None = None, /, late_ms: int = 0, **args: Any
    ) -> dict[str, Any]:
        """Do one thing and return its result."""
        mutation = self.mutation(name, base or {}, {"event": uuid.uuid4().bytes, **args}, (self.now_ms - late_ms) << 16)
        return self.send([mutation])[0]

    def send(self, muts: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Push these."""
        results: list[dict[str, Any]] = unpacked(self.ask("/sync/v1/push", epoch=self.epoch, muts=muts))["results"]
        return results

    def seen(self, type_: int, id_: bytes, *fields: str) -> dict[str, list[int]]:
        """Return the base for fields of a row as it is held."""
        fld = self.rows[type_, id_]["fld"]
        return {name: [fld[name][0] if name in fld else 1, 0] for name in fields}

    def reply(self, ticket: bytes, body: str, **more: Any) -> tuple[bytes, dict[str, Any]]:
        """Write a reply with what is on screen; return its id and the result."""
        message, newest = uuid.uuid4().bytes, self.newest(ticket)
        base = self.seen(TICKET, ticket, *REPLY_BASE)
        told = {"seen_seq": newest["msg_no"], "seen_id": newest["id"]}
        return message, self.push("message.add", base, message=message, ticket=ticket, body=body, **told, **more)

    def newest(self, ticket: bytes) -> Row:
        """Return the newest message of a ticket."""
        return max((row for row in self.all(MESSAGE) if row["ticket"] == ticket), key=lambda row: int(row["msg_no"]))

    # --- pulling ------------------------------------------------------------------------------------------------------

    def pull(self) -> None:
        """Take everything new, all or nothing. Asserts the sums."""
        fresh = {scope for scope, cursor in self.cursors.items() if cursor == 0}
        rows = {key: row for key, row in deepcopy(self.rows).items() if row["scope"] not in fresh}
        cursors, results, lmid, sums = dict(self.cursors), list[dict[str, Any]](), self.lmid, None
        while sums is None:
            body = self.ask("/sync/v1/pull", epoch=self.epoch, lmid_seen=self.lmid, scopes=cursors, max_bytes=4096)
            for frame in frames(body):
                kind = frame["f"]
                if kind == "begin":
                    lmid, results = frame["lmid"], []
                elif kind == "results":
                    results += frame["items"]
                elif kind == "mark":
                    cursors[frame["scope"]] = frame["to"]
                elif kind == "sums":
                    sums = frame["scopes"]
                else:
                    apply(rows, frame)
        for scope, expected in sums.items():
            assert sums_of(rows, scope) == (expected["n"], expected["xsum"]), scope
        self.rows, self.cursors, self.lmid = rows, cursors, lmid
        self.results += results

    def all(self, type_: int) -> list[Row]:
        """Return the rows of an entity that are not deleted."""
        return [row | {"id": id_} for (kind, id_), row in self.rows.items() if kind == type_ and not row["deleted"]]

    def conflicts(self) -> list[Row]:
        """Return what waits for this person, with its JSON read."""
        found = [row for row in self.all(CONFLICT) if row["status"] == "open"]
        return [row | {name: json.loads(row[name]) for name in ("mine", "theirs")} for row in found]

    # --- files --------------------------------------------------------------------------------------------------------

    def upload(self, content: bytes) -> bytes:
        """Send a file in parts from where the server is; return its name."""
        sha256 = hashlib.sha256(content)
        while (have := self.held(sha256.hexdigest())) != (len(content), True):
            part = content[have[0] : have[0] + _PART_BYTES]
            check = base64.b64encode(hashlib.sha256(part).digest()).decode()
            headers = {
                "upload-offset": str(have[0]), "upload-length": str(len(content)),
                "content-digest": f"sha-256=:{check}:", **self._bearer,
            }  # fmt: skip
            answer = self._http.patch(f"/blob/{sha256.hexdigest()}", content=part, headers=headers)
            if answer.status_code != 204:
                raise Refusal(answer.status_code, answer.json())
        return sha256.digest()

    def held(self, name: str) -> tuple[int, bool]:
        """Return how much of a file the server has from this account, and whether that is all."""
        answer = self._http.head(f"/blob/{name}", headers=self._bearer)
        if answer.status_code == 404:
            return 0, False
        return int(answer.headers["upload-offset"]), answer.headers["upload-complete"] == "?1"

    def fetch(self, sha256: bytes, start: int = 0) -> bytes:
        """Read a file, or the rest of it."""
        headers = {**self._bearer, **({"range": f"bytes={start}-"} if start else {})}
        answer = self._http.get(f"/blob/{sha256.hex()}", headers=headers)
        if answer.status_code not in (200, 206):
            raise Refusal(answer.status_code, answer.json())
        content: bytes = answer.content
        return content


def apply(rows: dict[tuple[int, bytes], Row], frame: dict[str, Any]) -> None:
    """Apply a frame of rows or exits."""
    if frame["f"] == "rows":
        for id_, seq, deleted, rev, fld, *values in frame["rows"]:
            held = rows.get((frame["type"], id_))
            same_scope = held is not None and held["scope"] == frame["scope"]
            if held is None or (seq > held["seq"] if same_scope else rev >= held["rev"]):
                row = {"scope": frame["scope"], "seq": seq, "deleted": deleted, "rev": rev, "fld": fld}
                rows[frame["type"], id_] = row | dict(zip(frame["cols"], values, strict=True))
    elif frame["f"] == "exits":
        for seq, type_, id_, _to in frame["items"]:
            held = rows.get((type_, id_))
            if held is not None and held["scope"] == frame["scope"] and held["seq"] < seq:
                del rows[type_, id_]


def sums_of(rows: dict[tuple[int, bytes], Row], scope: str) -> tuple[int, int]:
    """Return how many live rows a scope has, and their sum."""
    live = [(key, row["seq"]) for key, row in rows.items() if row["scope"] == scope and not row["deleted"]]
    total = sum(
        int.from_bytes(digest(type_.to_bytes(2, "big") + id_ + seq.to_bytes(8, "big")), "big")
        for (type_, id_), seq in live
    ) % (1 << 64)
    return len(live), total - (1 << 64) if total >> 63 else total


def digest(raw: bytes) -> bytes:
    """BLAKE2b with 8 bytes."""
    return hashlib.blake2b(raw, digest_size=8).digest()


def derived(namespace: bytes, name: str) -> bytes:
    """The id of a derived row."""
    return uuid.uuid5(uuid.UUID(bytes=namespace), name).bytes


def frames(body: bytes) -> Iterator[dict[str, Any]]:
    """Cut an answer into frames."""
    raw = zstandard.ZstdDecompressor().decompressobj().decompress(body)
    while raw:
        size = int.from_bytes(raw[:4], "big")
        yield msgspec.msgpack.decode(raw[4 : 4 + size])
        raw = raw[4 + size :]


def unpacked(body: bytes) -> dict[str, Any]:
    """Read the body of an answer."""
    found: dict[str, Any] = msgspec.msgpack.decode(zstandard.ZstdDecompressor().decompressobj().decompress(body))
    return found


def packb(value: Any) -> bytes:
    """MessagePack in its one canonical form: the shortest for each value, maps sorted by key."""
    if value is None or isinstance(value, bool):
        return {None: b"\xc0", False: b"\xc2", True: b"\xc3"}[value]
    if isinstance(value, int):
        return _int(value)
    if isinstance(value, str):
        raw = value.encode()
        head = bytes([0xA0 | len(raw)]) if len(raw) < 32 else _sized(len(raw), 0xD9, 0xDA, 0xDB)
        return head + raw
    if isinstance(value, bytes):
        return _sized(len(value), 0xC4, 0xC5, 0xC6) + value
    if isinstance(value, dict):
        return _many(len(value), 0x80, 0xDE, 0xDF) + b"".join(packb(k) + packb(value[k]) for k in sorted(value))
    return _many(len(value), 0x90, 0xDC, 0xDD) + b"".join(packb(item) for item in value)


def _int(value: int) -> bytes:
    if -32 <= value < 128:
        return struct.pack(">b", value)
    signed = value < 0
    for size, code in enumerate("BHIQ"):
        limit = 1 << (8 << size)
        if -limit // 2 <= value < (0 if signed else limit):
            return bytes([(0xD0 if signed else 0xCC) + size]) + struct.pack(
                f">{code.lower() if signed else code}", value
            )
    raise OverflowError(value)


def _sized(size: int, *codes: int) -> bytes:
    for code, kind, limit in zip(codes, "BHI", (1 << 8, 1 << 16, 1 << 32), strict=True):
        if size < limit:
            return bytes([code]) + struct.pack(f">{kind}", size)
    raise OverflowError(size)


def _many(size: int, small: int, *codes: int) -> bytes:
    if size < 16:
        return bytes([small | size])
    return (
        bytes([codes[0]]) + struct.pack(">H", size) if size < 1 << 16 else bytes([codes[1]]) + struct.pack(">I", size)
    )
