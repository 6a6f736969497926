# SPDX-License-Identifier: GPL-3.0-or-later
"""A client written from docs/protocol.md and its reference alone: only the server is ours, so they must be right."""

from __future__ import annotations

import ast
import json
import os
import sys
import uuid
from dataclasses import replace
from pathlib import Path

import pytest

from sync.server.blobs import Blobs
from tests.server import protocol_page_client as page
from tests.server.lent_app import client_of
from tests.server.protocol_page_client import CONFLICT, CUSTOMER, MEMBERSHIP, MESSAGE, NOTE, TEAM, TICKET, PageClient
from tests.server.world import PASSWORD, World


@pytest.fixture
def people(world: World, tmp_path: Path) -> dict[str, PageClient]:
    """The page's client for three people: kim and lee are of one team, park of another."""
    blobs = Blobs(world.store, tmp_path / "blobs", world.clock, world.keys.attachments)
    world.parts = replace(world.parts, blobs=blobs)
    world.client = client_of(world.parts)
    out = {name: PageClient(world.client, name, PASSWORD, world.clock()) for name in ("kim", "lee", "park")}
    for client in out.values():
        client.hello()
        client.pull()
    return out


def _team(client: PageClient, name: str) -> bytes:
    return bytes(next(row["id"] for row in client.all(TEAM) if row["name_ko"] == name))


def _ticket(client: PageClient, body: str = "The printer prints nothing.") -> bytes:
    ticket = uuid.uuid4().bytes
    customer = min(row["id"] for row in client.all(CUSTOMER))
    made = client.push(
        "ticket.create", ticket=ticket, subject="Printer", team=_team(client, "북부"), customer=customer,
        message=uuid.uuid4().bytes, body=body, provisional=f"~{client.code}-1",
    )  # fmt: skip
    assert made["st"] == "ok"
    client.pull()
    assert client.rows[TICKET, ticket]["number"] == made["data"]["number"]
    return ticket


def test_the_client_of_the_page_imports_nothing_of_the_product() -> None:
    """What it knows it knows from the page."""
    tree = ast.parse(Path(str(page.__file__)).read_text("utf-8"))
    named = [n.names for n in ast.walk(tree) if isinstance(n, ast.Import)]
    modules = {alias.name for names in named for alias in names}
    modules |= {str(n.module) for n in ast.walk(tree) if isinstance(n, ast.ImportFrom)}
    tops = {name.partition(".")[0] for name in modules}
    assert tops - set(sys.stdlib_module_names) == {"msgspec", "zstandard"}


def test_a_ticket_with_a_reply_and_a_note_goes_to_a_colleague(people: dict[str, PageClient]) -> None:
    """Sign-in, hello, pull with equal sums, a ticket, a reply, a note, a watcher; the colleague has the same rows."""
    kim, lee, park = people.values()
    ticket, note = _ticket(kim), uuid.uuid4().bytes
    message, replied = kim.reply(ticket, "Is it switched on?")
    assert replied["st"] == "ok"
    assert kim.push("note.add", note=note, ticket=ticket, body="third time this week")["st"] == "ok"
    assert kim.push("member.add", ticket=ticket, kind="watcher", member=kim.account)["st"] == "ok"
    for client in people.values():
        client.pull()
    assert lee.rows[MESSAGE, message]["body"] == "Is it switched on?"
    assert lee.rows[NOTE, note]["body"] == "third time this week"
    watcher = page.derived(ticket, f"watcher/{kim.account.hex()}")
    assert lee.rows[MEMBERSHIP, watcher]["present"] is True
    assert kim.push("member.remove", kim.seen(MEMBERSHIP, watcher, "present"), ticket=ticket, kind="watcher",
                    member=kim.account, present=False)["st"] == "ok"  # fmt: skip
    assert (TICKET, ticket) not in park.rows
    lee.pull()
    assert lee.rows[MEMBERSHIP, watcher]["present"] is False
    assert (lee.lmid, kim.lmid, kim.mid) == (0, 4, 5)
    kim.hello()
    kim.pull()
    assert (kim.lmid, kim.rows[MEMBERSHIP, watcher]["present"]) == (5, False)


def test_two_edits_of_a_field_meet_by_the_later_intent(people: dict[str, PageClient]) -> None:
    """The earlier one is told that it did not stay, at once and with the next pull, and is kept as a row."""
    kim, lee, _ = people.values()
    ticket = _ticket(kim)
    lee.pull()
    seen = lee.seen(TICKET, ticket, "subject")
    assert kim.push("ticket.set", seen, ticket=ticket, fields={"subject": "later"})["st"] == "ok"
    lost = lee.push("ticket.set", seen, late_ms=60_000, ticket=ticket, fields={"subject": "earlier"})
    assert (lost["st"], lost["data"]) == ("conflict", {"fields": [{"field": "subject", "open": False}]})
    lee.pull()
    assert [(r["mid"], r["st"]) for r in lee.results] == [(lost["mid"], "conflict")]
    assert lee.rows[TICKET, ticket]["subject"] == "later"
    assert [(row["status"], json.loads(row["mine"])) for row in lee.all(CONFLICT)] == [("auto", "earlier")]


def test_a_conflict_that_a_person_decides_is_settled(people: dict[str, PageClient]) -> None:
    """Two set another customer: the server's stays until the loser says otherwise, and may take that back."""
    kim, lee, _ = people.values()
    ticket, third = _ticket(kim), uuid.uuid4().bytes
    lee.pull()
    seen, other = lee.seen(TICKET, ticket, "customer"), max(row["id"] for row in lee.all(CUSTOMER))
    assert lee.push("customer.create", customer=third, name="Third")["st"] == "ok"
    assert kim.push("ticket.set", seen, ticket=ticket, fields={"customer": other})["st"] == "ok"
    lost = lee.push("ticket.set", seen, ticket=ticket, fields={"customer": third})
    assert (lost["st"], lost["data"]["fields"][0]["open"]) == ("conflict", True)
    lee.pull()
    (row,) = lee.conflicts()
    assert (row["kind"], row["field"], row["subject"]) == ("field", "customer", ticket)
    assert (row["mine"], row["theirs"]) == (third.hex(), other.hex())
    now = lee.seen(TICKET, ticket, "customer")
    assert lee.push("conflict.resolve", now, conflict=row["id"], choice="mine")["st"] == "ok"
    lee.pull()
    assert (lee.rows[TICKET, ticket]["customer"], lee.conflicts()) == (third, [])
    again = lee.seen(TICKET, ticket, "customer")
    assert lee.push("conflict.resolve", again, conflict=row["id"], choice="reopen")["st"] == "ok"
    lee.pull()
    assert (lee.rows[TICKET, ticket]["customer"], len(lee.conflicts())) == (other, 1)
    assert lee.push("conflict.resolve", conflict=row["id"], choice="theirs")["st"] == "ok"
    lee.pull()
    assert (lee.rows[TICKET, ticket]["customer"], lee.conflicts()) == (other, [])


def test_a_reply_that_had_not_seen_the_newest_message_is_held_and_released(people: dict[str, PageClient]) -> None:
    """It waits in the author's scope with what it had not seen, and goes out, as edited, when its author says so."""
    kim, lee, _ = people.values()
    ticket = _ticket(kim)
    lee.pull()
    assert kim.reply(ticket, "A technician comes today.")[1]["st"] == "ok"
    message, held = lee.reply(ticket, "Please send it in.")
    assert (held["st"], held["code"], held["data"]["reason"]) == ("conflict", "stale_reply", "news")
    lee.pull()
    (row,) = lee.conflicts()
    assert (row["kind"], row["subject"], row["mine"]["name"]) == ("stale_reply", ticket, "message.add")
    assert row["mine"]["args"]["body"] == "Please send it in."
    newest = lee.newest(ticket)
    assert row["theirs"]["messages"] == held["data"]["messages"] == [newest["id"].hex()]
    stale = lee.push("reply.release", conflict=row["id"], seen_seq=1)
    assert (stale["st"], stale["code"]) == ("conflict", "stale_reply")
    sent = lee.push(
        "reply.release",
        conflict=row["id"],
        seen_seq=newest["msg_no"],
        seen_id=newest["id"],
        body="As my colleague says.",
    )
    assert sent["st"] == "ok"
    lee.pull()
    assert (lee.rows[MESSAGE, message]["body"], lee.conflicts()) == ("As my colleague says.", [])
    assert lee.rows[MESSAGE, message]["msg_no"] == 3


def test_a_held_reply_that_is_not_wanted_is_discarded(people: dict[str, PageClient]) -> None:
    """The row is closed, nothing is sent, and a release says so afterwards."""
    kim, lee, _ = people.values()
    ticket = _ticket(kim)
    lee.pull()
    kim.reply(ticket, "Done.")
    message, _ = lee.reply(ticket, "Not yet.")
    lee.pull()
    (row,) = lee.conflicts()
    assert lee.push("reply.discard", conflict=row["id"])["st"] == "ok"
    late = lee.push("reply.release", conflict=row["id"], seen_seq=2)
    assert (late["st"], late["code"]) == ("rejected", "already_discarded")
    lee.pull()
    assert (lee.conflicts(), (MESSAGE, message) in lee.rows) == ([], False)


def test_an_attachment_is_sent_in_parts_and_read_by_who_sees_its_row(people: dict[str, PageClient]) -> None:
    """Uploads go on where the server is; a reader checks the name; for others there is no such file."""
    kim, lee, park = people.values()
    ticket, content = _ticket(kim), os.urandom(100_000)
    sha256 = kim.upload(content)
    named = {
        "sha256": sha256,
        "filename": "log.bin",
        "media_type": "application/octet-stream",
        "size_bytes": len(content),
    }
    message, result = kim.reply(ticket, "", attachments=[named])
    assert result["st"] == "ok"
    lee.pull()
    (told,) = json.loads(lee.rows[MESSAGE, message]["attachments"])
    assert told == {**named, "sha256": sha256.hex()}
    assert lee.fetch(bytes.fromhex(told["sha256"])) == content
    assert lee.fetch(sha256, 60_000) == content[60_000:]
    with pytest.raises(page.Refusal) as refused:
        park.fetch(sha256)
    assert refused.value.args == (404, "not_found")


def test_a_ticket_that_moves_away_leaves_with_everything_on_it(people: dict[str, PageClient]) -> None:
    """Exits of one scope, puts of another; both ends' sums are the server's."""
    kim, lee, park = people.values()
    ticket = _ticket(kim)
    lee.pull()
    moved = kim.push("ticket.move", kim.seen(TICKET, ticket, "team"), ticket=ticket, team=_team(kim, "남부"))
    assert moved["st"] == "ok"
    for client in people.values():
        client.pull()
    assert [(TICKET, ticket) in client.rows for client in people.values()] == [False, False, True]
    assert park.newest(ticket)["body"] == "The printer prints nothing."
    assert not any(row.get("ticket") == ticket for row in lee.all(MESSAGE))


def test_what_is_wrong_is_answered_as_the_page_says(people: dict[str, PageClient]) -> None:
    """Wrong hash, too long a text, unknown names: refused one by one. Holes, forks and old schemas: for the whole."""
    kim, *_ = people.values()
    ticket = _ticket(kim)
    spoilt = kim.mutation(
        "note.add", {}, {"event": b"e" * 16, "note": b"n" * 16, "ticket": ticket, "body": "x"}, 1 << 16
    )
    assert kim.send([spoilt | {"hash": b"12345678"}])[0]["code"] == "bad_hash"
    long = kim.push("note.add", note=uuid.uuid4().bytes, ticket=ticket, body="x" * 800_000)
    assert (long["code"], 500_000 < long["data"]["limit"] < 800_000) == ("text_too_long", True)
    assert kim.push("ticket.fold", ticket=ticket)["code"] == "unknown_mutation"
    assert kim.push("ticket.set", ticket=ticket, fields={"number": 1})["code"] == "read_only"
    assert kim.push("note.add", note=uuid.uuid4().bytes, ticket=b"?" * 16, body="x")["code"] == "no_such_ticket"
    last = kim.mutation("noop", {}, {"event": uuid.uuid4().bytes}, kim.now_ms << 16)
    assert [kim.send([last])[0]["st"], kim.send([last])[0]["st"]] == ["ok", "dup"]
    for body, status, code in (
        ([last | {"hash": b"87654321"}], 409, "fork"),
        ([last | {"mid": last["mid"] + 2}], 409, "gap"),
    ):
        with pytest.raises(page.Refusal) as refused:
            kim.send(body)
        assert refused.value.args == (status, code)
    for proto, schema in ((2, 2), (1, 0)):
        with pytest.raises(page.Refusal) as refused:
            kim.hello(proto, schema)
        assert (refused.value.args, refused.value.problem["min"]) == ((426, "schema"), 1)


def test_signing_out_ends_the_refresh_tokens(people: dict[str, PageClient]) -> None:
    """Tokens go round; after a logout there is no next pair."""
    kim, *_ = people.values()
    kim.refresh()
    kim.hello()
    kim.logout()
    with pytest.raises(page.Refusal) as refused:
        kim.refresh()
    assert refused.value.args == (401, "token")
