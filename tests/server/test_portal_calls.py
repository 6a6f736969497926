# SPDX-License-Identifier: GPL-3.0-or-later
"""On a secret link's page a customer reads honest times, asks for a call without a script, moves it and cancels it."""

from __future__ import annotations

import html
import re
from pathlib import Path

import pytest

from app.domain.callbacks import SLOT_MS
from tests.server.test_callbacks import open_hours, states
from tests.server.test_portal import Visitor
from tests.server.world import World


@pytest.fixture
def visitor(desk: World) -> Visitor:
    """Somebody who has just written, in English, while support is open day and night with one call a slot."""
    open_hours(desk, capacity=1)
    made = Visitor(desk.client, "en")
    assert made.write().status_code == 303
    return made


def _mark(visitor: Visitor, path: str) -> dict[str, str]:
    found = re.search(rf'action="[^"]*/{path}\?.*?name="form" value="([^"]*)"', visitor.page().text, re.S)
    assert found is not None
    return {"form": html.unescape(found[1])}


def _ask(visitor: Visitor, slot: int, phone: str = "010-2345-6789") -> str:
    fields = {**_mark(visitor, "call"), "slot": str(slot), "phone": phone}
    answer = visitor.send(f"{visitor.link}/call", fields)
    assert answer.status_code == 303, answer.text
    return str(visitor.client.get(answer.headers["location"].split("#")[0]).text)


def test_a_customer_asks_for_a_call_moves_it_and_cancels_it(desk: World, visitor: Visitor) -> None:
    """Each page says how the call stands."""
    page = visitor.page().text
    slots = [int(each) for each in re.findall(r'<option value="(\d+)"', page)]
    assert slots[0] > desk.clock()
    assert "We call you" in _ask(visitor, slots[0])
    assert "We call you" in _ask(visitor, slots[1])
    assert sorted(states(desk)) == ["cancelled", "confirmed"]
    call = re.search(r'name="call" value="(\w+)"', visitor.page().text)
    assert call is not None
    gone = visitor.send(f"{visitor.link}/uncall", {**_mark(visitor, "uncall"), "call": call[1]})
    assert gone.status_code == 303
    assert states(desk) == ["cancelled", "cancelled"]


def test_a_slot_that_somebody_else_took_is_said_and_not_given_twice(desk: World, visitor: Visitor) -> None:
    """The page offers the others."""
    slot = (desk.clock() // SLOT_MS + 3) * SLOT_MS
    other = Visitor(desk.client, "en")
    other.write({"mail": "other@example.com"})
    assert "We call you" in _ask(other, slot)
    assert "not free any more" in _ask(visitor, slot)
    assert sorted(states(desk)) == ["confirmed", "requested"]
    assert f'value="{slot}"' not in visitor.page().text


def test_what_is_no_half_hour_or_no_number_is_told(desk: World, visitor: Visitor) -> None:
    """And nothing is kept; another's link cancels nothing."""
    slot = (desk.clock() // SLOT_MS + 3) * SLOT_MS
    assert "give a phone number" in _ask(visitor, slot, "later")
    assert "Choose a half hour" in _ask(visitor, slot + 1)
    assert states(desk) == []
    _ask(visitor, slot)
    call = re.search(r'name="call" value="(\w+)"', visitor.page().text)
    other = Visitor(desk.client, "en")
    other.write({"mail": "other@example.com"})
    _ask(other, slot + SLOT_MS)
    assert call is not None
    fields = {**_mark(other, "uncall"), "call": call[1]}
    assert other.send(f"{other.link}/uncall", fields).status_code == 404
    assert states(desk).count("confirmed") == 2


def test_the_page_of_a_ticket_has_no_text_that_is_only_english() -> None:
    """All of it comes from the catalogue."""
    page = Path("resources/web/_call.html").read_text("utf-8")
    assert not re.search(r">\s*[A-Za-z]{3,}", re.sub(r"\{[{%].*?[%}]\}", "", page))
