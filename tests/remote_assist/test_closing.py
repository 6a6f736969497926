# SPDX-License-Identifier: GPL-3.0-or-later
"""A customer's end that is gone without its last entry: what the ticket is told, and what can be proved afterwards."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.config.i18n import set_language
from app.domain.assist import EndReason
from app.domain.documents import SignedDocument
from app.domain.session_facts import session_facts
from app.entry.admin import main
from remote_assist.actions import OpenEnd, Receipt
from remote_assist.chain import ReceiptReport, verify_receipt
from remote_assist.closing import build_closing, read_closing
from remote_assist.envelope import FAREWELL_N, EndBody
from tests.remote_assist.world import UTC_START_MS, World, private_key, public


def left(world: World) -> World:
    """The page is closed: its goodbye is the last that anybody hears of it."""
    writer = world.customer_end._writer
    assert writer is not None
    writer.next_n = FAREWELL_N
    goodbye = writer.write("end", EndBody("stopped"))
    world.network_up = False
    world.do(world.agent, world.agent_end.on_envelope(goodbye))
    world.tamper = lambda to, data: data if to == "customer" else None
    world.pass_time(250)
    return world


def vanished(world: World) -> World:
    """The computer is switched off, or the browser crashed."""
    world.tamper = lambda _to, _data: None
    world.network_up = False
    world.pass_time(36_000)
    return world


def live(reading_ms: int = 0) -> World:
    world = World()
    world.pass_time(reading_ms)
    world.to_verified()
    world.pass_time(5_000)
    return world


LEFT, VANISHED = left(live()), vanished(live(500))


def report_of(world: World) -> ReceiptReport:
    return verify_receipt(world.agent.last(Receipt).data, public(world.org_key))


def test_a_page_that_was_closed_leaves_who_why_and_when_on_the_ticket_at_once() -> None:
    """The goodbye is the proof that the customer's end ended it; nothing is waited for that cannot come."""
    (told,) = LEFT.agent.of(OpenEnd)
    facts = session_facts(told.text)
    assert (facts["ended_by"], facts["reason"], facts["left"]) == ("customer", "stopped", True)
    assert facts["ended_at"] == told.at == UTC_START_MS + LEFT.fake_clock.ms - 250
    assert told.n == len(LEFT.agent.entries())
    report = report_of(LEFT)
    assert (report.ok, report.complete, report.whole, report.goodbye) == (True, False, True, True)
    assert [entry.type for entry in report.entries] == LEFT.agent.entries()


def test_a_customer_who_is_gone_without_a_word_is_told_as_lost_and_nothing_is_claimed_of_their_end() -> None:
    """Three seconds of silence and thirty of waiting, as at every loss; then the ticket is told within a second."""
    assert LEFT.agent_end.view.reason is EndReason.STOPPED
    assert VANISHED.agent_end.view.reason is EndReason.LOST
    (told,) = VANISHED.agent.of(OpenEnd)
    facts = session_facts(told.text)
    assert (facts["ended_by"], facts["reason"], facts["left"]) == ("system", "lost", False)
    report = report_of(VANISHED)
    assert (report.ok, report.complete, report.goodbye, report.countersigned) == (True, False, False, False)
    assert (report.reason, report.ended_by) == ("lost", "system")


def test_an_end_that_is_there_needs_no_statement() -> None:
    """The customer's Stop: the last entry comes, and nothing is said in its place, however long one waits."""
    world = live()
    world.do(world.customer, world.customer_end.stop())
    world.pass_time(30_000)
    assert not world.agent.of(OpenEnd)
    assert report_of(world).complete


def test_an_end_that_was_said_but_never_written_is_told_after_the_time_for_the_receipt() -> None:
    """The customer's end said that it ended and died then: the agent waits for the entry, then says what is known."""
    world = live()
    world.tamper = lambda _to, data: data if b'"t":"end"' in data else None
    world.do(world.customer, world.customer_end.stop())
    world.pass_time(9_000)
    assert not world.agent.of(OpenEnd)
    world.pass_time(2_000)
    assert len(world.agent.of(OpenEnd)) == 1
    assert report_of(world).goodbye


def test_nobody_waits_for_the_end_of_an_invitation_that_nobody_opened() -> None:
    world = World()
    world.invite()
    world.do(world.agent, world.agent_end.cancel())
    world.pass_time(20_000)
    assert not world.agent.of(OpenEnd)


def edited(**changes: Any) -> bytes:
    return json.dumps(json.loads(LEFT.agent.last(Receipt).data) | changes).encode()


def parts() -> dict[str, Any]:
    return dict(json.loads(LEFT.agent.last(Receipt).data))


@given(st.integers(0, 40))
def test_every_entry_cut_off_shows_though_the_end_is_missing_anyway(cut: int) -> None:
    """The statement names the last entry that came."""
    entries = parts()["entries"]
    kept = entries[: cut % len(entries)]
    assert not verify_receipt(edited(entries=kept)).ok
    assert not verify_receipt(edited(entries=kept, closing=None)).ok


def test_a_statement_of_somebody_else_or_of_another_session_or_an_altered_one_is_refused() -> None:
    signed = SignedDocument.from_text(parts()["closing"])
    closing = read_closing(signed, public(LEFT.agent_key))
    foreign = build_closing(private_key("somebody"), closing, {})
    altered = SignedDocument(signed.document.replace(b"stopped", b"refused"), signed.signature)
    other = json.loads(VANISHED.agent.last(Receipt).data)["closing"]
    for false in (foreign.to_text(), altered.to_text(), other, "x", 7):
        assert not verify_receipt(edited(closing=false)).ok


def test_a_goodbye_that_the_customer_did_not_sign_proves_nothing() -> None:
    """The agent's program could write anything there; the report says only what the customer's key says."""
    closing = read_closing(SignedDocument.from_text(parts()["closing"]), public(LEFT.agent_key))
    own = closing.goodbye.replace('"n":1099511627776', '"n":7')
    false = build_closing(LEFT.agent_key, closing.__class__(**{**fields(closing), "goodbye": own}), {})
    report = verify_receipt(edited(closing=false.to_text()))
    assert (report.ok, report.goodbye) == (True, False)


def fields(closing: Any) -> dict[str, Any]:
    return {name: getattr(closing, name) for name in closing.__dataclass_fields__}


@pytest.mark.parametrize(
    ("world", "proved", "open_"),
    [
        (LEFT, "signed that it ended; not when, and not why", "what happened after that entry"),
        (VANISHED, "signed the first", "that the customer's program ended then, or for this reason"),
    ],
)
def test_the_administrator_reads_what_is_proved_and_what_is_not(
    world: World, proved: str, open_: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """`deskside admin verify-receipt` of a record without an end: 1, for something is missing."""
    set_language("en")
    file = tmp_path / "receipt.json"
    file.write_bytes(world.agent.last(Receipt).data)
    assert main(["verify-receipt", str(file)]) == 1
    said = capsys.readouterr().out
    assert "The customer's end is missing from this record." in said
    assert [line for line in said.splitlines() if line.startswith("Proved: ") and proved in line]
    assert [line for line in said.splitlines() if line.startswith("Not proved: ") and open_ in line]


def test_the_administrator_reads_of_a_whole_record_that_it_is_whole(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    set_language("en")
    world = live()
    world.do(world.customer, world.customer_end.stop())
    file = tmp_path / "receipt.json"
    file.write_bytes(world.customer.of(Receipt)[0].data)
    assert main(["verify-receipt", str(file)]) == 0
    alone = capsys.readouterr().out
    assert "Proved: the customer's program signed all" in alone
    assert "Not proved: that the agent's program has seen this record" in alone
    file.write_bytes(world.customer.last(Receipt).data)
    assert main(["verify-receipt", str(file)]) == 0
    assert "Not proved" not in capsys.readouterr().out
