# SPDX-License-Identifier: GPL-3.0-or-later
"""Customers as rows: addresses, call times, products, what is already known, merging two and taking them apart."""

from __future__ import annotations

from dataclasses import replace

import pytest

from app.domain import changes as c
from app.domain.addresses import address_value, phone_text, serial_value
from app.domain.call_times import call_times_text, parse_call_times
from app.domain.entities import ASSET, CONTACT_ADDRESS, CUSTOMER, ENTITLEMENT, FACT_CARD, TICKET, customer_scope
from app.domain.ids import hlc_of
from tests.fakes.rows import AGENT, CUSTOMER_ID, TICKET_ID, MemoryRows, context, event, new_ticket

OTHER, THIRD, ASSET_ID = b"o" * 16, b"x" * 16, b"p" * 16
MAIL, PHONE, PRIVATE = b"1" * 16, b"2" * 16, b"3" * 16


@pytest.fixture
def rows() -> MemoryRows:
    """A customer with a ticket, two addresses and a product; another one with an address."""
    memory = MemoryRows()
    memory.run(c.CustomerCreate(event(101), CUSTOMER_ID, "박민수"))
    memory.run(c.CustomerCreate(event(102), OTHER, "민수 박"))
    new_ticket(memory)
    memory.run(c.AddressAdd(event(103), MAIL, CUSTOMER_ID, "email", "Park@Example.com", "업무"))
    memory.run(c.AddressAdd(event(104), PHONE, CUSTOMER_ID, "phone", "010-0000-1234"))
    memory.run(c.AddressAdd(event(105), PRIVATE, OTHER, "email", "ms@example.org"))
    memory.run(c.AssetCreate(event(106), ASSET_ID, CUSTOMER_ID, {"product": "PX-200", "serial": "88 1032-ab"}))
    return memory


def _rolled(role: str) -> c.Actor:
    return c.Actor("user", AGENT, frozenset({role}))


@pytest.mark.parametrize(
    ("kind", "typed", "kept"),
    [
        ("email", " Park@Example.COM ", "park@example.com"),
        ("email", "park", None),
        ("phone", "010-1234-5678", "+821012345678"),
        ("phone", "+82 (0)10 1234 5678", "+821012345678"),
        ("phone", "0082-2-555-0100", "+8225550100"),
        ("phone", "1588-1234", "15881234"),
        ("phone", "+49 30 901820", "+4930901820"),
        ("phone", "ask Kim", None),
        ("postal", "서울  중구\n세종대로 110", "서울 중구 세종대로 110"),
        ("fax", "02-555-0100", None),
    ],
)
def test_the_same_address_is_the_same_text_however_it_is_typed(kind: str, typed: str, kept: str | None) -> None:
    """So nobody can have it twice."""
    assert address_value(kind, typed) == kept


def test_phone_numbers_read_as_people_say_them() -> None:
    """Korean ones with their dashes, others as they are kept."""
    assert [phone_text(n) for n in ("+821012345678", "+8225550100", "15881234", "+4930901820", "010-0000-1234")] == [
        "010-1234-5678", "02-555-0100", "1588-1234", "+4930901820", "010-0000-1234",
    ]  # fmt: skip
    assert serial_value(" 88 1032-ab") == "881032-AB"
    assert serial_value("9" * 65) is None


@pytest.mark.parametrize(
    ("typed", "ko"),
    [
        ("월-금 09:00-12:00", "월-금 09:00-12:00"),
        ("Mon-Tue 9:00-12:00, 13:00-18:00; Sat 10:00-11:00", "월-화 09:00-12:00, 13:00-18:00, 토 10:00-11:00"),
        ("14:00-15:00", "월-일 14:00-15:00"),
        ("금요일 20:00~24:00", "금 20:00-24:00"),
        ("", ""),
    ],
)
def test_call_times_are_typed_as_people_write_them(typed: str, ko: str) -> None:
    """In either language; read again they are the same."""
    kept = parse_call_times(typed)
    assert kept is not None
    assert call_times_text(kept, "ko") == ko
    assert parse_call_times(call_times_text(kept, "en")) == kept


@pytest.mark.parametrize(
    "typed", ["mornings", "Mon 12:00-09:00", "Fri-Mon 09:00-10:00", "Mon 25:00-26:00", "월 9:00-11:00, 월 10:00-12:00"]
)
def test_call_times_that_cannot_be_read_are_not_kept(typed: str) -> None:
    """The window asks again."""
    assert parse_call_times(typed) is None


def test_call_times_of_another_program_are_checked(rows: MemoryRows) -> None:
    """Rows that no window could show are refused."""
    bad = c.CustomerSet(event(1), CUSTOMER_ID, {"call_times": '{"9": []}'})
    assert rows.refusal(bad) == "bad_value"
    rows.run(replace(bad, fields={"call_times": '{"0":[["09:00","12:00"]]}'}))
    assert call_times_text(str(rows.row(CUSTOMER.number, CUSTOMER_ID).values["call_times"]), "en") == "Mon 09:00-12:00"


def test_an_address_is_one_persons_and_one_of_each_kind_is_the_main_one(rows: MemoryRows) -> None:
    """A second mail address stays second until somebody makes it the main one."""
    assert rows.row(CONTACT_ADDRESS.number, MAIL).values["value"] == "park@example.com"
    taken = c.AddressAdd(event(1), b"9" * 16, OTHER, "email", "PARK@example.com")
    assert rows.refusal(taken) == "address_taken"
    rows.run(replace(taken, event=event(2), customer=CUSTOMER_ID, value="second@example.com"))
    assert rows.row(CONTACT_ADDRESS.number, b"9" * 16).values["is_primary"] is False
    rows.run(c.AddressSet(event(3), b"9" * 16, {"is_primary": True}))
    main = {r.id: r.values["is_primary"] for r in rows.find(CONTACT_ADDRESS.number, "customer", CUSTOMER_ID)}
    assert main == {MAIL: False, PHONE: True, b"9" * 16: True}


def test_another_text_is_neither_verified_nor_known_to_be_bad(rows: MemoryRows) -> None:
    """Both were said of the old one; what was set together stays."""
    rows.run(c.AddressSet(event(1), MAIL, {"verified_at": 5, "bad_since": 6}))
    rows.run(c.AddressSet(event(2), MAIL, {"value": "New@example.com"}))
    values = rows.row(CONTACT_ADDRESS.number, MAIL).values
    assert (values["value"], values["verified_at"], values["bad_since"]) == ("new@example.com", None, None)
    assert rows.refusal(c.AddressSet(event(3), MAIL, {"customer": OTHER})) == "read_only"
    assert rows.refusal(c.AddressSet(event(4), MAIL, {"value": "ms@example.org"})) == "address_taken"


def test_a_deleted_address_comes_back_unless_somebody_has_it_now(rows: MemoryRows) -> None:
    """Undo never gives an address to two people."""
    gone = c.AddressDelete(event(1), MAIL)
    rows.run(gone)
    back = c.inverse(gone, rows.get, event(2))
    assert back == c.AddressDelete(event(2), MAIL, False)
    rows.run(c.AddressAdd(event(3), b"9" * 16, OTHER, "email", "park@example.com"))
    assert back is not None
    assert rows.refusal(back) == "address_taken"


def test_a_product_keeps_its_serial_number_in_one_form_and_once(rows: MemoryRows) -> None:
    """Dates are dates, states are the three there are, and another owner takes the row along."""
    asset = rows.row(ASSET.number, ASSET_ID)
    assert (asset.values["serial"], asset.values["status"]) == ("881032-AB", "in_use")
    again = c.AssetCreate(event(1), b"9" * 16, OTHER, {"product": "PX-200", "serial": "881032-ab"})
    assert rows.refusal(again) == "serial_taken"
    rows.run(replace(again, fields={"product": "QX-1", "serial": "881032-ab"}))
    for name, value in (("warranty_until", "2027-02-30"), ("status", "lost"), ("product", ""), ("owner", b"?" * 16)):
        assert rows.refusal(c.AssetSet(event(2), ASSET_ID, {name: value})) in ("bad_value", "no_such_customer"), name
    change = c.AssetSet(event(3), ASSET_ID, {"status": "in_repair", "warranty_until": "2027-03-31"})
    undo = c.inverse(change, rows.get, event(4))
    rows.run(change)
    rows.run(c.AssetSet(event(5), ASSET_ID, {"owner": OTHER}))
    moved = rows.row(ASSET.number, ASSET_ID)
    assert (moved.scope, moved.values["status"]) == (customer_scope(OTHER), "in_repair")
    assert undo is not None
    rows.run(undo)
    assert rows.row(ASSET.number, ASSET_ID).values["status"] == "in_use"


def test_only_a_lead_writes_support_terms(rows: MemoryRows) -> None:
    """What support promises is not every agent's."""
    terms = c.TermsAdd(event(1), b"9" * 16, ASSET_ID, {"valid_until": "2027-03-31", "options_after_ko": "건당 유료"})
    assert rows.refusal(terms) == "not_yours"
    rows.run(terms, actor=_rolled("lead"))
    assert rows.row(ENTITLEMENT.number, b"9" * 16).values["owner"] == ASSET_ID
    bad = replace(terms, event=event(2), fields={"valid_until": "soon"})
    assert rows.refusal(bad, actor=_rolled("lead")) == "bad_value"


def test_undone_support_terms_bring_the_version_before_back_as_a_new_one(rows: MemoryRows) -> None:
    """Versions are never edited; first terms have none before them."""
    first = c.TermsAdd(event(1), b"9" * 16, ASSET_ID, {"valid_until": "2027-03-31", "plan": "기본"})
    assert c.inverse(first, rows.get, event(2)) is None
    rows.run(first, actor=_rolled("lead"))
    second = c.TermsAdd(event(3), b"8" * 16, ASSET_ID, {"valid_until": "2028-03-31"}, first.terms)
    undo = c.inverse(second, rows.get, event(4))
    rows.run(second, actor=_rolled("lead"))
    assert isinstance(undo, c.TermsAdd)
    rows.run(undo, actor=_rolled("lead"))
    back = rows.row(ENTITLEMENT.number, undo.terms).values
    assert (back["plan"], back["valid_until"], back["supersedes"]) == ("기본", "2027-03-31", second.terms)
    again = c.inverse(undo, rows.get, event(5))
    assert isinstance(again, c.TermsAdd)
    assert again.fields["valid_until"] == "2028-03-31"


# --- what is already known -------------------------------------------------------------------------------------------


def test_what_is_known_stands_on_the_ticket_as_plain_lines(rows: MemoryRows) -> None:
    """Whatever a foreign computer says is words, and the product is found by its serial number."""
    card = c.FactsAdd(
        event(1), b"9" * 16, TICKET_ID, 1500, consent=True, serial="88 1032-AB", os="Windows\x1b[31m 11\r\n",
        last_error="<script>alert(1)</script>",
    )  # fmt: skip
    rows.run(card)
    kept = rows.row(FACT_CARD.number, b"9" * 16)
    assert (kept.values["os"], kept.values["last_error"]) == ("Windows [31m 11", "<script>alert(1)</script>")
    assert (kept.values["asset"], kept.values["serial"]) == (ASSET_ID, "881032-AB")
    assert kept.scope == rows.ticket().scope
    assert rows.ticket().values["facts"] == b"9" * 16
    before = dict(rows.rows)
    rows.run(card)
    assert rows.rows == before


def test_what_is_known_needs_the_customers_consent_and_has_limits(rows: MemoryRows) -> None:
    """Nothing without a yes, nothing endless, no product of somebody else."""
    card = c.FactsAdd(event(1), b"9" * 16, TICKET_ID, 1500, os="Linux")
    assert rows.refusal(card, actor=c.Actor("customer", CUSTOMER_ID)) == "consent_needed"
    assert rows.refusal(replace(card, last_error="x" * 501)) == "text_too_long"
    assert rows.refusal(replace(card, warranty_until="31.3.27")) == "bad_value"
    assert rows.refusal(replace(card, os="\x00 ")) in ("bad_value", "empty_text")
    rows.run(c.AssetCreate(event(2), b"8" * 16, OTHER, {"product": "QX-1"}))
    rows.run(replace(card, asset=b"8" * 16))
    assert rows.row(FACT_CARD.number, b"9" * 16).values["asset"] is None


def test_each_fact_has_its_time_and_one_that_is_not_older_needs_none(rows: MemoryRows) -> None:
    """An error of yesterday is not taken for one of today; times of nothing and times to come are not kept."""
    card = c.FactsAdd(
        event(1), b"9" * 16, TICKET_ID, 1500, consent=True, device="Northlight N14", free_disk="/ 12.3 of 100.0 GB",
        last_error="paper jam", found_at={"last_error": 700, "device": 1500, "os": 3, "nonsense": 4, "free_disk": -1},
    )  # fmt: skip
    rows.run(card)
    kept = rows.row(FACT_CARD.number, b"9" * 16).values
    assert (kept["device"], kept["free_disk"], kept["network"]) == ("Northlight N14", "/ 12.3 of 100.0 GB", None)
    assert kept["found_at"] == '{"last_error":700}'


def test_a_computer_that_is_the_product_itself_tells_how_it_is_and_another_one_does_not(rows: MemoryRows) -> None:
    """A printer does not get the free disk of the computer that asks about it; an old report changes nothing."""
    own = c.FactsAdd(
        event(1), b"9" * 16, TICKET_ID, 1500, consent=True, serial="88 1032-ab", device="Northlight N14", os="Linux 12",
        free_disk="/ 1 of 9 GB",
    )  # fmt: skip
    rows.run(replace(own, product="PX-200"))
    assert rows.row(ASSET.number, ASSET_ID).values.get("health") is None
    rows.run(replace(own, event=event(2), facts=b"8" * 16))
    told = '{"free_disk":"/ 1 of 9 GB","os":"Linux 12","reported_at":1500}'
    assert rows.row(ASSET.number, ASSET_ID).values["health"] == told
    rows.run(replace(own, event=event(3), facts=b"7" * 16, collected_at=1400, os="Linux 11"))
    assert rows.row(ASSET.number, ASSET_ID).values["health"] == told
    assert rows.refusal(c.AssetSet(event(4), ASSET_ID, {"health": "{}"})) == "read_only"


# --- merging ---------------------------------------------------------------------------------------------------------


def picture(rows: MemoryRows) -> dict[tuple[int, bytes], tuple[object, ...]]:
    """Where every row of the two customers stands, but for revisions."""
    kinds = (TICKET.number, CUSTOMER.number, CONTACT_ADDRESS.number, ASSET.number, ENTITLEMENT.number)
    return {
        key: (row.scope, row.deleted, tuple(sorted((n, v) for n, v in row.values.items() if v is not None)))
        for key, row in rows.rows.items() if key[0] in kinds
    }  # fmt: skip


def nobody_is_lost(rows: MemoryRows) -> None:
    """Every live row has a customer who is there and stands for himself, and no address is there twice."""
    for entity, column in ((TICKET, "customer"), (CONTACT_ADDRESS, "customer"), (ASSET, "owner")):
        for row in (r for (kind, _), r in rows.rows.items() if kind == entity.number and not r.deleted):
            owner = row.values.get(column)
            assert isinstance(owner, bytes)
            assert not rows.row(CUSTOMER.number, owner).values.get("merged_into"), row
    live = [r.values for (k, _), r in rows.rows.items() if k == CONTACT_ADDRESS.number and not r.deleted]
    values = [(v["kind"], v["value"]) for v in live]
    assert len(values) == len(set(values)), values


def test_two_customers_become_one_and_two_again(rows: MemoryRows) -> None:
    """P18: no ticket without a customer, no address twice, and unmerge puts every row back where it was."""
    rows.put(  # an address that both have, as an older program could leave it
        c.Row(CONTACT_ADDRESS.number, b"4" * 16, customer_scope(OTHER),
              {"customer": OTHER, "kind": "phone", "value": "+821000001234", "is_primary": True})
    )  # fmt: skip
    rows.run(c.TermsAdd(event(1), b"5" * 16, CUSTOMER_ID, {"valid_until": "2027-03-31"}), actor=_rolled("lead"))
    rows.run(c.CustomerSet(event(2), OTHER, {"preferred_name": "민수"}))
    before = picture(rows)
    merge = c.CustomerMerge(event(3), CUSTOMER_ID, OTHER, {"name": "박민수"})
    undo = c.inverse(merge, rows.get, event(4))
    rows.run(merge)
    nobody_is_lost(rows)
    kept = rows.row(CUSTOMER.number, OTHER).values
    assert (kept["name"], kept["preferred_name"]) == ("박민수", "민수")
    assert rows.row(ENTITLEMENT.number, b"5" * 16).values["owner"] == OTHER
    mains = [r.values["kind"] for r in rows.find(CONTACT_ADDRESS.number, "customer", OTHER) if r.values["is_primary"]]
    assert sorted(map(str, mains)) == ["email", "phone"]
    assert undo == c.CustomerUnmerge(event(4), CUSTOMER_ID)
    rows.run(undo)
    assert picture(rows) == before
    assert {"customer_merged", "customer_unmerged"} <= set(rows.lines(TICKET_ID))
    after = dict(rows.rows)
    rows.run(undo)  # sent again
    rows.run(merge)
    assert rows.rows == after


def test_what_was_done_after_the_merge_stays(rows: MemoryRows) -> None:
    """A name put right since, a product given away, a ticket opened since: unmerge leaves them."""
    rows.run(c.CustomerMerge(event(1), CUSTOMER_ID, OTHER, {"name": "박민수", "tier": "vip"}))
    rows.run(c.CustomerCreate(event(2), THIRD, "이서연"))
    rows.run(c.CustomerSet(event(3), OTHER, {"name": "박민수 (본사)"}), hlc=hlc_of(9_000_000))
    rows.run(c.AssetSet(event(4), ASSET_ID, {"owner": THIRD}))
    new_ticket(rows, b"y" * 16, 50)
    rows.run(c.CustomerUnmerge(event(5), CUSTOMER_ID))
    assert rows.row(CUSTOMER.number, OTHER).values["name"] == "박민수 (본사)"
    assert rows.row(CUSTOMER.number, OTHER).values["tier"] == "normal"
    assert rows.row(ASSET.number, ASSET_ID).values["owner"] == THIRD
    assert rows.ticket(b"y" * 16).values["customer"] == OTHER
    assert rows.ticket().values["customer"] == CUSTOMER_ID
    nobody_is_lost(rows)


def test_merges_one_after_the_other_come_apart_in_any_order(rows: MemoryRows) -> None:
    """The first customer's rows go home from wherever the second merge carried them."""
    rows.run(c.CustomerCreate(event(1), THIRD, "이서연"))
    rows.run(c.CustomerMerge(event(2), CUSTOMER_ID, OTHER))
    rows.run(c.CustomerMerge(event(3), OTHER, THIRD))
    nobody_is_lost(rows)
    rows.run(c.CustomerUnmerge(event(4), CUSTOMER_ID))
    assert rows.ticket().values["customer"] == CUSTOMER_ID
    assert rows.row(CONTACT_ADDRESS.number, PRIVATE).values["customer"] == THIRD
    rows.run(c.CustomerUnmerge(event(5), OTHER))
    assert rows.row(CONTACT_ADDRESS.number, PRIVATE).values["customer"] == OTHER
    assert rows.row(CONTACT_ADDRESS.number, MAIL).values["customer"] == CUSTOMER_ID
    nobody_is_lost(rows)


def test_a_merge_that_cannot_be_is_refused(rows: MemoryRows) -> None:
    """With oneself, with nobody, with one that is merged; and what is not merged cannot be taken apart."""
    assert rows.refusal(c.CustomerMerge(event(1), OTHER, OTHER)) == "merge_refused"
    assert rows.refusal(c.CustomerMerge(event(2), OTHER, b"?" * 16)) == "no_such_customer"
    assert rows.refusal(c.CustomerMerge(event(3), OTHER, CUSTOMER_ID, {"merged_into": None})) == "read_only"
    assert rows.refusal(c.CustomerUnmerge(event(4), OTHER)) == "not_merged"
    assert context().on_server
