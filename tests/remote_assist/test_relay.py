# SPDX-License-Identifier: GPL-3.0-or-later
"""Two ends with real children and a real coturn: pictures by every way to the relay, and no other address anywhere."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from app.domain.assist import EndReason, Phase
from app.domain.invitation import InvitationPolicy
from remote_assist import child_protocol as child
from remote_assist import customer_link
from remote_assist.actions import ToChild
from tests.fakes import coturn
from tests.fakes.coturn import Coturn
from tests.remote_assist.test_pair_with_children import Pair
from tests.remote_assist.world import Side

pytestmark = pytest.mark.skipif(not coturn.available(), reason=coturn.MISSING)


class RelayedPair(Pair):
    """Two hosts whose server gives credentials for this coturn; keeps every description the children made."""

    def __init__(self, server: Coturn, *, relay_only: bool = True) -> None:
        super().__init__()
        self.env = {"SSL_CERT_FILE": str(server.authority)}
        self.server = server
        self.turn = lambda side: server.answer(side.end.sid, side.name)
        self.policy = InvitationPolicy(relay_only=relay_only)
        self.forced = False  # children connect by the relay alone, though the ends would allow more
        self.made: list[str] = []
        self.states: dict[str, list[child.PeerState]] = {"agent": [], "customer": []}

    def handle(self, side: Side, link: object, what: child.FromChild | bytes | None) -> None:
        if isinstance(what, child.LocalSdp):
            self.made.append(what.sdp)
        elif isinstance(what, child.PeerState):
            self.states[side.name].append(what)
        super().handle(side, link, what)  # type: ignore[arg-type]  # handed through

    def tell(self, side: Side, message: child.ToChild) -> None:
        if self.forced and isinstance(message, child.Open):
            message = msgspec.structs.replace(message, relay_only=True)
        super().tell(side, message)

    @property
    def heard(self) -> list[str]:
        """Every description that a child was told of the other end."""
        actions = [*self.world.agent.actions, *self.world.customer.actions]
        messages = [action.message for action in actions if isinstance(action, ToChild)]
        return [message.sdp for message in messages if isinstance(message, child.RemoteSdp)]

    @property
    def opened(self) -> list[child.Open]:
        """The connections of the customer's end."""
        messages = [action.message for action in self.world.customer.actions if isinstance(action, ToChild)]
        return [message for message in messages if isinstance(message, child.Open)]

    @property
    def rungs(self) -> list[int]:
        """The rungs tried by the customer's end."""
        return [message.rung for message in self.opened]

    def paths(self) -> set[str]:
        """What both children say of the way in use."""
        return {state.path for states in self.states.values() for state in states if state.path}


@contextlib.contextmanager
def made_for(server: Coturn, *, relay_only: bool = True) -> Iterator[RelayedPair]:
    pair = RelayedPair(server, relay_only=relay_only)
    try:
        yield pair
    finally:
        pair.close()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Coturn]:
    with coturn.running(tmp_path_factory.mktemp("coturn")) as made:
        yield made


def addresses(sdp: str) -> set[str]:
    """Every address in a description that says something."""
    found = re.findall(r"(?<![\w.])\d+\.\d+\.\d+\.\d+|(?<![\w:])[0-9a-f]{1,4}::[0-9a-f:]+", sdp)
    return set(found) - {"0.0.0.0"}  # noqa: S104  # in a description it means none


def udp_partners(pid: int) -> set[str]:
    """Where the UDP sockets of a process lead to, as the kernel writes it; "" for one that takes from anybody."""
    held = {str(entry.readlink()) for entry in Path(f"/proc/{pid}/fd").iterdir() if entry.is_symlink()}
    out = set()
    for table in ("udp", "udp6"):
        for line in Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]:
            words = line.split()
            if f"socket:[{words[9]}]" in held:
                out.add("" if words[2].endswith(":0000") else words[2])
    return out


def test_relay_only_shows_pictures_and_no_address_but_the_relays(
    server: Coturn, capfd: pytest.CaptureFixture[str]
) -> None:
    """In what the children made, in what left and arrived; and no socket of theirs leads anywhere else."""
    with made_for(server) as pair:
        pair.to_verified()
        assert pair.rungs == [0]
        assert pair.paths() == {"relay"}
        for text in (*pair.made, *pair.heard):
            assert addresses(text) == {coturn.LOOPBACK}
            assert " typ relay" in text
            assert " typ host" not in text
            assert " typ srflx" not in text
        said = "".join(capfd.readouterr())
        assert "candidate" not in said
        for opened in pair.opened:
            assert opened.ice[0]["credential"] not in said
        relay = f"0100007F:{server.settings.plain[1]:04X}"
        assert {name: udp_partners(link.pid) for name, link in pair.links.items()} == {
            "agent": {relay},
            "customer": {relay},
        }


@pytest.mark.slow
def test_a_relay_that_is_killed_in_mid_session_is_a_lost_connection_and_nothing_else_is_tried(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The picture stops, both are told, further attempts have no address at all, and after 30 seconds it is over."""
    monkeypatch.setattr(customer_link, "REBUILD_EVERY_MS", 1_500)
    with coturn.running(tmp_path) as server, made_for(server) as pair:
        world = pair.world
        pair.to_verified()
        server.kill()
        pair.until(lambda: world.customer.end.view.lost and world.agent.end.view.lost)
        made = len(pair.made)
        assert world.phases() == (Phase.VERIFIED, Phase.VERIFIED)
        pair.until(lambda: world.phases() == (Phase.ENDED, Phase.ENDED), 60)
        assert {world.agent.end.view.reason, world.customer.end.view.reason} == {EndReason.LOST}
        assert set(pair.rungs[1:]) == {0, 1, 2}
        assert len(pair.made) > made
        assert not any("a=candidate" in text for text in pair.made[made:])


@pytest.mark.slow
@pytest.mark.parametrize(("blocked", "rung"), [(("no-udp",), 1), (("no-udp", "no-tcp"), 2)])
def test_where_udp_is_blocked_the_next_rung_shows_pictures(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, blocked: tuple[str, ...], rung: int
) -> None:
    """TCP, then TLS under an authority that the children know from SSL_CERT_FILE alone."""
    monkeypatch.setattr(customer_link, "REBUILD_EVERY_MS", 1_500)
    with coturn.running(tmp_path, *blocked) as server, made_for(server) as pair:
        pair.to_verified()
        assert pair.rungs[: rung + 1] == list(range(rung + 1))
        assert pair.paths() == {"relay"}


@pytest.mark.slow
def test_tls_under_an_authority_nobody_trusts_shows_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without SSL_CERT_FILE the last rung is no rung: the session ends and says why."""
    monkeypatch.setattr(customer_link, "REBUILD_EVERY_MS", 1_500)
    with coturn.running(tmp_path, "no-udp", "no-tcp") as server, made_for(server) as pair:
        pair.env = {}
        pair.to_consent()
        pair.until(lambda: pair.world.phases() == (Phase.ENDED, Phase.ENDED), 40)
        assert {pair.world.agent.end.view.reason, pair.world.customer.end.view.reason} == {EndReason.NO_RELAY}


@pytest.mark.slow
def test_without_the_policy_a_dead_relay_costs_nothing_but_the_gathering(tmp_path: Path) -> None:
    """Direct connections are made two seconds later, by the own addresses."""
    with coturn.running(tmp_path) as server:
        server.kill()
        with made_for(server, relay_only=False) as pair:
            pair.to_verified()
            assert pair.paths() == {"direct"}


@pytest.mark.slow
def test_relay_only_with_a_relay_that_refuses_ends_with_its_reason(server: Coturn) -> None:
    """Another secret at coturn than at the server: no rung gives an address, both read why."""
    with made_for(server) as pair:
        pair.turn = lambda side: server.answer(side.end.sid, side.name) | {"credential": "d3Jvbmc="}
        pair.to_consent()
        pair.until(lambda: pair.world.phases() == (Phase.ENDED, Phase.ENDED))
        assert {pair.world.agent.end.view.reason, pair.world.customer.end.view.reason} == {EndReason.NO_RELAY}
        assert not any("a=candidate" in text for text in pair.made)


@pytest.mark.slow
def test_a_relayed_session_goes_on_directly_when_its_relay_dies_and_that_is_allowed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Lost, and back by the own addresses, with the consent as given."""
    monkeypatch.setattr(customer_link, "REBUILD_EVERY_MS", 4_000)
    with coturn.running(tmp_path) as server, made_for(server, relay_only=False) as pair:
        world = pair.world
        pair.forced = True
        pair.to_verified()
        assert pair.paths() == {"relay"}
        pair.forced = False
        server.kill()
        pair.until(lambda: world.customer.end.view.lost)
        pair.more_frames()
        assert pair.states["customer"][-1].path == "direct"
        assert [type(action).__name__ for action in world.customer.actions].count("SasQuestion") == 1
