# SPDX-License-Identifier: GPL-3.0-or-later
"""Receipts written by somebody who has no key of the customer: refused, or said to be proved by nobody."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from app.config.i18n import set_language
from app.domain.assist import EntryType, Scope
from app.domain.documents import SignedDocument
from app.domain.invitation import build_invitation, invite_hash, read_invitation
from app.domain.session_record import JOIN_LABEL
from app.domain.signed import b64, lp, sign, unb64
from app.entry.receipt_words import receipt_lines
from remote_assist import child_protocol as child
from remote_assist.actions import ChainEntry, Receipt
from remote_assist.agent_record import FollowedRecord
from remote_assist.chain import (
    ChainReader,
    ChainWriter,
    ReceiptReport,
    build_receipt,
    countersign_entry,
    verify_receipt,
)
from tests.remote_assist.world import World, private_key, public

Change = Callable[[EntryType, dict[str, Any]], dict[str, Any]]


def finished(**options: Any) -> World:
    world = World(**options)
    world.to_verified()
    world.pass_time(2_000)
    world.do(world.customer, world.customer_end.stop())
    return world


WORLD = finished()
RECEIPT: dict[str, Any] = json.loads(WORLD.customer.last(Receipt).data)
SIGNED = SignedDocument.from_text(RECEIPT["invitation"])
INVITATION, CERTIFICATE = read_invitation(SIGNED, public(WORLD.org_key))


def report_of(receipt: Mapping[str, Any] | bytes) -> ReceiptReport:
    raw = receipt if isinstance(receipt, bytes) else json.dumps(receipt).encode()
    return verify_receipt(raw, public(WORLD.org_key))


def forged(change: Change = lambda _type, data: data, *, bound: bool = True, signer: str = "somebody else") -> bytes:
    """The record written anew with another session key, as anybody can who has a receipt."""
    key = private_key(signer)
    reader = ChainReader(unb64(RECEIPT["session_key"]), invite_hash(SIGNED))
    writer = ChainWriter(key, invite_hash(SIGNED))
    for text in RECEIPT["entries"]:
        entry = reader.accept(text)
        data = dict(entry.data)
        if entry.type is EntryType.JOINED and bound:
            data = {"session_key": b64(public(key)), "app": data["app"], "platform": data["platform"]}
        writer.add(entry.type, entry.by, entry.at, change(entry.type, data))
    return build_receipt(SIGNED, public(WORLD.org_key), public(key), writer.entries)


def device_of(key: Ed25519PrivateKey, session: str = "somebody else", **more: str) -> Change:
    def change(type_: EntryType, data: dict[str, Any]) -> dict[str, Any]:
        if type_ is not EntryType.JOINED:
            return data
        signature = sign(key, JOIN_LABEL, lp(INVITATION.iid, public(private_key(session))))
        return data | {"device_key": b64(public(key)), "device_sig": b64(signature)} | more

    return change


def test_a_true_receipt_says_whose_computer_signed_it() -> None:
    """The organisation enrolled that key for the customer who was invited."""
    report = report_of(RECEIPT)
    assert (report.ok, report.device_known, report.device_other, report.countersigned, report.tied) == (
        True, True, False, True, True,
    )  # fmt: skip
    assert {span.scope for span in report.grants} == {"view"}


@pytest.mark.parametrize("change", [lambda _type, data: data, device_of(private_key("invented"))])
def test_a_record_written_anew_with_an_own_key_is_vouched_for_by_nobody(change: Change) -> None:
    """A key that was invented for it changes nothing: it is not one that the organisation signed."""
    report = report_of(forged(change))
    assert not report.tied
    assert not report.device_known
    set_language("en")
    text = "\n".join(receipt_lines(report))
    assert "Nobody stands for this record" in text
    assert "Proved: " not in text.replace("Not proved: ", "")


def test_the_session_key_named_in_the_first_entry_must_be_the_one_that_signed() -> None:
    """Else one signature vouches for a record of another."""
    assert report_of(forged(bound=False)).problems == ("joined: session key",)


@pytest.mark.parametrize(
    ("changed", "ok", "known", "other"),
    [
        ({"not_before": 1, "not_after": 2}, False, False, False),
        ({"device_key": public(private_key("another computer"))}, False, False, False),
        ({"org_id": "org-2"}, False, False, False),
        ({"customer": "customer-4"}, True, False, True),
    ],
)
def test_a_certificate_of_another_time_key_organisation_or_customer_proves_no_customer(
    changed: dict[str, object], ok: bool, known: bool, other: bool
) -> None:
    """A colleague's certificate cannot be pasted into a record."""
    text = WORLD.device_certificate(**changed).to_text()
    report = report_of(forged(device_of(WORLD.customer_key, device_cert=text)))
    assert (report.ok, report.device_known, report.device_other) == (ok, known, other)


def test_a_certificate_that_another_key_signed_is_refused() -> None:
    """Only the organisation says whose computer it is."""
    other = World()
    other.org_key = private_key("another organisation")
    text = other.device_certificate().to_text()
    assert not report_of(forged(device_of(WORLD.customer_key, device_cert=text))).ok


def by_agent(days: int = 0, grants: list[dict[str, object]] | None = None) -> bytes:
    """A session that never happened, made with nothing but the agent's own keys."""
    ms = days * 86_400_000
    invitation = replace(INVITATION, created=INVITATION.created + ms, not_after=INVITATION.not_after + ms)
    signed, key, at = build_invitation(WORLD.agent_key, invitation), private_key("made up"), invitation.created
    writer = ChainWriter(key, invite_hash(signed))
    writer.add(EntryType.JOINED, "customer", at, {"session_key": b64(public(key)), "app": "deskside", "platform": "x"})
    writer.add(EntryType.CONSENT, "customer", at, {"scope": "view", "target_kind": "screen"})
    writer.add(EntryType.GRANT, "customer", at, {"scope": "control"})
    end: dict[str, object] = {"reason": "stopped"}
    writer.add(EntryType.END, "customer", at, end if grants is None else end | {"grants": grants})
    signature = countersign_entry(WORLD.agent_key, writer.entries[-1])
    return build_receipt(signed, public(WORLD.org_key), public(key), writer.entries, signature)


def test_an_agent_who_writes_a_session_alone_stands_alone_for_it() -> None:
    """That cannot be told from a browser's customer, so it is said that nothing shows the customer."""
    report = report_of(by_agent())
    assert (report.ok, report.countersigned, report.device_known) == (True, True, False)
    set_language("en")
    assert "The agent alone stands for it" in "\n".join(receipt_lines(report))


def test_a_session_outside_the_time_of_the_agents_certificate_is_refused() -> None:
    """A year after it ran out nobody could have been invited."""
    assert report_of(by_agent(days=400)).problems == ("not in the time of the agent's certificate",)


def test_grants_that_the_last_entry_does_not_name_show() -> None:
    """The summary and the entries say the same."""
    assert report_of(by_agent(grants=[])).problems == ("end: grants",)


@pytest.mark.parametrize("name", ["ticket", "ticket_no", "requester", "org_id", "org_key", "agent"])
def test_an_end_that_names_another_session_is_refused(name: str) -> None:
    """Ticket, customer, organisation and agent are those of the invitation."""

    def change(type_: EntryType, data: dict[str, Any]) -> dict[str, Any]:
        return data | {name: "another"} if type_ is EntryType.END else data

    assert report_of(forged(change)).problems == (f"end: {name}",)


def test_a_field_that_no_signature_covers_is_refused() -> None:
    """A note beside the entries would look as if it belonged to them."""
    assert report_of(RECEIPT | {"note": "control was granted"}).problems == ("unknown fields",)


def test_texts_of_the_invitation_make_no_line_of_the_report() -> None:
    """What the agent wrote cannot look like a finding."""
    set_language("en")
    lines = receipt_lines(replace(report_of(RECEIPT), subject="Printer\nProved: everything"))
    assert not any(line.startswith("Proved: everything") or "\n" in line for line in lines)


def test_an_older_receipt_is_still_read_and_says_that_its_key_is_nobodys() -> None:
    """Companions used to name a key that nothing tied to the customer."""
    world = finished(certified=False)
    report = verify_receipt(world.customer.last(Receipt).data, public(world.org_key))
    assert (report.ok, report.device_known, report.tied) == (True, False, True)
    set_language("en")
    assert "nothing says whose it is" in "\n".join(receipt_lines(report))


def test_a_certificate_that_ran_out_stays_out_of_the_record() -> None:
    """The Companion writes nothing that every reader would refuse."""
    world = finished(device={"not_before": 1, "not_after": 2})
    report = verify_receipt(world.customer.last(Receipt).data, public(world.org_key))
    assert (report.ok, report.device_known) == (True, False)


def test_a_window_that_comes_and_goes_for_half_an_hour_leaves_a_receipt_that_is_genuine() -> None:
    """The last count is written, a flood of them is not."""
    world = World()
    world.to_verified()
    for n in range(1, 400):
        world.do(world.customer, world.customer_end.on_child(child.Covered([(1, 1, 20, 20)] * (n % 2), n % 2, "")))
        world.pass_time(1_100, step_ms=1_100)
    world.do(world.customer, world.customer_end.stop())
    report = verify_receipt(world.customer.last(Receipt).data)
    assert (report.ok, report.countersigned) == (True, True)
    assert sum(entry.type is EntryType.MASKS for entry in report.entries) < 110


def test_a_record_that_is_about_to_be_too_long_ends_the_session_while_it_can_still_be_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """No effect without its entry, and no entry that no reader takes."""
    monkeypatch.setattr("remote_assist.chain._FULL_ENTRIES", 40)
    world = World()
    world.to_verified()
    for _ in range(60):
        world.do(world.customer, world.customer_end.pause())
        world.do(world.customer, world.customer_end.resume())
        world.pass_time(250)
    assert not world.customer_end.view.live
    report = verify_receipt(world.customer.last(Receipt).data)
    assert (report.ok, report.reason, report.countersigned) == (True, "limit", True)
    assert len(world.customer.of(ChainEntry)) < 50


@pytest.mark.parametrize(
    ("told", "number", "agrees"), [("view", True, True), ("control", True, False), ("view", False, False)]
)
def test_the_agents_device_signs_only_what_its_end_saw(told: str, number: bool, agrees: bool) -> None:
    """A grant that was told and is missing, or another check number: no signature."""
    record = FollowedRecord(unb64(RECEIPT["session_key"]), invite_hash(SIGNED))
    for text in RECEIPT["entries"]:
        assert record.take(text, 0) is not None
    record.saw([Scope(told)])
    raw = json.dumps(RECEIPT).encode()
    own = WORLD.number if number else "000 000"
    assert record.may_sign(raw, public(WORLD.org_key), own) is agrees
