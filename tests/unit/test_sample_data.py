# SPDX-License-Identifier: GPL-3.0-or-later
"""The sample data set: exact, consistent, always the same, and of nobody real."""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter, defaultdict

import pytest

from app.domain.changes import Row, preview_of
from app.domain.documents import SignedDocument
from app.domain.entities import (
    ASSET,
    BY_NUMBER,
    CONTACT_ADDRESS,
    CUSTOMER,
    ENTITLEMENT,
    HISTORY,
    LIVE,
    MEMBERSHIP,
    MESSAGE,
    NOTE,
    ORGANISATION,
    REF_SCOPE,
    SESSION_RECORD,
    STATE,
    TICKET,
    USER,
    Category,
    FieldType,
    Value,
    customer_scope,
    team_scope,
)
from app.domain.signed import unb64
from app.domain.sla_rows import PAUSED, Book, clock_of, due_columns
from app.services.sample_data import DEFAULT_AS_OF_MS, SampleRow, SampleSet, demo_persona, generate
from app.services.sample_data.phrases import PROBLEMS_PER_AREA, load_grammar
from remote_assist.chain import ChainReader
from tests.fakes.rows import MemoryRows

# changes whenever a single byte of `small` does: then say so in the change log and put the new one here
SMALL_SHA256 = "7d5107e5c8fa791ea8fe569a8b7dde58b2f4243d0c7352b580fa9f2f32a5f096"
CLOCK_LINES = frozenset({"policy", "customer", "reply", "notice"})
ADDRESS = re.compile(r"[\w.+-]+@[\w.-]+")
PHONE = re.compile(r"(?<![\d-])(?:\+82\d{1,2}|0\d{1,2})[-\s]?\d{3,4}[-\s]?\d{4}(?![\d-])")


def _whole(value: Value) -> int:
    assert isinstance(value, int)
    return value


def _raw(value: Value) -> bytes:
    assert isinstance(value, bytes)
    return value


class Rows:
    """The rows of a data set, by entity and by id."""

    def __init__(self, rows: list[SampleRow]) -> None:
        self.all = rows
        self.by_id = {row.id: row for row in rows}
        self.by_type: dict[int, list[SampleRow]] = defaultdict(list)
        self.of_ticket: dict[tuple[int, bytes], list[SampleRow]] = defaultdict(list)
        for row in rows:
            self.by_type[row.type].append(row)
            if row.type in {MESSAGE.number, NOTE.number, SESSION_RECORD.number}:
                self.of_ticket[row.type, _raw(row.values["ticket"])].append(row)

    def category(self, ticket: SampleRow) -> Category:
        """Return the category of a ticket's state."""
        return Category(str(self.by_id[_raw(ticket.values["state"])].values["category"]))


@pytest.fixture(scope="module")
def small() -> Rows:
    """All rows of the smallest set."""
    return Rows(list(generate("small")))


def test_the_same_seed_always_gives_the_same_rows(small: Rows) -> None:
    """Every byte of `small` is pinned, so a change of the generator cannot go unseen."""
    digest = hashlib.sha256()
    for row in small.all:
        digest.update(repr((row.type, row.id, row.scope_id, sorted(row.values.items()))).encode())
    assert digest.hexdigest() == SMALL_SHA256


def test_what_a_ticket_says_of_its_dues_is_what_its_lines_say(small: Rows) -> None:
    """Lists sort by what the clock says; some are paused, some in time, some late, and closed ones have no due."""
    shelf = MemoryRows()
    for row in small.all:
        shelf.put(Row(row.type, row.id, row.scope_id, row.values))
    book, found = Book(shelf), Counter[str | None]()
    by_ticket = defaultdict[bytes, list[Row]](list)
    for line in small.by_type[HISTORY.number]:
        by_ticket[_raw(line.values["subject"])].append(Row(line.type, line.id, line.scope_id, line.values))
    for ticket in small.by_type[TICKET.number]:
        due = due_columns(clock_of(by_ticket[ticket.id], book, DEFAULT_AS_OF_MS))
        assert due == {name: ticket.values[name] for name in due}
        assert small.category(ticket) in LIVE or due["due_target"] is None
        found[str(due["due_target"])] += 1
    assert set(found) == {"None", "first", "next", "resolution", PAUSED}


def test_another_seed_gives_other_people_and_as_many_tickets() -> None:
    """The seed changes the contents, never the totals."""
    rows = Rows(list(generate("small", seed=7)))
    assert len(rows.by_type[TICKET.number]) == 300
    assert len(rows.by_type[MESSAGE.number]) + len(rows.by_type[NOTE.number]) == 1_200


def test_totals_are_exact(small: Rows) -> None:
    """300 tickets numbered 1 to 300 in order of creation, 1,200 messages and notes, 120 customers, 6 agents."""
    tickets = small.by_type[TICKET.number]
    assert [t.values["number"] for t in tickets] == list(range(1, 301))
    created = [_whole(t.values["created_at"]) for t in tickets]
    assert created == sorted(created)
    assert len(small.by_type[MESSAGE.number]) + len(small.by_type[NOTE.number]) == 1_200
    assert len(small.by_type[CUSTOMER.number]) == 120
    assert len(small.by_type[USER.number]) == 6
    # those of the clock come on top, for tickets that are younger than the policies
    lines = [line for line in small.by_type[HISTORY.number] if line.values["kind"] not in CLOCK_LINES]
    assert 2.2 <= len(lines) / len(tickets) <= 3.6


def test_the_demo_set_has_five_thousand_tickets_and_twenty_thousand_items() -> None:
    """The plan alone settles the totals, whatever the moment."""
    for as_of_ms in (DEFAULT_AS_OF_MS, DEFAULT_AS_OF_MS + 86_400_000 * 53 + 41_234_000):
        sample = SampleSet("demo", as_of_ms=as_of_ms)
        messages = sum(len(sample.plan.timeline(i).times) for i in range(5_000))
        assert messages + sum(sample.plan.notes) == 20_000
        assert len(sample.plan.arrivals.opened_ms) == 5_000


def test_every_reference_resolves_to_an_earlier_row(small: Rows) -> None:
    """Parents come before children, so a store can check as it reads."""
    seen: set[bytes] = set()
    for row in small.all:
        for field in BY_NUMBER[row.type].fields:
            value = row.values.get(field.name)
            if field.type is FieldType.ID and value is not None:
                assert value in seen, (BY_NUMBER[row.type].name, field.name)
        assert row.id not in seen
        seen.add(row.id)


def test_rows_hold_the_columns_of_their_entity_in_the_right_types(small: Rows) -> None:
    """Nothing missing, nothing more; JSON columns are canonical JSON."""
    kinds: dict[FieldType, type | tuple[type, ...]] = {
        FieldType.ID: bytes, FieldType.BYTES: bytes, FieldType.TEXT: str, FieldType.JSON: str, FieldType.INT: int,
        FieldType.TIME: int, FieldType.BOOL: bool,
    }  # fmt: skip
    for row in small.all:
        entity = BY_NUMBER[row.type]
        assert set(row.values) == set(entity.columns), entity.name
        for field in entity.fields:
            value = row.values[field.name]
            assert value is None or isinstance(value, kinds[field.type]), (entity.name, field.name)
            if field.type is FieldType.JSON and isinstance(value, str):
                again = json.dumps(json.loads(value), ensure_ascii=False, sort_keys=True, separators=(",", ":"))
                assert value == again


def test_rows_live_in_the_scope_that_sync_expects(small: Rows) -> None:
    """A ticket and its children share the team's scope; customers' rows their bucket; the rest is shared."""
    for row in small.all:
        values = row.values
        if row.type == TICKET.number:
            assert row.scope_id == team_scope(_raw(values["team"]))
        elif row.type in {MESSAGE.number, NOTE.number, SESSION_RECORD.number}:
            assert row.scope_id == small.by_id[_raw(values["ticket"])].scope_id
        elif row.type in {HISTORY.number, MEMBERSHIP.number}:
            assert row.scope_id == small.by_id[_raw(values["subject"])].scope_id
        elif row.type in {CUSTOMER.number, ORGANISATION.number}:
            assert row.scope_id == customer_scope(row.id)
        elif row.type == CONTACT_ADDRESS.number:
            assert row.scope_id == customer_scope(_raw(values["customer"]))
        elif row.type == ASSET.number:
            assert row.scope_id == customer_scope(_raw(values["owner"]))
        elif row.type == ENTITLEMENT.number:
            assert row.scope_id == small.by_id[_raw(values["owner"])].scope_id
        else:
            assert row.scope_id == REF_SCOPE


def test_what_a_ticket_says_of_its_messages_is_true(small: Rows) -> None:
    """Counts, last times and preview follow from the messages and notes."""
    for ticket in small.by_type[TICKET.number]:
        messages = small.of_ticket[MESSAGE.number, ticket.id]
        notes = small.of_ticket[NOTE.number, ticket.id]
        numbers = [_whole(m.values["msg_no"]) for m in messages]
        assert numbers == list(range(1, len(messages) + 1))
        side = {d: [n for n, m in zip(numbers, messages, strict=True) if m.values["direction"] == d]
                for d in ("in", "out")}  # fmt: skip
        assert ticket.values["msg_seq"] == len(messages)
        assert ticket.values["last_in_no"] == max(side["in"], default=0)
        assert ticket.values["last_out_no"] == max(side["out"], default=0)
        assert ticket.values["last_at"] == max(_whole(r.values["created_at"]) for r in (*messages, *notes))
        quoted = json.loads(str(messages[-1].values["quoted_ranges"]))
        own = str(messages[-1].values["body"])[: quoted[0][0] if quoted else None]
        assert ticket.values["preview"] == preview_of(own)


def test_states_fit_the_conversations(small: Rows) -> None:
    """Who waits for the customer has been answered; who is solved was answered or names a reason; new has no owner."""
    found: Counter[Category] = Counter()
    for ticket in small.by_type[TICKET.number]:
        category = small.category(ticket)
        found[category] += 1
        values = ticket.values
        answered = _whole(values["last_out_no"]) > _whole(values["last_in_no"])
        if category is Category.WAITING_CUSTOMER:
            assert answered
        if category in {Category.SOLVED, Category.CLOSED}:
            assert answered or values["close_reason"]
        if category is Category.NEW:
            assert values["owner"] is None
            assert values["last_out_no"] == 0
        assert (values["merged_into"] is not None) == (category is Category.MERGED)
    assert sum(found[c] for c in LIVE) >= 30
    assert {Category.NEW, Category.OPEN, Category.WAITING_CUSTOMER, Category.SOLVED, Category.CLOSED} <= set(found)


def test_the_last_line_about_the_state_names_the_ticket_s_state(small: Rows) -> None:
    """The history ends where the ticket stands."""
    last: dict[bytes, str] = {}
    for line in small.by_type[HISTORY.number]:
        data = json.loads(str(line.values["data"]))
        if line.values["kind"] == "state" or data.get("field") == "state":
            last[_raw(line.values["subject"])] = data["new"]
    for ticket in small.by_type[TICKET.number]:
        if ticket.id in last:
            assert last[ticket.id] == _raw(ticket.values["state"]).hex()
        else:
            assert small.category(ticket) is Category.NEW


def test_nothing_happens_after_the_moment_of_the_snapshot(small: Rows) -> None:
    """Messages, notes and history all lie before `--as-of`, in order, none before its ticket."""
    for row in small.all:
        if row.type in {TICKET.number, MESSAGE.number, NOTE.number, HISTORY.number, SESSION_RECORD.number}:
            assert _whole(row.values["created_at"]) < DEFAULT_AS_OF_MS
    for ticket in small.by_type[TICKET.number]:
        times = [_whole(m.values["created_at"]) for m in small.of_ticket[MESSAGE.number, ticket.id]]
        assert times == sorted(times)
        assert times[0] == ticket.values["created_at"]


READ_BY_PEOPLE = ("subject", "body", "html", "preview", "name", "value", "note", "signature", "phone", "mail",
                  "participants")  # fmt: skip


def _texts(rows: Rows) -> str:
    return "\n".join(
        str(row.values[c]) for row in rows.all for c in READ_BY_PEOPLE if isinstance(row.values.get(c), str)
    )


def test_no_mail_or_phone_can_reach_anyone(small: Rows) -> None:
    """Mail ends in a reserved domain; phones are 010-0000-NNNN."""
    text = _texts(small)
    found = set(ADDRESS.findall(text))
    assert len(found) > 100
    assert {a.rsplit("@", 1)[1].rstrip(".") for a in found} <= {"example.com", "example.net", "example.org"}
    phones = set(PHONE.findall(text))
    assert len(phones) > 100
    assert all(re.fullmatch(r"010-0000-\d{4}|\+82100000\d{4}", p) for p in phones), phones


def test_every_company_says_that_it_is_invented(small: Rows) -> None:
    """Names of organisations end in the mark."""
    names = [str(o.values["name"]) for o in small.by_type[ORGANISATION.number]]
    assert len(set(names)) == len(names)
    assert all(name.endswith(("(가상)", "(fictional)")) for name in names)


def test_no_placeholder_or_particle_mark_is_left_in_a_text(small: Rows) -> None:
    """`{model}` or `(을)` in a ticket would give the grammar away."""
    for row in small.all:
        if row.type in {TICKET.number, MESSAGE.number, NOTE.number}:
            text = str(row.values.get("subject") or "") + str(row.values.get("body") or "")
            assert not re.search(r"\{\w+\}|\((?:은|이|을|과|으로|이라|이나|아)\)", text), text


def test_customers_serials_and_addresses_are_unique(small: Rows) -> None:
    """(kind, value) of addresses and (product, serial) of assets are keys."""
    addresses = [(a.values["kind"], a.values["value"]) for a in small.by_type[CONTACT_ADDRESS.number]]
    serials = [(a.values["product"], a.values["serial"]) for a in small.by_type[ASSET.number]]
    assert len(set(addresses)) == len(addresses)
    assert len(set(serials)) == len(serials)
    past = sum(str(a.values["warranty_until"]) < "2026-03-31" for a in small.by_type[ASSET.number])
    assert 0.1 < past / len(serials) < 0.3


def test_quoted_ranges_point_at_the_earlier_conversation(small: Rows) -> None:
    """What is folded begins with the line above the quotation and reaches the end of the text."""
    quoted = [m for m in small.by_type[MESSAGE.number] if m.values["quoted_ranges"] != "[]"]
    assert len(quoted) > 20
    for message in quoted:
        body = str(message.values["body"])
        ((start, end),) = json.loads(str(message.values["quoted_ranges"]))
        assert end == len(body)
        assert "\n> " in body[start:end]
        assert "<blockquote>" in str(message.values["html"])


def test_session_records_are_chains_that_verify(small: Rows) -> None:
    """A record reads like a real one: the entries follow each other and end with who, when and how long."""
    chains: dict[bytes, list[SampleRow]] = defaultdict(list)
    for record in small.by_type[SESSION_RECORD.number]:
        chains[_raw(record.values["sid"])].append(record)
    assert chains
    for entries in chains.values():
        first = json.loads(SignedDocument.from_text(str(entries[0].values["entry"])).document)
        reader = ChainReader(unb64(first["data"]["session_key"]), unb64(first["prev"]))
        for record in entries:
            assert reader.accept(str(record.values["entry"])).hash == record.values["entry_hash"]
        kinds = [str(r.values["kind"]) for r in entries]
        assert kinds == ["joined", "prompted", "consent", "grant", "sas", "end"]
        assert reader.entries[-1].data["duration_ms"] > 0


def test_the_demo_customer_is_found_without_making_the_rows() -> None:
    """Korean, three covered products, an open ticket of the first agent, three earlier ones."""
    rows = Rows(list(generate("small")))
    persona = demo_persona("small")
    ticket = rows.by_id[persona.ticket]
    assert rows.category(ticket) is Category.OPEN
    assert ticket.values["number"] == persona.ticket_number
    assert ticket.values["customer"] == persona.customer
    assert ticket.values["team"] == persona.team
    assert ticket.values["owner"] == persona.owner == SampleSet("small").accounts[0].id
    assert ticket.scope_id == persona.scope_id
    assert _whole(ticket.values["created_at"]) > DEFAULT_AS_OF_MS - 4 * 86_400_000
    assert rows.by_id[persona.customer].values["language"] == "ko"
    covered = {_raw(e.values["owner"]) for e in rows.by_type[ENTITLEMENT.number]
               if str(e.values["valid_until"]) > "2026-03-31"}  # fmt: skip
    assert len(persona.assets) >= 2
    assert set(persona.assets) <= covered
    assert len(persona.earlier_tickets) >= 3
    assert all(rows.by_id[t].values["customer"] == persona.customer for t in persona.earlier_tickets)


def test_the_first_agent_is_in_every_team(small: Rows) -> None:
    """So the demo's client gets every ticket."""
    sample = SampleSet("small")
    assert sample.accounts[0].login == "agent1"
    assert set(sample.accounts[0].teams) == {t.values["team"] for t in small.by_type[TICKET.number]}


def test_every_area_has_forty_problems_in_korean_and_english() -> None:
    """Twelve areas; a tenth of the problems also in Japanese and Chinese."""
    grammar = load_grammar()
    assert len(grammar.areas) == 12
    for area in grammar.areas:
        assert len(area.problems) == PROBLEMS_PER_AREA
        assert len({p.subject["ko"] for p in area.problems}) == PROBLEMS_PER_AREA
        assert len({p.subject["en"] for p in area.problems}) == PROBLEMS_PER_AREA
        assert len(area.in_language["ja"]) == len(area.in_language["zh"]) == PROBLEMS_PER_AREA // 10


def test_seeded_states_have_one_name_per_category_in_both_languages(small: Rows) -> None:
    """Rules look at the category; people read the names."""
    states = small.by_type[STATE.number]
    assert [s.values["category"] for s in states] == [c.value for c in Category]
    assert all(s.values["name_ko"] and s.values["name_en"] for s in states)
