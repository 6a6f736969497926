# SPDX-License-Identifier: GPL-3.0-or-later
"""The record of a session and its receipt: what an insider changes, shows."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.assist import EntryType
from app.domain.documents import SignedDocument, sign_document
from app.domain.invitation import invite_hash
from app.domain.signed import unb64
from remote_assist.actions import Receipt
from remote_assist.chain import BadChain, ChainReader, ChainWriter, verify_receipt
from tests.remote_assist.world import World, private_key, public


def finished() -> World:
    world = World()
    world.to_verified()
    world.pass_time(5_000)
    world.do(world.customer, world.customer_end.stop())
    return world


WORLD = finished()
RECEIPT = WORLD.customer.last(Receipt).data


def edited(**changes: Any) -> bytes:
    return json.dumps(json.loads(RECEIPT) | changes).encode()


def told(name: str) -> str:
    return str(json.loads(RECEIPT)[name])


def public_key_of_the_session() -> bytes:
    return unb64(told("session_key"))


def entries() -> list[str]:
    found: list[str] = json.loads(RECEIPT)["entries"]
    return found


def test_an_untouched_receipt_tells_the_whole_session() -> None:
    """Without a server: who, for which ticket, what, how verified, how it ended."""
    report = verify_receipt(RECEIPT, public(WORLD.org_key))
    assert (report.ok, report.problems) == (True, ())
    assert (report.agent_name, report.ticket_no, report.reason) == ("Kim Jiwoo", "4182", "stopped")
    assert report.verified
    assert report.countersigned
    assert report.customer_device
    assert [entry.type for entry in report.entries][-1] is EntryType.END
    end = report.entries[-1].data
    assert end["duration_ms"] == 5_000
    assert end["target_kind"] == "screen"
    assert end["frames_sent"] > 0
    assert end["grants"][0]["scope"] == "view"


def test_both_ends_keep_the_same_receipt() -> None:
    """The customer's copy and the ticket's copy."""
    assert WORLD.agent.last(Receipt).data == RECEIPT


@pytest.mark.parametrize(
    "altered",
    [
        lambda e: e[:-1],
        lambda e: e[1:],
        lambda e: [*e[:2], *e[3:]],
        lambda e: [e[1], e[0], *e[2:]],
        lambda e: [*e, e[-1]],
        lambda e: [*e[:-1], e[-1].replace(".", "x", 1)],
        lambda e: [*e[:2], "A" + e[2][1:], *e[3:]],
        lambda _: [],
        lambda _: [1, 2],
        lambda e: {"0": e[0]},
    ],
    ids=["cut off", "first gone", "one dropped", "swapped", "doubled", "dot", "changed", "empty", "numbers", "object"],
)
def test_every_tampering_with_the_entries_shows(altered: Any) -> None:
    """Change, drop, swap, truncate."""
    assert not verify_receipt(edited(entries=altered(entries()))).ok


def test_an_entry_signed_by_somebody_else_shows() -> None:
    """An insider with the whole file but without the session's key."""
    forged = ChainWriter(private_key("insider"), b"\0" * 32)
    forged.add(EntryType.CONSENT, "customer", 1, {"scope": "control"})
    assert not verify_receipt(edited(entries=[*entries()[:2], forged.entries[0].text, *entries()[3:]])).ok


def test_a_record_written_anew_by_somebody_else_shows() -> None:
    """Every link fits and the agent's signature is left out as if it were gone: the session's key is missing."""
    reader = ChainReader(public_key_of_the_session(), invite_hash(SignedDocument.from_text(told("invitation"))))
    forged = ChainWriter(private_key("insider"), reader.head)
    for text in entries():
        entry = reader.accept(text)
        forged.add(entry.type, entry.by, entry.at, dict(entry.data))
    assert not verify_receipt(edited(entries=[entry.text for entry in forged.entries], countersignature=None)).ok


def test_a_record_cut_off_together_with_the_agents_signature_shows() -> None:
    """The end is an entry of its own."""
    for left in range(1, len(entries())):
        assert not verify_receipt(edited(entries=entries()[:left], countersignature=None)).ok


@pytest.mark.parametrize("name", ["org_key", "session_key", "invitation", "entries", "v", "kind"])
def test_a_receipt_with_a_part_missing_is_no_receipt(name: str) -> None:
    """Nothing is optional but the countersignature."""
    fields = json.loads(RECEIPT)
    del fields[name]
    assert not verify_receipt(json.dumps(fields).encode()).ok


def test_a_missing_countersignature_is_said_and_a_false_one_refused() -> None:
    """The agent may be gone; a forged agent may not."""
    report = verify_receipt(edited(countersignature=None))
    assert report.ok
    assert not report.countersigned
    assert not verify_receipt(edited(countersignature="A" * 86)).ok


def test_a_receipt_of_another_organisation_is_refused_when_the_key_is_known() -> None:
    """Pinned key beats the one in the file."""
    assert not verify_receipt(RECEIPT, public(private_key("other"))).ok


@given(st.binary(max_size=400))
def test_no_bytes_make_the_check_fall_over(raw: bytes) -> None:
    """A file from anywhere."""
    assert not verify_receipt(raw).ok


@given(st.integers(0, len(RECEIPT) - 1), st.integers(1, 255))
def test_no_single_changed_byte_passes_for_another_content(at: int, flip: int) -> None:
    """Either refused, or the change was in white space or made the countersignature vanish."""
    raw = bytearray(RECEIPT)
    raw[at] ^= flip
    report = verify_receipt(bytes(raw))
    good = verify_receipt(RECEIPT)
    assert not report.ok or report.entries == good.entries


def test_a_reader_takes_only_the_next_link() -> None:
    """Again, skipped, or with foreign fields: refused, and the reader stays where it was."""
    key = private_key("session")
    writer = ChainWriter(key, b"h" * 32)
    first = writer.add(EntryType.JOINED, "customer", 1, {})
    second = writer.add(EntryType.PROMPTED, "system", 2, {})
    reader = ChainReader(public(key), b"h" * 32)
    with pytest.raises(BadChain):
        reader.accept(second.text)
    reader.accept(first.text)
    with pytest.raises(BadChain):
        reader.accept(first.text)
    for fields in ({}, {"n": True}, {"n": 1, "prev": "x"}, {"n": 1, "prev": "A" * 43, "type": "party"}):
        with pytest.raises(BadChain):
            reader.accept(sign_document(key, "deskside-chain-1", fields).to_text())
    reader.accept(second.text)
    assert reader.head == writer.head
