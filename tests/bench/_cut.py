# SPDX-License-Identifier: GPL-3.0-or-later
"""Gate G8: a path dies in mid-session, and how long it takes until the agent sees the screen as it is now.

Both real ends with their real children, as in the programs; the messages between them and the server's answers are
handed over in this process, and so stay alive while the way of the pictures is cut. Every connection goes through a
relay of our own. A picture counts as new when it was painted after the cut (or after its end), by its own stamp.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from msgspec import structs

from app.domain.assist import Phase
from remote_assist import child_protocol as child
from remote_assist.actions import SasQuestion, TargetsListed
from remote_assist.ipc import ChildLink
from tests.bench import _ours, _stamp
from tests.bench._relay import Profile, Relay
from tests.bench._scene import stimulus
from tests.fakes import coturn
from tests.remote_assist.test_pair_with_children import Pair
from tests.remote_assist.world import Side

_WIDTH, _HEIGHT = 1920, 1080
_SETTLE_S = 3.0  # into a steady state, with some heartbeats behind it
_WAIT_S = 30.0
CUT_S = 5.0
_LAN = Profile(delay_ms=1)


@dataclass(frozen=True, slots=True)
class Recovery:
    """One cut. `lost_ms`: until the customer's end took the connection for lost; None where it never did."""

    recover_ms: float | None
    lost_ms: float | None
    epochs: int


class CutPair(Pair):
    """Both hosts; what their children connect by goes through relays that can be cut."""

    def __init__(self, second: str = "") -> None:
        """`second`: besides the relays "direct" connections are possible from the second attempt on."""
        super().__init__()
        self.env = {"DISPLAY": os.environ["DISPLAY"]}
        self.painted_us = 0  # when the newest picture that the agent has was painted
        self._second = second
        self._relays: dict[int, Relay] = {}
        self._cut = False

    @property
    def epochs(self) -> int:
        """How many connections were tried."""
        return len(self._relays)

    def cut(self, on: bool) -> None:
        """Let nothing through any relay, those to come included; or everything again."""
        self._cut = on
        for relay in self._relays.values():
            relay.cut = on

    def tell(self, side: Side, message: child.ToChild) -> None:
        """As the host does, but the other end's addresses are those of a relay."""
        if isinstance(message, child.RemoteSdp):
            beside = self._second == "direct" and message.epoch > 0
            relay = self._relay(message.epoch)
            sdp = relay.between(message.sdp, of_customer=message.type == "offer", beside=beside)
            message = structs.replace(message, sdp=sdp)
        super().tell(side, message)

    def _relay(self, epoch: int) -> Relay:
        if epoch not in self._relays:
            self._relays[epoch] = Relay(_LAN)
            self._relays[epoch].cut = self._cut
        return self._relays[epoch]

    def handle(self, side: Side, link: ChildLink | None, what: child.FromChild | bytes | None) -> None:
        """As the host does; the agent's pictures are looked at."""
        if isinstance(what, child.Frame) and side is self.world.agent and link is not None:
            found = _ours.strip_of(link, _stamp.CELL)
            stamp = _stamp.read(found[1]) if found is not None else None
            if found is not None and stamp is not None:
                self.painted_us = found[0].decoded_us - round(_stamp.age_ms(stamp[1], found[0].decoded_us) * 1000)
        super().handle(side, link, what)

    def to_pictures(self) -> None:
        """Consent to the whole screen, the number compared, pictures in their own size."""
        world = self.world
        self.perform(world.agent, world.agent_end.invite(world.request(policy=self.policy)))
        self.perform(world.customer, world.customer_end.open(*world.invitation))
        self.until(lambda: world.customer.of(TargetsListed))
        target = next(item for item in world.customer.last(TargetsListed).targets if item.kind == "screen")
        self.perform(world.customer, world.customer_end.choose_target(target.id, target.kind))
        self.perform(world.agent, world.agent_end.set_view(_WIDTH, _HEIGHT))
        self.until(lambda: self.frames["customer"])
        self.perform(world.customer, world.customer_end.allow())
        self.until(lambda: world.customer.of(SasQuestion))
        self.perform(world.customer, world.customer_end.pick_number(world.number))
        self.perform(world.agent, world.agent_end.confirm_sas_same(True))
        self.until(lambda: world.phases() == (Phase.VERIFIED, Phase.VERIFIED))
        self.until(lambda: self.painted_us > _stamp.now_us() - 1_000_000)
        self.live_for(_SETTLE_S)

    def live_for(self, seconds: float) -> None:
        """Carry on both hosts for a while."""
        end = time.monotonic() + seconds
        self.until(lambda: time.monotonic() > end, seconds + 5)

    def close(self) -> None:
        """Take both children and the relays down."""
        super().close()
        for relay in self._relays.values():
            relay.close()


def path_dies(second: str) -> Recovery:
    """The way of the pictures falls silent for good; another one exists: "direct", or the TURN "relay"."""
    with _pair(second) as pair:
        pair.to_pictures()
        before = pair.epochs
        pair.cut(True)
        return _recovery(pair, before)


def cut_ends(seconds: float = CUT_S) -> Recovery:
    """Nothing passes for some seconds, then everything; there is no other way."""
    with _pair("") as pair:
        pair.to_pictures()
        before = pair.epochs
        pair.cut(True)
        pair.live_for(seconds)
        lost = pair.world.customer.end.view.lost
        pair.cut(False)
        found = _recovery(pair, before)
        return found if lost else Recovery(None, None, found.epochs)  # it was no cut


def _recovery(pair: CutPair, before: int) -> Recovery:
    began_us = _stamp.now_us()
    lost_us: list[int] = []

    def back() -> bool:
        if not lost_us and pair.world.customer.end.view.lost:
            lost_us.append(_stamp.now_us())
        return pair.painted_us > began_us

    with contextlib.suppress(AssertionError):  # not in time: no figure
        pair.until(back, _WAIT_S)
    took = (_stamp.now_us() - began_us) / 1000 if pair.painted_us > began_us else None
    lost = (lost_us[0] - began_us) / 1000 if lost_us else None
    return Recovery(took and round(took, 1), lost and round(lost, 1), pair.epochs - before)


@contextlib.contextmanager
def _pair(second: str) -> Iterator[CutPair]:
    with contextlib.ExitStack() as stack:
        pair = CutPair(second)
        stack.callback(pair.close)
        if second == "relay":
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="deskside-bench-"))
            server = stack.enter_context(coturn.running(Path(folder)))
            pair.turn = lambda side: server.answer(side.end.sid, side.name)
            pair.env["SSL_CERT_FILE"] = str(server.authority)
        yield pair


CASES: dict[str, Callable[[], Recovery]] = {
    "path dies, direct": lambda: path_dies("direct"),
    "path dies, relay": lambda: path_dies("relay"),
    "cut ends": cut_ends,
}


def measure(rounds: int) -> dict[str, Any]:
    """Run every case so often, in turns; a case counts as its slowest round, and as none when one never recovered."""
    found: dict[str, list[Recovery]] = {case: [] for case in CASES}
    with stimulus("scroll", 30):
        for _ in range(rounds):
            for case, run in CASES.items():
                found[case].append(run())
    return {
        "recover_ms": {case: _slowest([item.recover_ms for item in items]) for case, items in found.items()},
        "lost_ms": {case: _slowest([item.lost_ms for item in items]) for case, items in found.items()},
        "rounds": {case: [item.recover_ms for item in items] for case, items in found.items()},
        "epochs": {case: max(item.epochs for item in items) for case, items in found.items()},
    }


def _slowest(times: list[float | None]) -> float | None:
    known = [time for time in times if time is not None]
    return round(max(known), 1) if len(known) == len(times) else None
