# SPDX-License-Identifier: GPL-3.0-or-later
"""Merging customers, what is already known, and addresses of one person, as the server sees them."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa

from app.domain import changes as c
from app.domain.entities import ASSET, CONTACT_ADDRESS, CUSTOMER, FACT_CARD, TICKET, customer_scope
from sync.customer_protocol import Facts, NewRequest
from sync.server.bulk import scope_errors
from sync.server.schema import ENTITY_TABLES, SYSTEM
from sync.server.verify import verify
from tests.server.world import Companion, World, row_id

NEW = row_id(600)


def _live(world: World, type_: int) -> list[dict[str, Any]]:
    table = ENTITY_TABLES[type_]
    with world.store.read() as cx:
        found = cx.execute(sa.select(table).where(table.c.deleted == sa.false())).mappings()
        return [dict(row) for row in found]


def _owner_of(world: World, companion: Companion) -> bytes:
    table = SYSTEM.companion
    with world.store.read() as cx:
        query = sa.select(table.c.customer_id).where(table.c.id == bytes.fromhex(companion.id))
        return bytes(cx.execute(query).scalar_one())


def _is_whole(world: World) -> None:
    """Every live row has a customer that stands for itself; no address is there twice; sums are right."""
    gone = {bytes(r["id"]) for r in _live(world, CUSTOMER.number) if r["merged_into"]}
    known = {bytes(r["id"]) for r in _live(world, CUSTOMER.number)} - gone
    for ticket in _live(world, TICKET.number):
        assert bytes(ticket["customer"]) in known
    addresses = _live(world, CONTACT_ADDRESS.number)
    assert {bytes(a["customer"]) for a in addresses} <= known
    named = [(a["kind"], a["value"]) for a in addresses]
    assert len(named) == len(set(named))
    with world.store.read() as cx:
        assert scope_errors(cx) == []
        assert verify(cx) == []


def test_one_person_with_three_addresses_is_one_after_a_merge_and_two_after_its_undoing(world: World) -> None:
    """P18: no ticket without a customer, no address twice; programs of the customer go along and come back."""
    kim, park = world.agent("kim"), world.agent("park")
    ticket = kim.ticket()
    park.create(row_id(1077), "남부")
    companion = world.companion()
    assert kim.do(c.CustomerCreate(kim.fresh(), NEW, "한예린 (회사)", phone="010-0000-7777")) == ("ok", None)
    for kind, value in (("email", "yerin@company.example"), ("chat", "yerin")):
        add = c.AddressAdd(kim.fresh(), kim.fresh(), NEW, kind, value)
        assert kim.do(add) == ("ok", None)
    asset = kim.fresh()
    create = c.AssetCreate(kim.fresh(), asset, world.customer, {"product": "PX-200", "serial": "77-1"})
    assert kim.do(create) == ("ok", None)
    before = {bytes(r["id"]): (bytes(r["customer"]), r["scope_id"]) for r in _live(world, CONTACT_ADDRESS.number)}
    merge = c.CustomerMerge(kim.fresh(), world.customer, NEW, {"name": "한예린"})
    assert kim.do(merge) == ("ok", None)
    _is_whole(world)
    assert _owner_of(world, companion) == NEW
    home = companion.get("/customer/v1/home")
    assert home.status_code in (200, 401)
    kim.pull()
    assert kim.row(ticket)["customer"] == NEW
    assert kim.row(asset, ASSET.number)["owner"] == NEW
    assert kim.row(NEW, CUSTOMER.number)["name"] == "한예린"
    assert kim.do(c.CustomerUnmerge(kim.fresh(), world.customer)) == ("ok", None)
    _is_whole(world)
    after = {bytes(r["id"]): (bytes(r["customer"]), r["scope_id"]) for r in _live(world, CONTACT_ADDRESS.number)}
    assert after == before
    assert _owner_of(world, companion) == world.customer
    kim.pull()
    park.pull()
    assert kim.row(ticket)["customer"] == world.customer
    assert park.row(row_id(1077))["customer"] == world.customer
    assert kim.row(asset, ASSET.number)["scope"] == customer_scope(world.customer)
    assert kim.row(NEW, CUSTOMER.number)["name"] == "한예린 (회사)"
    assert kim.do(merge) == ("ok", None)  # the same deed again changes nothing
    assert _owner_of(world, companion) == world.customer


def test_programs_go_home_through_two_merges(desk: World) -> None:
    """One customer after the other; each undoing takes back its own."""
    kim = desk.agent("kim")
    companion = desk.companion()
    third = row_id(601)
    for id_, name in ((NEW, "둘"), (third, "셋")):
        assert kim.do(c.CustomerCreate(kim.fresh(), id_, name)) == ("ok", None)
    assert kim.do(c.CustomerMerge(kim.fresh(), desk.customer, NEW)) == ("ok", None)
    assert kim.do(c.CustomerMerge(kim.fresh(), NEW, third)) == ("ok", None)
    assert _owner_of(desk, companion) == third
    assert kim.do(c.CustomerUnmerge(kim.fresh(), desk.customer)) == ("ok", None)
    assert _owner_of(desk, companion) == desk.customer
    assert kim.do(c.CustomerUnmerge(kim.fresh(), NEW)) == ("ok", None)
    assert _owner_of(desk, companion) == desk.customer


def test_two_agents_cannot_give_one_address_to_two_people(desk: World) -> None:
    """Whoever comes second is told; offline neither could know."""
    kim, lee = desk.agent("kim"), desk.agent("lee")
    assert kim.do(c.CustomerCreate(kim.fresh(), NEW, "다른 사람")) == ("ok", None)
    first = c.AddressAdd(kim.fresh(), kim.fresh(), desk.customer, "email", "one@person.example")
    second = c.AddressAdd(lee.fresh(), lee.fresh(), NEW, "email", "ONE@person.example")
    assert kim.do(first) == ("ok", None)
    assert lee.do(second) == ("rejected", "address_taken")


@pytest.mark.parametrize("consent", [True, False])
def test_what_is_known_comes_with_the_request_and_only_with_a_yes(desk: World, consent: bool) -> None:
    """Each fact may be missing, too long or hostile; the request for help arrives all the same."""
    companion = desk.companion()
    hostile = Facts(
        consent=consent, serial=" px 1-2 ", os="<b>Linux</b>\u202e\x07", last_error="x" * 900, warranty_until="soon",
        collected_at=1 << 60, device="N14\x00", network="eth0\n10.0.0.5",
        found_at={"os": 1_000, "last_error": 1 << 62, "x": 5},
    )  # fmt: skip
    ask = NewRequest(id=row_id(2001).hex(), message=row_id(3001).hex(), subject="꺼져요", body="자꾸", facts=hostile)
    for _ in range(2):
        assert companion.post("/customer/v1/request", ask).status_code == 200
    kim = desk.agent("kim")
    kim.pull()
    cards = kim.copy.of(FACT_CARD.number)
    assert len(cards) == consent
    if consent:
        card = cards[0]
        assert (card["serial"], card["os"], card["warranty_until"]) == ("PX1-2", "<b>Linux</b>", None)
        assert (len(card["last_error"]), card["consent"]) == (500, True)
        assert (card["device"], card["network"], card["found_at"]) == ("N14", "eth0 10.0.0.5", '{"os":1000}')
        assert card["collected_at"] <= desk.clock()
        assert kim.row(row_id(2001))["facts"] == card["id"]


def test_what_is_known_goes_with_a_merged_ticket_and_comes_back(desk: World) -> None:
    """It belongs to its ticket."""
    kim = desk.agent("kim")
    one, two = kim.ticket(1), kim.ticket(2)
    card = kim.fresh()
    assert kim.do(c.FactsAdd(kim.fresh(), card, one, desk.clock(), os="Windows 11")) == ("ok", None)
    assert kim.do(c.TicketMerge(kim.fresh(), one, two)) == ("ok", None)
    kim.pull()
    assert kim.row(card, FACT_CARD.number)["ticket"] == two
    assert kim.do(c.TicketUnmerge(kim.fresh(), one)) == ("ok", None)
    kim.pull()
    assert kim.row(card, FACT_CARD.number)["ticket"] == one
