# SPDX-License-Identifier: GPL-3.0-or-later
"""The connections of an end: epochs, credentials for the relay, who says `hello` on which, and which one is in use.

The customer's end decides: it keeps the first connection on which its `hello` was answered. The agent's end follows
whichever connection the customer speaks on. At most two attempts run beside the connection in use.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from app.domain.assist import EndReason, Notice, Phase, SessionView
from remote_assist import child_protocol as child
from remote_assist import messages as wire
from remote_assist.actions import Action, CallServer, Clock, Notify
from remote_assist.end_base import PROTO, EndBase, Random
from remote_assist.ladder import DIRECT, NO_RELAY, Relay, read_relay
from remote_assist.limits import ATTEMPTS_MAX, RELAY_ASK_EVERY_MS, RELAY_ASK_MOST_MS, RELAY_WAIT_MS

__all__ = ["CHAT", "EndLink", "Epoch"]

CHAT = "chat"
_CAPS = ["view", "tile", CHAT]
# what no later asking changes: a server that knows no relays, or no such session
_FINAL = frozenset({404, 405})


@dataclass(slots=True)
class Epoch:
    """One connection. `began` once the child was told to make it; what is to follow waits till then."""

    number: int
    rung: int = DIRECT
    began: bool = False
    hello_sent: bool = False
    hello_got: bool = False
    call: int | None = None
    ask_at: int | None = None
    give_up_at: int | None = None
    tries: int = 0
    waiting: list[child.ToChild] = field(default_factory=list)


class EndLink(EndBase):
    """An end with its connections; see `EndBase` for what else both ends share."""

    decides = False  # the customer's end does

    def __init__(self, clock: Clock, random: Random = secrets.token_bytes) -> None:
        super().__init__(clock, random)
        self._active: Epoch | None = None
        self._attempts: dict[int, Epoch] = {}
        self._kept: int | None = None
        self._next_epoch = 0
        self._rungs: tuple[int, ...] | None = None  # None: the server has not said yet
        self._calls = 0
        self._without_relay = 0  # attempts that got no relayed address
        self._failures = 0  # connections that came to nothing
        self._path = ""
        self._peer_caps: frozenset[str] = frozenset()

    # --- for the host ----------------------------------------------------------------------------------------------

    @property
    def view(self) -> SessionView:
        """The state as windows show it."""
        return replace(super().view, path=self._path)

    def on_server_result(self, call_id: int, status: int, body: bytes = b"") -> list[Action]:
        """The answer to a CallServer; `status` 0 when the server could not be reached."""
        epoch = next((e for e in self._attempts.values() if e.call == call_id), None)
        if epoch is None:
            self._on_answered(call_id, status, body)
        elif self.view.phase is not Phase.ENDED:
            epoch.call = None
            self._on_relay(epoch, status, body)
        return self._flush()

    # --- for the two ends to fill in -------------------------------------------------------------------------------

    def _on_answered(self, call_id: int, status: int, body: bytes) -> None:
        """The answer to a call that was not about a relay."""

    def _on_connected(self) -> None:
        """`hello` went both ways on a new connection; the machine knows."""

    def _on_attempts_failed(self) -> None:
        """The last connection under way came to nothing, and will not by waiting."""
        self._failures += 1
        if self._failures == 1 and self.view.phase is Phase.CONNECTING:  # later "lost" says it already
            self._out.append(Notify(Notice.RETRYING))

    def _on_line(self) -> None:
        """What is said from now on arrives: say again what may have been lost with the connection before."""

    def _on_old_connection_back(self, epoch: int) -> None:
        """The connection in use spoke again; only the customer's end decides between it and an attempt."""

    def _on_sdp(self, message: child.LocalSdp) -> None:
        """Own description of an epoch, rules not yet checked."""

    def _on_fingerprint(self, epoch: int) -> None:
        """Own certificate of an epoch is known."""

    # --- opening ---------------------------------------------------------------------------------------------------

    def _start_child(self) -> None:
        self._active = self._kept = None
        self._attempts.clear()
        super()._start_child()

    def _open_epoch(self, rung: int = DIRECT) -> Epoch:
        """Begin the next connection: ask for credentials, then have the child make it."""
        while len(self._attempts) >= ATTEMPTS_MAX:
            self._abandon(next(iter(self._attempts.values())))
        epoch = Epoch(self._next_epoch, rung)
        self._next_epoch += 1
        self._attempts[epoch.number] = epoch
        if not self._must_relay(epoch):
            epoch.give_up_at = self._now + RELAY_WAIT_MS
        self._ask_relay(epoch)
        return epoch

    def _abandon(self, epoch: Epoch) -> None:
        self._attempts.pop(epoch.number, None)
        if epoch.began:
            self._tell(child.Drop(epoch.number))

    def _tell_epoch(self, epoch: Epoch, message: child.ToChild) -> None:
        """Tell the child something about a connection, once it was told to make it."""
        if epoch.began:
            self._tell(message)
        else:
            epoch.waiting.append(message)

    def _must_relay(self, epoch: Epoch) -> bool:
        return self._relay_only or epoch.rung != DIRECT

    def _call(self, path: str, body: dict[str, object]) -> int:
        self._calls += 1
        self._out.append(CallServer(self._calls, "POST", path, body))
        return self._calls

    # --- credentials -----------------------------------------------------------------------------------------------

    def _ask_relay(self, epoch: Epoch) -> None:
        epoch.ask_at = None
        epoch.tries += 1
        epoch.call = self._call(f"/session/v1/{self._sid.hex()}/turn", {})

    def _on_relay(self, epoch: Epoch, status: int, body: bytes) -> None:
        relay = read_relay(body) if 200 <= status < 300 else None
        if relay is None and status in _FINAL:
            relay = NO_RELAY
        if relay is not None:
            self._rungs = relay.rungs(relay_only=self._relay_only)
            self._make(epoch, relay)
        else:  # not consented yet as far as the server knows, too many, not reached: a little later
            epoch.ask_at = self._now + min(RELAY_ASK_EVERY_MS * epoch.tries, RELAY_ASK_MOST_MS)

    def _make(self, epoch: Epoch, relay: Relay) -> None:
        must = self._must_relay(epoch)
        if must and epoch.rung not in relay.turn:
            if not relay.turn:
                self._abandon(epoch)
                self._no_relay(final=True)
                return
            epoch.rung = min(relay.turn)
        epoch.began, epoch.ask_at, epoch.give_up_at = True, None, None
        ice = relay.ice(epoch.rung, relay_only=self._relay_only)
        self._tell(child.Open(epoch.number, epoch.rung, ice, must))
        for message in epoch.waiting:
            self._tell(message)
        epoch.waiting.clear()

    def _no_relay(self, *, final: bool = False) -> None:
        """A relay gave no address. When only a relay is allowed and no rung is left, nothing more can come."""
        self._without_relay += 1
        tried_all = final or self._without_relay >= len(self._rungs or (DIRECT,))
        if self._relay_only and tried_all and self.view.phase is Phase.CONNECTING:
            self._end(EndReason.NO_RELAY, "system")

    def _link_deadlines(self) -> Iterable[int | None]:
        for epoch in self._attempts.values():
            yield epoch.ask_at
            yield epoch.give_up_at

    def _link_tick(self, now: int) -> None:
        for epoch in list(self._attempts.values()):
            if epoch.give_up_at is not None and now >= epoch.give_up_at:
                self._make(epoch, NO_RELAY)
            elif epoch.ask_at is not None and now >= epoch.ask_at:
                self._ask_relay(epoch)

    # --- what the child tells --------------------------------------------------------------------------------------

    def _from_child(self, message: child.FromChild) -> None:
        if isinstance(message, child.PeerState):
            self._on_state(message)
        elif isinstance(message, child.Fingerprint):
            if len(message.sha256) == 32 and message.epoch not in self._fingerprints:
                self._fingerprints[message.epoch] = message.sha256
                self._on_fingerprint(message.epoch)
        elif isinstance(message, child.LocalSdp):
            self._on_sdp(message)
        else:
            super()._from_child(message)

    def _local_sdp(self, message: child.LocalSdp, epoch: Epoch) -> str | None:
        """Return the own description as it may leave, or None when there is nothing to send."""
        checked = self._check_local_sdp(message, relay_only=self._must_relay(epoch))
        if checked is not None and self._must_relay(epoch) and not checked[1].candidates:
            self._no_relay()
            return None
        return checked[0] if checked is not None else None

    def _on_state(self, message: child.PeerState) -> None:
        if self._machine is None:
            return
        attempt = self._attempts.get(message.epoch)
        if attempt is not None:
            if message.channels_open:
                self._say_hello(attempt)
            elif message.dtls == "failed":
                self._abandon(attempt)
                if not self._attempts and self.view.phase is not Phase.ENDED:
                    self._on_attempts_failed()
        elif self._active is not None and message.epoch == self._active.number:
            if message.path in ("direct", "relay"):
                self._path = message.path
            was_lost = self._machine.lost
            self._apply(self._machine.heard(self._now, message.silent_ms))
            if was_lost and not self._machine.lost:
                self._on_old_connection_back(self._active.number)

    def _on_heard(self, epoch: int) -> None:
        """The peer said something other than `hello` on this connection: the agent's end follows the customer there.

        Until then its words go by the connection of before, whose other end may be dead.
        """
        machine = self._machine
        if self.decides or epoch < 0 or machine is None or not machine.live:
            return
        if self._kept == epoch and not self._attempts:
            return
        chosen = self._kept != epoch
        self._kept = epoch
        if self._active is None or self._active.number != epoch:
            self._active = self._attempts.get(epoch) or Epoch(epoch, began=True)
            self._path = ""
            self._attempts.clear()
            self._tell(child.Keep(epoch))
            self._apply(machine.connected(self._now))
            self._on_connected()
        else:
            self._attempts.clear()
            self._tell(child.Keep(epoch))
        if chosen:
            self._on_line()

    # --- hello -----------------------------------------------------------------------------------------------------

    def _say_hello(self, epoch: Epoch) -> None:
        if self._keyed and not epoch.hello_sent:
            epoch.hello_sent = True
            self._tell(child.Send("ctl", wire.encode(wire.Hello(PROTO, epoch.number, _CAPS)), epoch.number))
            self._connect_if_both(epoch)

    def _on_hello(self, hello: wire.Hello, over: int) -> None:
        if hello.proto != PROTO or over not in (-1, hello.epoch):
            self._on_malformed("hello")
            return
        self._peer_caps = frozenset(hello.caps)
        epoch = self._attempts.get(hello.epoch)
        if epoch is not None and not epoch.hello_got:
            epoch.hello_got = True
            self._say_hello(epoch)
            self._connect_if_both(epoch)

    def _peer_can(self, cap: str) -> bool:
        """Whether the other end's program has said that it knows this."""
        return cap in self._peer_caps

    def _connect_if_both(self, epoch: Epoch) -> None:
        machine = self._machine
        if not (epoch.hello_sent and epoch.hello_got) or machine is None or epoch.number not in self._attempts:
            return
        if not self.decides and machine.live and not machine.lost and self._kept is None:
            return  # two came up at once: the customer's next word says which one it kept
        del self._attempts[epoch.number]
        self._active, self._path, self._failures = epoch, "", 0
        if self.decides:
            self._attempts.clear()
            self._tell(child.Keep(epoch.number))
        else:
            self._kept = None
        self._apply(machine.connected(self._now))
        self._on_connected()
        if self.decides:
            self._on_line()
