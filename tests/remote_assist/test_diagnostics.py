# SPDX-License-Identifier: GPL-3.0-or-later
"""A bundle of diagnostics: the customer reads it, strikes from it, and exactly that leaves."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.config.i18n import set_language
from remote_assist import bulk
from remote_assist.bulk import DIAG, Chunk
from remote_assist.diagnostics import (
    MAX_BUNDLE_BYTES,
    MAX_ITEMS,
    Bundle,
    Collected,
    Confirmed,
    Draft,
    Item,
    NotShown,
    Section,
    State,
    Value,
    fitted,
    messages,
    read_bundle,
)
from remote_assist.diagnostics_diff import Change, Kind, differences
from remote_assist.diagnostics_texts import change_text, key_text, section_text, state_text, value_text
from remote_assist.messages import Malformed

MADE = "2026-11-22T23:00:00Z"


def section(name: str, state: State = State.OK, **lines: Value) -> Section:
    return Section(name, state, tuple(Item(key.replace("__", ":"), value) for key, value in lines.items()))


def bundle(*sections: Section) -> Bundle:
    return fitted(MADE, "linux", sections)


SMALL = bundle(
    section("os", os="Debian", cores=2), section("printers", State.ABSENT), section("events", event__a="boom", b=None)
)


def arrived(confirmed: Confirmed) -> Bundle:
    """What the agent's end reads of what leaves."""
    collected = Collected()
    for raw in messages(confirmed, 7):
        assert collected.take(bulk.decode(DIAG, raw))
    return collected.finish(confirmed.sha256)


def test_what_is_shown_is_what_arrives() -> None:
    """Byte for byte, as text with one value a line."""
    draft = Draft(SMALL)
    text = draft.payload.decode()
    assert '\n  {"key":"os","value":"Debian"},\n' in text
    assert json.loads(text)["sections"][1] == {
        "name": "printers",
        "state": "absent",
        "struck": 0,
        "cut": False,
        "items": [],
    }
    confirmed = draft.confirm(draft.payload)
    assert confirmed.payload == draft.payload
    assert arrived(confirmed) == SMALL


def test_what_was_struck_is_not_in_what_leaves_but_that_it_was_is() -> None:
    """The agent knows that something was kept back, never what; a struck section does not say whether it was empty."""
    draft = Draft(SMALL).strike("os", 0).strike_section("printers").strike_section("events")
    found = arrived(draft.confirm(draft.payload))
    assert found.section("os") == Section("os", State.OK, (Item("cores", 2),), struck=1)
    assert found.section("printers") == Section("printers", State.STRUCK)
    assert found.section("events") == Section("events", State.STRUCK)
    assert b"Debian" not in draft.payload
    assert b"boom" not in draft.payload
    again = draft.put_back("os", 0).put_section_back("printers").put_section_back("events")
    assert again.payload == Draft(SMALL).payload
    assert draft.strike("none", 9).payload == draft.payload


def test_nothing_leaves_that_was_not_shown() -> None:
    """Neither the text before a stroke, nor one that somebody made up, nor bytes changed after the customer's word."""
    draft = Draft(SMALL)
    with pytest.raises(NotShown):
        draft.strike("os", 0).confirm(draft.payload)
    with pytest.raises(NotShown):
        draft.confirm(b"{}")
    with pytest.raises(NotShown):
        list(messages(Confirmed(b"other", draft.confirm(draft.payload).sha256), 1))


def test_a_bundle_is_cut_to_its_size_from_the_end_of_what_is_largest() -> None:
    """And says so; small sections stay whole, and the largest bundle passes all checks of the other end."""
    long = tuple(Item(f"log:{at}" + "k" * 180, "가" * 500) for at in range(MAX_ITEMS))
    made = bundle(section("os", os="x"), *(Section(name, State.OK, long) for name in ("log", "events", "more")))
    payload = Draft(made).payload
    assert len(payload) <= MAX_BUNDLE_BYTES
    assert {each.name for each in made.sections if each.cut} >= {"events"}
    assert made.sections[0] == section("os", os="x")
    assert all(each.items == long[: len(each.items)] for each in made.sections[1:])
    assert all(each.cut == (len(each.items) < len(long)) for each in made.sections[1:])
    assert arrived(Draft(made).confirm(payload)) == made
    struck = Draft(made).strike_section("os")
    assert len(struck.payload) <= MAX_BUNDLE_BYTES


def test_a_bundle_goes_on_after_a_reconnect() -> None:
    """From the offset that the other end has; pieces from elsewhere change nothing."""
    draft = Draft(bundle(Section("log", State.OK, tuple(Item(f"l{at}", "x" * 400) for at in range(100)))))
    confirmed = draft.confirm(draft.payload)
    collected = Collected()
    first = next(messages(confirmed, 1))
    assert collected.take(bulk.decode(DIAG, first))
    assert not collected.take(bulk.decode(DIAG, first))
    for raw in messages(confirmed, 1, collected.offset):
        assert collected.take(bulk.decode(DIAG, raw))
    assert collected.finish(confirmed.sha256) == draft.collected


def test_a_hostile_customer_gets_no_bundle_past_the_checks() -> None:
    """Too large, with a hash of something else, or with anything that a bundle does not have."""
    with pytest.raises(Malformed):
        Collected().take(Chunk(1, MAX_BUNDLE_BYTES, b"x"))
    with pytest.raises(Malformed):
        Collected().finish(bytes(32))
    with pytest.raises(Malformed):
        read_bundle(b" " * (MAX_BUNDLE_BYTES + 1))
    good: dict[str, Any] = json.loads(Draft(SMALL).payload)
    one = good["sections"][0]
    for bad in (
        {**good, "v": 2},
        {**good, "more": 1},
        {**good, "made": "yesterday"},
        {**good, "system": "Linux\n"},
        {**good, "sections": [one, one]},
        {**good, "sections": [{**one, "name": "O S"}]},
        {**good, "sections": [{**one, "struck": -1}]},
        {**good, "sections": [{**one, "state": "fine"}]},
        {**good, "sections": [{**one, "items": [{"key": "", "value": 1}]}]},
        {**good, "sections": [{**one, "items": [{"key": "a", "value": "x" * 501}]}]},
        {**good, "sections": [{**one, "items": [{"key": "a", "value": [1]}]}]},
        {**good, "sections": [{**one, "items": [{"key": "a", "value": "\u202egnp.exe"}]}]},
        {**good, "sections": [{**one, "items": [{"key": "a\n", "value": 1}]}]},
        {**good, "sections": [{**one, "items": [{"key": "a", "value": "x\u2028y"}]}]},
        {**good, "sections": [{**one, "items": [{"key": "a", "value": "\u3164"}]}]},
        {**good, "sections": [{**one, "items": [{"key": "a", "value": 1}] * (MAX_ITEMS + 1)}]},
    ):
        with pytest.raises(Malformed):
            read_bundle(json.dumps(bad).encode())
    assert read_bundle(json.dumps(good).encode()) == SMALL


@pytest.mark.parametrize("raw", [b"[" * 1_000_000, b'{"a":' * 300_000, b'{"v":1,"sections":' + b"[" * 500_000])
def test_nesting_without_end_is_no_bundle(raw: bytes) -> None:
    """However deep: it neither fills memory nor ends the program that reads it."""
    with pytest.raises(Malformed):
        read_bundle(raw)


@settings(max_examples=60)
@given(st.binary(max_size=80))
def test_any_bytes_are_a_bundle_or_malformed_and_nothing_else(raw: bytes) -> None:
    """No other error reaches whoever reads."""
    payload = Draft(SMALL).payload
    for data in (raw, payload[: len(raw) * 5] + raw, raw + payload):
        try:
            read_bundle(data)
        except Malformed:
            continue
        assert msgspec.json.decode(data)


VALUES = st.one_of(
    st.integers(-(2**53), 2**53), st.booleans(), st.none(), st.sampled_from(["", "a", "가", "</script>"])
)
SECTIONS = st.lists(st.tuples(st.sampled_from(["a", "b", "c"]), VALUES), max_size=6)


@settings(max_examples=60)
@given(st.dictionaries(st.sampled_from(["os", "log", "events"]), SECTIONS, max_size=3), st.data())
def test_whatever_is_struck_the_text_is_what_arrives_and_nothing_struck_is_in_it(
    content: dict[str, list[tuple[str, Value]]], data: st.DataObject
) -> None:
    """In any combination."""
    made = bundle(*(Section(name, State.OK, tuple(Item(k, v) for k, v in lines)) for name, lines in content.items()))
    draft = Draft(made)
    for each in made.sections:
        for at in range(len(each.items)):
            draft = draft.strike(each.name, at) if data.draw(st.booleans()) else draft
        draft = draft.strike_section(each.name) if data.draw(st.integers(0, 4)) == 0 else draft
    found = arrived(draft.confirm(draft.payload))
    for each in made.sections:
        kept = found.section(each.name)
        assert kept is not None
        if each.name not in draft.struck_sections:
            expected = [i for at, i in enumerate(each.items) if (each.name, at) not in draft.struck_items]
            assert list(kept.items) == expected
            assert kept.struck == len(each.items) - len(expected)
        else:
            assert kept.items == ()


def test_the_ticket_shows_what_changed_since_the_last_bundle() -> None:
    """New, gone, other; numbers that always move only when they moved much."""
    old = bundle(
        section("software", software__a="1.0", software__b="2.0"),
        section("disks", disk__free="x"),
        Section("memory", State.OK, (Item("memory.available_mb", 1000), Item("memory.total_mb", 8000))),
        Section("processes", State.OK, (Item("process:x", "1 x, 5 MB"), Item("process:y", "1 x, 1 MB"))),
    )
    new = bundle(
        section("software", software__a="1.1", software__c="3.0"),
        Section("memory", State.OK, (Item("memory.available_mb", 900), Item("memory.total_mb", 8001))),
        Section("processes", State.OK, (Item("process:x", "9 x, 500 MB"),)),
        section("hosts", host="ok"),
    )
    assert differences(old, new) == (
        Change(Kind.CHANGED, "software", "software:a", "1.0", "1.1"),
        Change(Kind.ADDED, "software", "software:c", None, "3.0"),
        Change(Kind.REMOVED, "software", "software:b", "2.0", None),
        Change(Kind.CHANGED, "memory", "memory.total_mb", 8000, 8001),
        Change(Kind.REMOVED, "processes", "process:y", "1 x, 1 MB", None),
    )
    assert differences(old, old) == ()
    much = bundle(Section("memory", State.OK, (Item("memory.available_mb", 100),)))
    assert Change(Kind.CHANGED, "memory", "memory.available_mb", 1000, 100) in differences(old, much)


@pytest.mark.parametrize("state", [State.TIMEOUT, State.FAILED, State.STRUCK])
def test_what_one_bundle_does_not_know_is_neither_gone_nor_new(state: State) -> None:
    """Not found in time, struck or cut: only what both know is compared."""
    full = bundle(section("software", a="1", b="2"))
    part = bundle(Section("software", state, (Item("a", "9"),)))
    struck = bundle(Section("software", State.OK, (Item("a", "9"),), struck=1))
    cut = bundle(Section("software", State.OK, (Item("a", "9"),), cut=True))
    for less in (part, struck, cut):
        assert differences(full, less) == (Change(Kind.CHANGED, "software", "a", "1", "9"),)
        assert differences(less, full) == (Change(Kind.CHANGED, "software", "a", "9", "1"),)


def test_people_read_what_a_line_is_about_in_their_language() -> None:
    """What no word is known for shows as it is."""
    set_language("en")
    assert section_text("disks") == "Drives"
    assert section_text("new_one") == "new_one"
    assert key_text("disk.free_gb:/home/{x}") == "Free on /home/{x} (GB)"
    assert key_text("process:bash") == "bash"
    assert key_text("whatever") == "whatever"
    assert value_text("network.proxy", True) == "yes"
    assert value_text("desktop", "") == "–"
    assert value_text("host:a:443", "refused") == "connection refused"
    assert value_text("os", "refused") == "refused"
    assert state_text(State.OK) == ""
    assert change_text(Change(Kind.CHANGED, "os", "os", "{1}", "2")) == "System: {1}, now 2"
    assert change_text(Change(Kind.ADDED, "software", "software:a", None, "2")) == "New: a: 2"
    set_language("ko")
    assert section_text("printers") == "프린터"
    assert state_text(State.ABSENT).endswith("습니다.")
    set_language("en")
