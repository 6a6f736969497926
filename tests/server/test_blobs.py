# SPDX-License-Identifier: GPL-3.0-or-later
"""Attachments: sent over a bad line in parts, checked, and read only by those who see the row that names them."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from app.domain.entities import MESSAGE
from sync.server import blobs as blobs_module
from sync.server.blobs import Blobs
from sync.server.rows import TxRows
from sync.server.schema import SYSTEM
from tests.server.lent_app import client_of
from tests.server.world import Agent, Companion, World

CONTENT = b"a picture of a printer " * 4000
SHA = hashlib.sha256(CONTENT)


@pytest.fixture
def stored(world: World, tmp_path: Path) -> Blobs:
    """The world's server with a folder for attachments."""
    made = Blobs(world.store, tmp_path / "blobs", world.clock, world.keys.attachments)
    world.parts = replace(world.parts, blobs=made)
    world.client = client_of(world.parts)
    return made


def send(agent: Agent | Companion, offset: int, chunk: bytes, *, sha: str = SHA.hexdigest(), **headers: str) -> Any:
    """PATCH one part."""
    digest = base64.b64encode(hashlib.sha256(chunk).digest()).decode()
    given = {"upload-offset": str(offset), "upload-length": str(len(CONTENT)), "content-digest": f"sha-256=:{digest}:"}
    given |= {name.replace("_", "-"): value for name, value in headers.items()}
    return agent.world.client.patch(f"/blob/{sha}", content=chunk, headers={**agent.bearer, **given})


def look(agent: Agent) -> tuple[int, str | None]:
    """HEAD: status and offset."""
    answer = agent.world.client.head(f"/blob/{SHA.hexdigest()}", headers=agent.bearer)
    return answer.status_code, answer.headers.get("upload-offset")


def get(agent: Agent | Companion, **headers: str) -> Any:
    """GET the content."""
    return agent.world.client.get(f"/blob/{SHA.hexdigest()}", headers={**agent.bearer, **headers})


def attach(world: World, kim: Agent, ticket: bytes) -> None:
    """Let the ticket's first message name the attachment."""

    def work(cx: sa.Connection) -> None:
        rows = TxRows(cx)
        row = rows.find(MESSAGE.number, "ticket", ticket)[0]
        named = json.dumps([{"sha256": SHA.hexdigest(), "size": len(CONTENT), "name": "a.png"}])
        rows.stage([replace(row, values={**row.values, "attachments": named}, rev=row.rev + 1)])
        rows.flush(world.clock())

    world.store.write(work)


def test_an_upload_goes_on_where_the_line_broke_and_others_do_not_know_of_it(world: World, stored: Blobs) -> None:
    """HEAD tells the offset; a part sent twice is told what is expected; a colleague sees nothing before the row."""
    kim, lee, park = world.agent("kim"), world.agent("lee"), world.agent("park")
    ticket = kim.ticket()
    assert look(kim)[0] == 404
    assert send(kim, 0, CONTENT[:50_000]).headers["upload-offset"] == "50000"
    assert look(kim) == (200, "50000")
    assert look(lee)[0] == 404
    again = send(kim, 0, CONTENT[:50_000])
    assert (again.status_code, again.json()["code"], again.json()["expected"]) == (409, "offset", 50_000)
    assert get(kim).status_code == 404
    done = send(kim, 50_000, CONTENT[50_000:])
    assert (done.status_code, done.headers["upload-complete"]) == (204, "?1")
    assert get(kim).content == CONTENT
    assert (look(lee)[0], get(lee).status_code) == (404, 404)
    attach(world, kim, ticket)
    assert get(lee).content == CONTENT
    part = get(lee, range="bytes=10-19")
    assert (part.status_code, part.content) == (206, CONTENT[10:20])
    assert get(park).status_code == 404
    assert get(lee, range=f"bytes={'9' * 5000}-").status_code == 200  # no number that anybody means


def test_who_has_the_content_itself_may_send_it_again_and_then_read_it(world: World, stored: Blobs) -> None:
    """Whether somebody else had it is not revealed: the whole content must be sent."""
    kim, park = world.agent("kim"), world.agent("park")
    assert send(kim, 0, CONTENT).status_code == 204
    assert look(park)[0] == 404
    url = f"/blob/{SHA.hexdigest()}"
    assert world.client.put(url, content=CONTENT, headers=park.bearer).status_code == 204
    assert get(park).content == CONTENT
    assert world.client.put(url, content=CONTENT, headers=park.bearer).status_code == 204
    empty = f"/blob/{hashlib.sha256(b'').hexdigest()}"
    assert world.client.put(empty, content=b"", headers=park.bearer).status_code == 204
    assert world.client.get(empty, headers=park.bearer).content == b""


def test_damaged_and_false_contents_are_refused(world: World, stored: Blobs, monkeypatch: pytest.MonkeyPatch) -> None:
    """A damaged part costs that part; a whole that is not its hash starts over; sizes have limits."""
    kim = world.agent("kim")
    wrong = base64.b64encode(bytes(32)).decode()
    assert send(kim, 0, b"abc", content_digest=f"sha-256=:{wrong}:").json()["code"] == "digest"
    for header in ("upload_offset", "upload_length", "content_digest"):
        assert send(kim, 0, b"abc", **{header: "-1"}).status_code == 400
    assert look(kim)[0] == 404
    false = send(kim, 0, bytes(len(CONTENT)))
    assert (false.status_code, false.json()["code"]) == (400, "hash")
    assert look(kim)[0] == 404
    assert send(kim, 0, b"abc", upload_length=str(1 << 40)).status_code == 413
    assert send(kim, 0, b"abc", upload_length="2").status_code == 413
    assert send(kim, 0, bytes((4 << 20) + 1), upload_length=str(5 << 20)).status_code == 413
    url = f"/blob/{SHA.hexdigest()}"
    assert world.client.put(url, content=b"other", headers=kim.bearer).json()["code"] == "hash"
    assert world.client.put(url, content=bytes((1 << 20) + 1), headers=kim.bearer).status_code == 413
    for name in ("x", "A" * 64, "../../server.key"):
        assert world.client.get(f"/blob/{name}", headers=kim.bearer).status_code == 404
    assert world.client.get(url).status_code == 401
    monkeypatch.setattr(blobs_module, "_UNFINISHED_MAX_BYTES", 100)
    assert send(kim, 0, CONTENT[:200]).json()["code"] == "quota"


def test_a_full_disk_keeps_what_was_there(world: World, stored: Blobs, monkeypatch: pytest.MonkeyPatch) -> None:
    """503; the offset is that of before."""
    kim = world.agent("kim")
    send(kim, 0, CONTENT[:1000])
    real: Callable[..., Any] = Path.open

    def full(self: Path, *args: Any, **more: Any) -> Any:
        if self.suffix == ".part" and args != ("rb",):
            raise OSError(28, "No space left on device")
        return real(self, *args, **more)

    with monkeypatch.context() as broken:
        broken.setattr(Path, "open", full)
        assert send(kim, 1000, CONTENT[1000:]).status_code == 503
    assert look(kim) == (200, "1000")
    assert send(kim, 1000, CONTENT[1000:]).status_code == 204


def test_what_nothing_names_for_a_month_is_deleted(world: World, stored: Blobs) -> None:
    """And what a row names stays."""
    kim = world.agent("kim")
    ticket = kim.ticket()
    send(kim, 0, CONTENT)
    other = b"nobody wants me"
    name = hashlib.sha256(other).hexdigest()
    world.client.put(f"/blob/{name}", content=other, headers=kim.bearer)
    attach(world, kim, ticket)
    assert stored.clear() == 0
    world.clock.forward(31 * 86_400)
    assert stored.clear() == 1
    kim = world.agent("kim")
    assert get(kim).content == CONTENT
    assert world.client.get(f"/blob/{name}", headers=kim.bearer).status_code == 404
    with world.store.read() as cx:
        assert cx.execute(sa.select(sa.func.count()).select_from(SYSTEM.blob)).scalar_one() == 1


@pytest.mark.parametrize("sender", ["kim", "park"])
def test_what_was_sent_again_today_is_no_month_old(world: World, stored: Blobs, sender: str) -> None:
    """The row that names it is still under way, whoever had sent the same content long before."""
    send(world.agent("kim"), 0, CONTENT)
    world.clock.forward(31 * 86_400)
    again = world.agent(sender)
    if look(again)[0] == 404:
        assert send(again, 0, CONTENT).status_code == 204
    assert stored.clear() == 0
    assert get(again).content == CONTENT


def test_what_very_many_rows_name_can_still_be_read(world: World, stored: Blobs) -> None:
    """The logo under every message; a statement takes only so many values."""
    kim, lee = world.agent("kim"), world.agent("lee")
    ticket = kim.ticket()
    send(kim, 0, CONTENT)
    attach(world, kim, ticket)
    refs = [{"sha256": SHA.digest(), "type": MESSAGE.number, "entity_id": n.to_bytes(16, "big")} for n in range(66_000)]
    world.store.write(lambda cx: cx.execute(SYSTEM.blob_ref.insert(), refs))
    assert get(lee).content == CONTENT


def test_a_customer_cannot_fill_the_disk_with_files(
    world: World, stored: Blobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whole ones count for a day; who works here may send what the work needs."""
    monkeypatch.setattr(blobs_module, "_CUSTOMER_DAY_BYTES", 150)
    yerin, kim = world.companion(), world.agent("kim")

    def put(bearer: dict[str, str], content: bytes) -> int:
        path = f"/blob/{hashlib.sha256(content).hexdigest()}"
        return int(world.client.put(path, content=content, headers=bearer).status_code)

    assert [put(yerin.bearer, letter * 100) for letter in (b"a", b"b")] == [204, 413]
    assert [put(kim.bearer, letter * 100) for letter in (b"c", b"d")] == [204, 204]
    world.clock.forward(86_401)
    assert put({"authorization": f"Bearer {yerin.sign_in()}"}, b"b" * 100) == 204
