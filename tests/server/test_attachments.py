# SPDX-License-Identifier: GPL-3.0-or-later
"""Attachments named by messages, notes and requests: who reads them, what names become, and races that lose none."""

from __future__ import annotations

import hashlib
import json
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from app.domain.attachments import Attachment, load_attachments
from app.domain.changes import VERSIONS, CustomerSet, MessageAdd, ReplyRelease
from app.domain.entities import CONFLICT, MESSAGE, NOTE, TICKET
from sync.protocol import Mutation, encode_args, mutation_hash
from sync.server.blobs import Blobs
from sync.server.problems import ProblemError
from sync.server.schema import SYSTEM
from sync.server.tokens import AGENT, Grant
from tests.server.lent_app import client_of
from tests.server.test_blobs import CONTENT, SHA, get, look, send
from tests.server.world import Agent, World

FILE = Attachment(SHA.digest(), "화면.png", "image/png", len(CONTENT))


@pytest.fixture
def stored(world: World, tmp_path: Path) -> Blobs:
    """The world's server with a folder for attachments."""
    made = Blobs(world.store, tmp_path / "blobs", world.clock, world.keys.attachments)
    world.parts = replace(world.parts, blobs=made)
    world.client = client_of(world.parts)
    return made


def reply(agent: Agent, ticket: bytes, *files: Attachment, seen_seq: int | None = None) -> MessageAdd:
    """A reply with files."""
    return replace(agent.reply(ticket, seen_seq=seen_seq), attachments=files)


def named(agent: Agent, id_: bytes, type_: int = MESSAGE.number) -> list[str]:
    """The names that a pulled row shows."""
    agent.pull()
    return [a.filename for a in load_attachments(agent.row(id_, type_)["attachments"])]


def test_a_reply_and_a_note_carry_files_to_whoever_sees_the_ticket(world: World, stored: Blobs) -> None:
    """The words may come first; the file is there for the team when it is sent, and for nobody else."""
    kim, lee, park = world.agent("kim"), world.agent("lee"), world.agent("park")
    ticket = kim.ticket()
    message, note = reply(kim, ticket, FILE), replace(kim.note(ticket), attachments=(FILE, FILE))
    assert kim.do(message) == ("ok", None)
    assert kim.do(note) == ("ok", None)
    assert named(lee, message.message) == ["화면.png"]
    assert named(lee, note.note, NOTE.number) == ["화면.png", "화면.png"]
    assert (look(lee)[0], get(lee).status_code) == (404, 404)
    assert send(kim, 0, CONTENT).status_code == 204
    assert get(lee).content == CONTENT
    assert (look(park)[0], get(park).status_code) == (404, 404)


def test_names_are_kept_clean_and_what_cannot_be_named_is_refused(world: World, stored: Blobs) -> None:
    """Paths, control and direction characters go; too many, too large, of no size or no hash is said by rule."""
    kim = world.agent("kim")
    ticket = kim.ticket()
    evil = replace(FILE, filename="../../etc/x\u202egpj.exe\x07", media_type="Image/PNG; x=1")
    change = reply(kim, ticket, evil)
    assert kim.do(change) == ("ok", None)
    kim.pull()
    kept = load_attachments(kim.row(change.message, MESSAGE.number)["attachments"])
    assert kept == (replace(FILE, filename="xgpj.exe"),)
    for bad, code in (
        (replace(FILE, sha256=b"short"), "bad_value"),
        (replace(FILE, size_bytes=0), "bad_value"),
        (replace(FILE, size_bytes=1 << 40), "file_too_large"),
        (replace(FILE, filename=""), "bad_value"),
        (replace(FILE, filename="\x00"), "bad_value"),
    ):
        assert kim.do(reply(kim, ticket, bad)) == ("rejected", code)
    assert kim.do(reply(kim, ticket, *[FILE] * 41)) == ("rejected", "too_many_files")


def test_files_alone_are_a_message_and_nothing_at_all_is_none(world: World, stored: Blobs) -> None:
    """The list shows the name of the first file where there are no words."""
    kim = world.agent("kim")
    ticket = kim.ticket()
    assert kim.do(replace(reply(kim, ticket, FILE), body="")) == ("ok", None)
    kim.pull()
    assert kim.row(ticket, TICKET.number)["preview"] == "화면.png"
    assert kim.do(replace(kim.reply(ticket), body="  ")) == ("rejected", "empty_text")


def test_a_client_of_before_attachments_is_understood(world: World, stored: Blobs) -> None:
    """Version 1 without the argument; a version that nobody knows is told so."""
    kim = world.agent("kim")
    ticket = kim.ticket()
    change = kim.reply(ticket)
    name, v, args = encode_args(change)
    assert (name, v) == ("message.add", 1)
    assert encode_args(reply(kim, ticket, FILE))[1] == 2
    old = args.replace(b"\xabattachments\x90", b"", 1)
    old = bytes([old[0] - 1]) + old[1:]
    for version, expected in ((1, "ok"), (VERSIONS[name] + 1, "rejected")):
        kim.mid += 1
        hashed = mutation_hash(name, version, 5, old, {})
        answer = kim.push(Mutation(mid=kim.mid, name=name, v=version, hlc=5, args=old, base={}, hash=hashed))
        assert answer.results[0].st == expected


def test_naming_a_hash_that_one_has_read_somewhere_opens_nothing(world: World, stored: Blobs) -> None:
    """Only a row of somebody who had the content shows it: to its author and to everybody else."""
    kim, park = world.agent("kim"), world.agent("park")
    assert send(kim, 0, CONTENT).status_code == 204
    south = park.ticket(2, team="남부")
    assert park.do(reply(park, south, FILE)) == ("ok", None)
    assert (look(park)[0], get(park).status_code) == (404, 404)
    assert send(park, 0, CONTENT).status_code == 204  # it takes all the bytes
    assert get(park).content == CONTENT


def test_what_one_may_read_can_be_attached_again_without_sending_it_again(world: World, stored: Blobs) -> None:
    """The upload's first question is answered with "all there", and that is enough for the new row's readers."""
    kim, lee = world.agent("kim"), world.agent("lee")
    north = kim.ticket()
    assert kim.do(reply(kim, north, FILE)) == ("ok", None)
    assert send(kim, 0, CONTENT).status_code == 204
    assert look(lee) == (200, str(len(CONTENT)))
    again = lee.note(lee.ticket(3))
    assert lee.do(replace(again, attachments=(FILE,))) == ("ok", None)
    world.store.write(lambda cx: cx.execute(SYSTEM.blob_ref.delete().where(SYSTEM.blob_ref.c.type == MESSAGE.number)))
    world.store.write(
        lambda cx: cx.execute(SYSTEM.blob_ref.delete().where(SYSTEM.blob_ref.c.entity_id == kim_account(cx)))
    )
    assert get(kim).content == CONTENT


def kim_account(connection: sa.Connection) -> bytes:
    """Kim's account id."""
    account = SYSTEM.account
    return bytes(connection.execute(sa.select(account.c.id).where(account.c.login == "kim")).scalar_one())


def test_who_lost_the_team_reads_its_files_no_more(world: World, stored: Blobs) -> None:
    """At the next request, whatever that device still knows of the row."""
    kim, lee = world.agent("kim"), world.agent("lee")
    ticket = kim.ticket()
    assert kim.do(reply(kim, ticket, FILE)) == ("ok", None)
    assert send(kim, 0, CONTENT).status_code == 204
    assert get(lee, range="bytes=0-9").status_code == 206
    access = SYSTEM.scope_access
    world.store.write(lambda cx: cx.execute(access.delete().where(access.c.scope_id.like("team:%"))))
    assert (look(lee)[0], get(lee).status_code) == (404, 404)


def test_the_files_of_a_held_reply_wait_with_it(world: World, stored: Blobs) -> None:
    """Longer than anything else that no row names; released, they reach the team."""
    kim, lee = world.agent("kim"), world.agent("lee")
    ticket = kim.ticket()
    assert kim.do(kim.reply(ticket)) == ("ok", None)
    assert send(lee, 0, CONTENT).status_code == 204
    assert lee.do(reply(lee, ticket, FILE, seen_seq=1)) == ("conflict", "stale_reply")
    world.clock.forward(40 * 86_400)
    assert stored.clear() == 0
    kim, lee = world.agent("kim"), world.agent("lee")
    lee.pull()
    conflict = next(r for (type_, _), r in lee.copy.rows.items() if type_ == CONFLICT.number)
    assert json.loads(conflict["mine"])["args"]["attachments"][0]["filename"] == "화면.png"
    assert lee.do(ReplyRelease(lee.fresh(), conflict["id"], 2)) == ("ok", None)
    assert get(kim).content == CONTENT


def test_a_customer_sends_a_picture_and_reads_what_comes_back_but_no_notes(world: World, stored: Blobs) -> None:
    """With the companion's token, on own tickets only."""
    kim = world.agent("kim")
    customer = world.companion()
    view = {"sha256": SHA.hexdigest(), "filename": "a/사진.png", "media_type": "image/png", "size_bytes": len(CONTENT)}
    ticket, message = kim.fresh(), kim.fresh()
    body = {"id": ticket.hex(), "message": message.hex(), "subject": "고장", "body": "", "attachments": [view]}
    assert customer.post("/customer/v1/request", body).status_code == 200
    blob = f"/blob/{SHA.hexdigest()}"
    assert world.client.put(blob, content=CONTENT, headers=customer.bearer).status_code == 204
    shown = customer.get("/customer/v1/home").json()["tickets"][0]["messages"][0]["attachments"]
    assert shown == [{**view, "filename": "사진.png"}]
    assert get(kim).content == CONTENT
    secret, answer = b"only for colleagues", b"for the customer"
    for content, change in ((secret, kim.note(ticket)), (answer, kim.reply(ticket))):
        sha = hashlib.sha256(content).digest()
        assert world.client.put(f"/blob/{sha.hex()}", content=content, headers=kim.bearer).status_code == 204
        file = Attachment(sha, "x.txt", "text/plain", len(content))
        assert kim.do(replace(change, attachments=(file,))) == ("ok", None)
        seen = customer.get(f"/blob/{sha.hex()}")
        assert seen.status_code == (404 if content is secret else 200)
    assert customer.post("/customer/v1/message", {"id": kim.fresh().hex(), "ticket": ticket.hex(), "body": "x",
                         "attachments": [{**view, "sha256": "zz"}]}).status_code == 400  # fmt: skip


def _grant(world: World, agent: Agent) -> Grant:
    with world.store.read() as cx:
        return Grant(AGENT, kim_account(cx), agent.device, 1 << 60)


@pytest.mark.parametrize("processes", [1, 2])
def test_two_last_parts_at_once_leave_one_whole_file(
    world: World, stored: Blobs, tmp_path: Path, processes: int
) -> None:
    """A client that gave up waiting sends again while the first is still at work, perhaps to another server."""
    kim = world.agent("kim")
    who, half = _grant(world, kim), len(CONTENT) // 2
    servers = [stored, Blobs(world.store, tmp_path / "blobs", world.clock, world.keys.attachments)][:processes]
    for turn in range(8):
        content = CONTENT[:-4] + turn.to_bytes(4, "big")
        sha = hashlib.sha256(content).digest()
        stored.append(who, sha, 0, len(content), content[:half])
        line = threading.Barrier(4)
        answers: list[tuple[int, object]] = []

        def push(blobs: Blobs, content: bytes = content, sha: bytes = sha, line: Any = line, to: Any = answers) -> None:
            line.wait(10)
            try:
                to.append(blobs.append(who, sha, half, len(content), content[half:]))
            except ProblemError as error:
                to.append((error.status, error.problem.code))

        threads = [threading.Thread(target=push, args=(servers[n % processes],)) for n in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        assert answers == [(len(content), True)] * 4
        with stored._seal.open(stored.path(sha)) as lies:
            assert lies.read() == content


def test_an_upload_that_ends_while_old_files_are_cleared_stays(
    world: World, stored: Blobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The row was forgotten, then the same content came again, and only then its file would have been removed."""
    kim = world.agent("kim")
    assert send(kim, 0, CONTENT).status_code == 204
    world.clock.forward(31 * 86_400)
    kim = world.agent("kim")
    real = stored._remove

    def late(sha256: bytes) -> int:
        assert look(kim)[0] == 404
        assert send(kim, 0, CONTENT).status_code == 204
        return real(sha256)

    monkeypatch.setattr(stored, "_remove", late)
    assert stored.clear() == 0
    assert get(kim).content == CONTENT


def test_an_old_upload_that_goes_on_now_is_not_cleared_under_its_writer(world: World, stored: Blobs) -> None:
    """A week later the first part is gone; the writer is told where to begin, and nothing is mixed."""
    kim = world.agent("kim")
    assert send(kim, 0, CONTENT[:1000]).status_code == 204
    part = next((stored.path(SHA.digest()).parent.parent / "parts").glob("*.part"))
    world.clock.forward(int(part.stat().st_mtime) + 8 * 86_400 - world.clock() // 1000)
    kim = world.agent("kim")
    assert stored.clear() == 1
    again = send(kim, 1000, CONTENT[1000:])
    assert (again.status_code, again.json()["expected"]) == (409, 0)
    assert send(kim, 0, CONTENT).status_code == 204
    assert get(kim).content == CONTENT


def test_a_customer_who_is_blocked_sends_and_reads_no_files(world: World, stored: Blobs) -> None:
    """As at the home: nobody fills the disk whose words are not taken any more. Nor does a companion that was ended."""
    kim, customer, other = world.agent("kim"), world.companion(), world.companion(world.other_customer)
    blob = f"/blob/{SHA.hexdigest()}"
    assert world.client.put(blob, content=CONTENT, headers=customer.bearer).status_code == 204
    assert kim.do(CustomerSet(kim.fresh(), world.customer, {"blocked_reason": "abuse"})) == ("ok", None)
    with world.store._write_engine.begin() as cx:
        cx.execute(SYSTEM.companion.update().where(SYSTEM.companion.c.id == bytes.fromhex(other.id)).values(state="x"))
    more = b"and more"
    for ended in (customer, other):
        put = world.client.put(f"/blob/{hashlib.sha256(more).hexdigest()}", content=more, headers=ended.bearer)
        asked = [put, ended.get(blob), world.client.head(blob, headers=ended.bearer)]
        assert [answer.status_code for answer in asked] == [403] * 3
        assert put.json()["code"] == "suspended"
