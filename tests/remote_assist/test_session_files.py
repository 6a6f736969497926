# SPDX-License-Identifier: GPL-3.0-or-later
"""A file in each direction, from the offer to the receipt, and everything that may come between. Threat 11."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.domain.assist import WHY_MAX, AskState, EndReason, Phase, Scope
from app.domain.documents import SignedDocument
from app.domain.session_files import FileStep
from remote_assist import child_protocol as child
from remote_assist import messages as wire
from remote_assist.actions import ChainEntry, Receipt, ScopeSettled, ToChild
from remote_assist.chain import verify_receipt
from remote_assist.file_actions import AskFile, DropFile, FileAction, FileBytes
from remote_assist.files import MAX_OFFERS
from remote_assist.grants import ASK_MAX
from tests.remote_assist.file_world import FileWorld
from tests.remote_assist.world import Side

BIG = bytes(range(256)) * 4_000  # sixty-three pieces
TO_CUSTOMER, TO_AGENT = Scope.FILES_TO_CUSTOMER, Scope.FILES_TO_AGENT


@pytest.fixture
def world(tmp_path: Path) -> FileWorld:
    world = FileWorld(tmp_path)
    world.to_verified()
    return world


def data_of(entry: ChainEntry) -> dict[str, object]:
    found: dict[str, object] = json.loads(SignedDocument.from_text(entry.text).document)["data"]
    return found


def file_results(world: FileWorld) -> list[object]:
    """What the record says of files, in order."""
    return [data_of(entry)["result"] for entry in world.customer.of(ChainEntry) if entry.type == "file"]


def halfway(world: FileWorld, side: Side, pieces: int = 20) -> None:
    """Let some pieces pass and hold the rest back."""
    world.stopped = True
    for _ in range(pieces):
        world.desks[side.name].read_on()
        world._report()
        world.settle()


# --- to the customer -------------------------------------------------------------------------------------------------


@pytest.mark.ux("UX-36")
def test_a_file_of_the_agent_comes_whole_after_the_customers_yes_and_only_then(world: FileWorld) -> None:
    """Name, size and direction are asked; the record stands before the first byte; the grant is for this file alone."""
    offer = world.offer("driver notes.pdf", BIG)
    assert world.question.offer == offer
    assert world.question.deadline_ms == world.clock.monotonic_ms() + 120_000
    assert not world.received(world.customer)
    actions = world.customer_end.take_file(offer.id)
    kinds = [type(action).__name__ for action in actions]
    assert kinds.index("ChainEntry") < kinds.index("ToChild") < kinds.index("TakeFile")
    world.do(world.customer, actions)
    assert world.received(world.customer) == {"driver notes.pdf": BIG}
    assert world.result(world.customer) == world.result(world.agent) == ""
    assert world.customer.end.view.grants == world.agent.end.view.grants == (Scope.VIEW,)
    assert world.customer.entries()[-3:] == ["grant", "file", "file"]
    entry = data_of(world.customer.last(ChainEntry))
    assert entry == {"name": "driver notes.pdf", "size": len(BIG), "direction": "to_customer", "result": "whole"}
    ask = next(ask for ask in world.agent.end.view.asks if ask.scope is TO_CUSTOMER)
    assert (ask.state, ask.revoked) == (AskState.POSSIBLE, False)


def test_the_customer_reads_the_agents_reason_for_a_file(world: FileWorld) -> None:
    """In the agent's own words, cut to the length of other reasons."""
    offer = world.prepare(world.agent, "driver.pdf", b"how to")
    world.do(world.agent, world.agent_end.offer_file(offer, "r" * 1000))
    asked = world.customer.last(AskFile)
    assert (asked.offer.name, asked.why) == ("driver.pdf", "r" * WHY_MAX)
    said = [unpacked(action) for action in world.agent.of(ToChild)]
    assert [message["why"] for message in said if message.get("t") == "fileoffer"] == ["r" * WHY_MAX]


def unpacked(action: ToChild) -> dict[str, object]:
    """What an end says on `ctl`, as it travels."""
    message = action.message
    if not isinstance(message, child.Send) or message.channel != "ctl":
        return {}
    found: dict[str, object] = json.loads(message.data)
    return found


def test_a_file_of_the_customer_goes_only_if_picked_and_confirmed_by_the_customer(world: FileWorld) -> None:
    """The agent asks; without a picked file nothing is granted, with one exactly that file comes."""
    offer = world.asked_for("error.log", BIG)
    world.do(world.customer, world.customer_end.grant(TO_AGENT))
    assert TO_AGENT not in world.customer.end.view.grants
    world.give(offer)
    assert world.received(world.agent) == {"error.log": BIG}
    assert world.result(world.customer) == world.result(world.agent) == ""
    assert file_results(world) == ["allowed", "whole"]
    assert world.customer.end.view.grants == (Scope.VIEW,)


def test_files_may_follow_each_other_as_often_as_the_customer_says_yes(world: FileWorld) -> None:
    """Only what was refused counts towards the three times."""
    for number in range(ASK_MAX + 2):
        offer = world.offer(f"part {number}.txt", b"x" * number)
        world.take(offer.id)
    assert len(world.received(world.customer)) == ASK_MAX + 2
    assert world.received(world.customer)["part 0.txt"] == b""


def test_a_name_that_is_taken_is_never_overwritten(world: FileWorld) -> None:
    """The second one gets a number."""
    for content in (b"first", b"second"):
        world.take(world.offer("a.txt", content).id)
    assert world.received(world.customer) == {"a (2).txt": b"second", "a.txt": b"first"}


@pytest.mark.parametrize("silent", [False, True], ids=["no", "silence"])
def test_a_no_and_silence_let_nothing_through(world: FileWorld, silent: bool) -> None:
    """And the record tells the two apart."""
    offer = world.offer("a.txt", b"1")
    if silent:
        world.pass_time(120_000, step_ms=1_000)
    else:
        world.do(world.customer, world.customer_end.refuse_scope(TO_CUSTOMER))
    assert world.customer.of(ScopeSettled)
    world.take(offer.id)
    assert not world.received(world.customer)
    assert file_results(world) == ["no_answer" if silent else "refused"]
    assert world.result(world.agent) == ("no_answer" if silent else "refused")
    assert not world.agent_end.may_offer_file
    world.pass_time(31_000, step_ms=1_000)
    assert world.agent_end.may_offer_file


@pytest.mark.parametrize("to_agent", [False, True], ids=["take", "give"])
def test_a_click_on_a_files_question_after_the_time_is_over_moves_nothing(world: FileWorld, to_agent: bool) -> None:
    """Silence has answered before, whatever the timer of the window did."""
    offer = world.asked_for("error.log", b"1") if to_agent else world.offer("a.txt", b"1")
    grants = world.customer.entries().count("grant")
    world.fake_clock.ms += 120_000
    if to_agent:
        world.give(offer)
    else:
        world.take(offer.id)
    assert not world.received(world.agent if to_agent else world.customer)
    assert world.customer.entries().count("grant") == grants
    assert world.customer.of(ScopeSettled)


def test_the_agent_can_take_an_offer_back(world: FileWorld) -> None:
    """The question goes, and a click that comes too late takes nothing."""
    offer = world.offer("a.txt", b"1")
    world.do(world.agent, world.agent_end.cancel_file(offer.id))
    assert world.customer.last(ScopeSettled).scope is TO_CUSTOMER
    world.take(offer.id)
    assert not world.received(world.customer)
    assert world.agent_end.may_offer_file


def test_before_the_check_number_no_file_is_asked_for(tmp_path: Path) -> None:
    """Verified only."""
    world = FileWorld(tmp_path)
    world.to_live()
    world.offer("a.txt", b"1")
    raw = {"t": "fileoffer", "id": 2, "name": "a.txt", "size": 1, "sha256": "0" * 64}
    world.do(world.customer, world.customer_end.on_child(child.Recv("ctl", raw)))
    assert not world.customer.of(AskFile)
    assert world.customer.entries()[-1] == "refusal"


# --- programs --------------------------------------------------------------------------------------------------------


def test_a_program_is_not_even_asked_about_where_policy_lets_none_in(world: FileWorld) -> None:
    """The agent reads why."""
    world.offer("setup.exe", b"MZ")
    assert not world.customer.of(AskFile)
    assert world.result(world.agent) == "program_refused"
    assert file_results(world) == ["program_refused"]
    assert world.agent_end.may_offer_file


def test_a_program_needs_policy_and_the_second_warning(tmp_path: Path) -> None:
    """A click without the second warning is a no."""
    world = FileWorld(tmp_path, programs=True)
    world.to_verified()
    world.take(world.offer("setup.exe", b"MZ").id)
    assert world.result(world.customer) == "refused"
    world.pass_time(31_000, step_ms=1_000)
    world.take(world.offer("setup.exe", b"MZ").id, warned=True)
    assert world.received(world.customer) == {"setup.exe": b"MZ"}


def test_a_program_under_a_harmless_name_is_stopped_by_its_first_bytes(world: FileWorld) -> None:
    """Nothing half remains."""
    world.take(world.offer("invoice.pdf", b"\x7fELF" + bytes(100)).id)
    assert world.result(world.customer) == world.result(world.agent) == "disguised_program"
    assert not world.received(world.customer)


def test_the_agent_takes_no_programs_either(world: FileWorld) -> None:
    """Nobody at the agent's computer has chosen them."""
    world.give(world.asked_for("tool.exe", b"MZ"))
    assert not world.received(world.agent)
    assert world.result(world.customer) == world.result(world.agent) == "program_refused"


@pytest.mark.parametrize(
    "name", ["../../.bashrc", "/etc/passwd", "..\\..\\boot.ini", "CON", ".hidden", "a\u202egnp.exe\x00.txt", "x" * 255]
)
def test_whatever_the_agent_calls_it_the_file_lies_in_the_folder_of_the_ticket(world: FileWorld, name: str) -> None:
    """Threat 11, over the wire: the question shows the name it will have."""
    raw = {"t": "fileoffer", "id": 0, "name": name, "size": 0, "sha256": wire_hash(b"")}
    world.do(world.customer, world.customer_end.on_child(child.Recv("ctl", raw)))
    world.take(0)
    end = {"t": "fileend", "id": 0, "ok": True}
    world.do(world.customer, world.customer_end.on_child(child.Recv("ctl", end)))
    (found,) = world.received(world.customer)
    assert found == world.question.offer.name
    outside = [path for path in world.folder.rglob("*") if path.is_file() and path.parent.name != "4182"]
    assert not outside


def test_offers_without_end_are_neither_remembered_nor_borne(world: FileWorld) -> None:
    """After a hundred each counts as a violation, until the session ends."""
    raw = {"t": "fileoffer", "name": "x.exe", "size": 1, "sha256": wire_hash(b"x")}
    for number in range(1_000):
        world.do(world.customer, world.customer_end.on_child(child.Recv("ctl", raw | {"id": 2 * number})))
    assert len(world.customer_end._files_over) <= MAX_OFFERS
    assert "violation" in world.customer.entries()
    assert not world.customer_end.view.live


def wire_hash(content: bytes) -> str:
    import hashlib

    return hashlib.sha256(content).hexdigest()


# --- in the middle ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("towards", ["customer", "agent"])
def test_taking_the_grant_back_in_the_middle_leaves_nothing_behind(world: FileWorld, towards: str) -> None:
    """Entry, child, agent; the half file goes; later pieces are dropped without blame."""
    side = world.agent if towards == "customer" else world.customer
    world.stopped = True
    start(world, towards)
    halfway(world, side)
    world.do(world.customer, world.customer_end.revoke(TO_CUSTOMER if towards == "customer" else TO_AGENT))
    assert world.result(world.customer) == world.result(world.agent) == "revoked"
    assert world.customer.entries()[-2:] == ["revoke", "file"]
    assert not world.received(world.customer)
    assert not world.received(world.agent)
    late = child.Send("file", wire.encode(wire.FilePart(0, 0, b"late")))
    if towards == "customer":
        world._carry(world.agent, late)
        world.settle()
        assert "violation" not in world.customer.entries()


def start(world: FileWorld, towards: str) -> int:
    """A file on its way, nothing read yet."""
    if towards == "customer":
        offer = world.offer("big.log", BIG)
        world.take(offer.id)
    else:
        offer = world.asked_for("big.log", BIG)
        world.give(offer)
    return offer.id


@pytest.mark.parametrize("who", ["agent", "customer"])
@pytest.mark.parametrize("towards", ["customer", "agent"])
def test_either_person_can_stop_a_file_and_both_read_so(world: FileWorld, towards: str, who: str) -> None:
    """Sender or receiver; the next file may follow at once."""
    sender = world.agent if towards == "customer" else world.customer
    world.stopped = True
    number = start(world, towards)
    halfway(world, sender)
    side, end = (world.agent, world.agent_end) if who == "agent" else (world.customer, world.customer_end)
    world.do(side, end.cancel_file(number))
    assert world.result(world.customer) == world.result(world.agent) == "cancelled"
    assert not world.received(world.customer)
    assert not world.received(world.agent)
    world.stopped = False
    start(world, towards)
    assert world.received(world.customer if towards == "customer" else world.agent) == {"big.log": BIG}


@pytest.mark.parametrize("towards", ["customer", "agent"])
def test_a_pause_holds_the_file_and_going_on_completes_it(world: FileWorld, towards: str) -> None:
    """What was on the way when the picture was held is asked for again."""
    sender = world.agent if towards == "customer" else world.customer
    world.stopped = True
    start(world, towards)
    halfway(world, sender)
    world.do(world.customer, world.customer_end.pause())
    assert world.views(sender)[-1].step is FileStep.HELD
    assert not world.desks[sender.name].can_read
    world.stopped = False
    world.do(world.customer, world.customer_end.resume())
    assert world.received(world.customer if towards == "customer" else world.agent) == {"big.log": BIG}
    assert "violation" not in world.customer.entries()


@pytest.mark.parametrize("dies", ["agent", "customer"])
@pytest.mark.parametrize("towards", ["customer", "agent"])
def test_a_dead_child_costs_a_moment_and_the_file_goes_on_where_it_was(
    world: FileWorld, towards: str, dies: str
) -> None:
    """Resume by offset on the next connection; nothing is asked again."""
    sender = world.agent if towards == "customer" else world.customer
    world.stopped = True
    start(world, towards)
    halfway(world, sender)
    sent = world.desks[sender.name]
    world.kill_child(world.agent if dies == "agent" else world.customer)
    sent.child_has(0)
    world.stopped = False
    world.pass_time(2_000)
    assert "reconnect" in world.customer.entries()
    assert world.received(world.customer if towards == "customer" else world.agent) == {"big.log": BIG}
    assert file_results(world) == ["allowed", "whole"]
    assert len(world.customer.of(AskFile)) == (1 if towards == "customer" else 0)


def test_the_last_word_lost_with_its_connection_is_said_again(world: FileWorld) -> None:
    """The receiver has it whole, the sender asks on the next connection and hears so."""
    world.stopped = True
    start(world, "customer")
    halfway(world, world.agent, 63)
    held: list[child.FromChild] = []

    def hold() -> None:
        fake = world.agent.child
        if fake is not None:
            held.extend(m for m in fake.out if isinstance(m, child.Recv) and m.message.get("t") == "fileend")
            fake.out = [m for m in fake.out if m not in held]

    world.hold = hold
    world.stopped = False
    world.settle()
    assert world.received(world.customer) == {"big.log": BIG}
    assert held
    assert world.result(world.agent) is None
    world.hold = lambda: None
    world.kill_child(world.customer)
    world.pass_time(2_000)
    assert world.result(world.agent) == ""
    assert world.received(world.customer) == {"big.log": BIG}


def test_stop_in_the_middle_removes_what_is_half_and_says_so_in_the_record(world: FileWorld) -> None:
    """The file's entry comes before the last one."""
    world.stopped = True
    start(world, "customer")
    halfway(world, world.agent)
    world.do(world.customer, world.customer_end.stop())
    assert world.phases() == (Phase.ENDED, Phase.ENDED)
    assert world.customer.entries()[-2:] == ["file", "end"]
    assert file_results(world)[-1] == "ended"
    assert not world.received(world.customer)
    assert verify_receipt(world.customer.last(Receipt).data).ok


# --- what goes wrong -------------------------------------------------------------------------------------------------


def test_a_file_that_changes_while_it_is_sent_does_not_arrive(world: FileWorld) -> None:
    """Never a mixture of two versions."""
    world.stopped = True
    start(world, "customer")
    halfway(world, world.agent)
    (world.folder / "own-agent" / "big.log").write_bytes(b"another")
    world.stopped = False
    world.settle()
    assert world.result(world.agent) == world.result(world.customer) == "changed"
    assert not world.received(world.customer)


@pytest.mark.parametrize("lie", ["size", "hash", "more"])
def test_an_agents_program_that_lies_about_size_or_hash_delivers_nothing(world: FileWorld, lie: str) -> None:
    """The size is a limit, the hash is the proof."""
    content = b"x" * 100
    size = 50 if lie == "size" else 100
    digest = wire_hash(b"else") if lie == "hash" else wire_hash(content[:size])
    say(world, {"t": "fileoffer", "id": 0, "name": "a.txt", "size": size, "sha256": digest})
    world.take(0)
    said = [content] if lie != "more" else [content, b"more"]
    for number, data in enumerate(said):
        part = {"t": "file_part", "id": 0, "offset": number * 100, "data": data}
        world.do(world.customer, world.customer_end.on_child(child.Recv("file", part)))
    say(world, {"t": "fileend", "id": 0, "ok": True})
    assert world.result(world.customer) == ("hash_differs" if lie == "hash" else "too_large")
    assert not world.received(world.customer)


def say(world: FileWorld, message: dict[str, object]) -> None:
    """What a hostile agent's program would have the customer's child hand up."""
    world.do(world.customer, world.customer_end.on_child(child.Recv("ctl", message)))


def test_bytes_without_a_grant_are_violations_and_the_tenth_ends_the_session(world: FileWorld) -> None:
    """Row 10: a child that passes on everything changes nothing."""
    part = {"t": "file_part", "id": 0, "offset": 0, "data": b"x"}
    for _ in range(10):
        world.do(world.customer, world.customer_end.on_child(child.Recv("file", part)))
    assert world.customer.end.view.reason is EndReason.PROTOCOL
    assert not world.customer.of(FileBytes)


def test_a_program_that_asks_for_files_nobody_offered_breaks_the_rules(world: FileWorld) -> None:
    """`fileaccept` pulls nothing out of the customer's computer."""
    for _ in range(10):
        say(world, {"t": "fileaccept", "id": 1, "offset": 0})
    assert world.customer.end.view.reason is EndReason.PROTOCOL


def test_a_file_given_up_before_its_offer_arrived_breaks_no_rule(world: FileWorld) -> None:
    """The offer was lost with its connection: the record must not accuse the agent. There is nothing to end."""
    world.network_up = False
    offer = world.offer("a.txt", b"1")
    world.network_up = True
    world.do(world.agent, world.agent_end.cancel_file(offer.id))
    assert not world.customer.of(AskFile)
    assert "violation" not in world.customer.entries()


def test_a_file_that_came_through_without_an_offer_breaks_the_rules(world: FileWorld) -> None:
    say(world, {"t": "fileend", "id": 30, "ok": True})
    assert "violation" in world.customer.entries()


def test_a_second_file_at_the_same_time_is_turned_away(world: FileWorld) -> None:
    """One question at a time."""
    world.offer("a.txt", b"1")
    say(world, {"t": "fileoffer", "id": 40, "name": "b.txt", "size": 1, "sha256": "0" * 64})
    assert len(world.customer.of(AskFile)) == 1


def test_a_full_disk_ends_the_file_at_both_ends(world: FileWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    """And the session goes on."""
    monkeypatch.setattr("remote_assist.file_folder.TicketFolder.free_bytes", lambda _self: 10)
    world.take(world.offer("a.txt", BIG).id)
    assert world.result(world.customer) == world.result(world.agent) == "disk_full"
    assert world.customer.end.view.phase is Phase.VERIFIED
    assert world.customer.end.view.grants == (Scope.VIEW,)


def test_a_piece_the_disk_could_not_take_in_time_is_asked_for_again(world: FileWorld) -> None:
    """A bounded queue drops; the offset brings it back."""
    dropped: list[int] = []

    def meddle(side: str, action: FileAction) -> FileAction | None:
        if side == "customer" and isinstance(action, FileBytes) and len(dropped) < 3 and action.offset > 100_000:
            dropped.append(action.offset)
            return None
        return action

    world.meddle = meddle
    world.take(world.offer("big.log", BIG).id)
    assert dropped
    assert world.received(world.customer) == {"big.log": BIG}


def test_silence_after_the_agents_question_for_a_file_sends_nothing(world: FileWorld) -> None:
    """Also when a file was picked already."""
    offer = world.asked_for("a.txt", b"1")
    world.pass_time(120_000, step_ms=1_000)
    world.give(offer)
    assert not world.received(world.agent)
    assert TO_AGENT not in world.customer.end.view.grants
    assert not world.agent.of(DropFile)


@pytest.mark.parametrize("towards", ["customer", "agent"])
def test_a_session_is_not_idle_while_a_file_moves(world: FileWorld, towards: str) -> None:
    """Ten minutes without a key, but with a file on its way."""
    sender = world.agent if towards == "customer" else world.customer
    world.stopped = True
    start(world, towards)
    for _ in range(13):
        halfway(world, sender, 1)
        world.pass_time(50_000, step_ms=1_000)
    assert world.phases() == (Phase.VERIFIED, Phase.VERIFIED)


# --- any order -------------------------------------------------------------------------------------------------------

Step = Callable[[FileWorld], None]
CONTENT = BIG[: 80 << 10]


def _offer(world: FileWorld) -> None:
    world.offer("big.log", CONTENT)


def _take(world: FileWorld) -> None:
    for asked in world.customer.of(AskFile)[-1:]:
        world.take(asked.offer.id)


def _request(world: FileWorld) -> None:
    world.do(world.agent, world.agent_end.request(TO_AGENT))


def _give(world: FileWorld) -> None:
    world.give(world.prepare(world.customer, "mine.log", CONTENT))


def _cancel(side: str, number: int) -> Step:
    def step(world: FileWorld) -> None:
        chosen, end = (world.agent, world.agent_end) if side == "agent" else (world.customer, world.customer_end)
        world.do(chosen, end.cancel_file(number))

    return step


def _revoke(scope: Scope) -> Step:
    return lambda world: world.do(world.customer, world.customer_end.revoke(scope))


def _read(pieces: int) -> Step:
    def step(world: FileWorld) -> None:
        for _ in range(pieces):
            list(world.read_some())
        world.settle()

    return step


def _kill(side: str) -> Step:
    def step(world: FileWorld) -> None:
        chosen = world.agent if side == "agent" else world.customer
        if chosen.child is not None and chosen.child.alive:
            world.kill_child(chosen)
            world.desks[side].child_has(0)

    return step


def _network(world: FileWorld) -> None:
    world.network_up = not world.network_up


STEPS: list[Step] = [
    _offer, _offer, _take, _take, _take, _request, _request, _give, _give, _read(1), _read(3), _read(9), _network,
    _cancel("agent", 0), _cancel("customer", 0), _cancel("agent", 1), _cancel("customer", 1),
    _revoke(TO_CUSTOMER), _revoke(TO_AGENT), _kill("agent"), _kill("customer"),
    lambda world: world.do(world.customer, world.customer_end.pause()),
    lambda world: world.do(world.customer, world.customer_end.resume()),
    lambda world: world.pass_time(1_000), lambda world: world.pass_time(5_000),
    lambda world: world.do(world.customer, world.customer_end.refuse_scope(TO_CUSTOMER)),
]  # fmt: skip


@settings(max_examples=10, deadline=None)
@given(st.lists(st.sampled_from(STEPS), max_size=30))
def test_in_any_order_files_are_whole_or_gone_and_a_grant_has_its_file(
    tmp_path_factory: pytest.TempPathFactory, steps: list[Step]
) -> None:
    """After every deed, pause, break and death; and at the end nothing half lies anywhere and the record is true."""
    world = FileWorld(tmp_path_factory.mktemp("any"))
    world.to_verified()
    world.stopped = True
    for step in steps:
        step(world)
        live = set(world.customer.end.view.grants)
        coming, going = world.customer_end._coming, world.customer_end._going
        assert (TO_CUSTOMER in live) == (coming is not None and coming.step is not FileStep.ASKED)
        assert (TO_AGENT in live) == (going is not None)
        for side in (world.agent, world.customer):
            whole = {name: data for name, data in world.received(side).items() if not name.endswith(".part")}
            assert all(data == CONTENT for data in whole.values())
    world.do(world.customer, world.customer_end.stop())
    world.pass_time(1_000)
    kept = [*world.received(world.agent).items(), *world.received(world.customer).items()]
    assert not any(name.endswith(".part") for name, _data in kept)
    assert file_results(world).count("whole") <= len(kept) <= file_results(world).count("allowed")
    assert "violation" not in world.customer.entries()
