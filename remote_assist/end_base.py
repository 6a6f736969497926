# SPDX-License-Identifier: GPL-3.0-or-later
"""What both ends of a session share: envelopes, the child's life, and the way out. Connections: `end_link`."""

from __future__ import annotations

import secrets
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import replace

from app.domain.assist import EndReason, Notice, Phase, Role, Scope, SessionView
from remote_assist import child_protocol as child
from remote_assist import messages as wire
from remote_assist.actions import Action, Clock, KillChild, Notify, PhaseChanged, SendEnvelope, StartChild, ToChild
from remote_assist.envelope import Body, Envelope, EnvelopeReader, EnvelopeWriter, PeerMisbehaved
from remote_assist.limits import CHILD_END_MS, NACK_REPEAT_MS
from remote_assist.sdp_rules import BadSdp, SdpFacts, check_sdp, clean_sdp
from remote_assist.session import Effect, SessionMachine

__all__ = ["PROTO", "EndBase", "Random", "peer_reason"]

PROTO = 1
_NACK_WINDOW_MS = 3_000
_REPEAT_MAX = 32
# Faults of a child that mean: there is nothing to show any more.
_CAPTURE_FAULTS = frozenset({"no_display", "no_permission", "target_gone", "capture_failed", "picture_too_large"})
_CAPTURE_NOTICES = frozenset({"target_hidden"})  # minimised: the picture waits until the window is back

Random = Callable[[int], bytes]


class EndBase:
    """One end of one session. Not thread-safe: all calls from one thread. No method raises for what others sent."""

    role: Role

    def __init__(self, clock: Clock, random: Random = secrets.token_bytes) -> None:
        self._clock = clock
        self._random = random
        self._relay_only = False
        self._browser = False  # whether the customer's end is the page
        self._out: list[Action] = []
        self._machine: SessionMachine | None = None
        self._shown: SessionView | None = None
        self._grants: tuple[Scope, ...] = ()
        self._sid = b""
        self._writer: EnvelopeWriter | None = None
        self._reader: EnvelopeReader | None = None
        self._recent: deque[tuple[int, SendEnvelope]] = deque(maxlen=_REPEAT_MAX)
        self._repeat_at: int | None = None
        self._child_alive = False
        self._child_deaths = 0
        self._child_paused = False
        self._kill_at: int | None = None
        self._settled = False
        self._child_limits: dict[str, int] = {}
        self._keyed = False
        self._fingerprints: dict[int, bytes] = {}

    # --- for the host ----------------------------------------------------------------------------------------------

    @property
    def view(self) -> SessionView:
        """The state as windows show it."""
        if self._machine is None:
            return SessionView(Phase.INVITED)
        return replace(self._machine.view(), grants=self._grants)

    @property
    def sid(self) -> bytes:
        """The session's id, 16 bytes; empty before there is one."""
        return self._sid

    def deadline_ms(self) -> int | None:
        """When `tick` must be called at the latest, on the monotonic clock; None when nothing is awaited."""
        due = [self._machine.deadline_ms] if self._machine is not None else []
        due += [self._kill_at, self._repeat_at, *self._link_deadlines(), *self._own_deadlines()]
        return min((at for at in due if at is not None), default=None)

    def tick(self) -> list[Action]:
        """Let every timer that is due act."""
        now = self._now
        if self._kill_at is not None and now >= self._kill_at:
            self._out.append(KillChild())
            self._child_gone()
        if self._machine is not None:
            self._apply(self._machine.tick(now))
        if self._repeat_at is not None and now >= self._repeat_at:
            self._repeat(now)
        self._link_tick(now)
        self._on_tick(now)
        return self._flush()

    def on_nack(self) -> list[Action]:
        """The relay could not deliver: the envelopes of the last seconds are sent again after one second."""
        if self._repeat_at is None and self._recent and self._machine is not None and self.view.phase != Phase.ENDED:
            self._repeat_at = self._now + NACK_REPEAT_MS
        return self._flush()

    def on_child(self, message: child.FromChild) -> list[Action]:
        """A message of the session child, decoded with `decode_from_child`. It is believed in nothing that matters."""
        if isinstance(message, child.Ended):
            self._on_child_ended(message)
            self._child_died()
        elif self._machine is not None:
            self._apply(self._machine.tick(self._now))  # what is due comes first: this computer may have slept
            if self.view.phase is not Phase.ENDED:
                self._from_child(message)
        return self._flush()

    def on_child_died(self) -> list[Action]:
        """The child's process is gone, or its pipe. It is replaced once a session."""
        self._child_died()
        return self._flush()

    def stop(self) -> list[Action]:
        """End now, from any phase; nothing but the record leaves afterwards."""
        self._end(EndReason.STOPPED, self.role.value)
        return self._flush()

    def revoked(self, reason: EndReason = EndReason.REVOKED) -> list[Action]:
        """The server says that this session may not go on, and why."""
        self._end(reason, "system")
        return self._flush()

    # --- for the two ends to fill in -------------------------------------------------------------------------------

    def _own_deadlines(self) -> list[int | None]:
        return []

    def _on_tick(self, now: int) -> None:
        """Timers of one end alone."""

    def _link_deadlines(self) -> Iterable[int | None]:
        return ()

    def _link_tick(self, now: int) -> None:
        """Timers of the connections."""

    def _on_effect(self, effect: Effect) -> None:
        """What one end does about an effect."""

    def _before_end(self) -> None:
        """Called once, when the phase is `ended` and the child was told."""

    def _settle(self) -> None:
        """Called once, when the phase is `ended` and the child is gone."""

    def _on_peer_end(self, reason: str) -> None:
        """The peer says that it is over."""
        self._end(peer_reason(reason), self._peer.value)

    def _child_replaced(self) -> None:
        """A new child was started in mid-session."""

    def _on_hello(self, hello: wire.Hello, over: int) -> None:
        """The peer greets, over the connection of this epoch."""

    def _on_heard(self, epoch: int) -> None:
        """The peer said something else over the connection of this epoch."""

    def _on_message(self, message: wire.Message) -> None:
        """A checked data-channel message of the peer."""

    def _on_other(self, message: child.FromChild) -> None:
        """Messages that only one end cares about."""

    def _on_child_ended(self, message: child.Ended) -> None:
        """The child confirms that nothing leaves it any more."""

    # --- shared ----------------------------------------------------------------------------------------------------

    @property
    def _now(self) -> int:
        return self._clock.monotonic_ms()

    @property
    def _peer(self) -> Role:
        return Role.CUSTOMER if self.role is Role.AGENT else Role.AGENT

    def _flush(self) -> list[Action]:
        view = self.view
        if self._machine is not None and view != self._shown:
            self._shown = view
            self._out.append(PhaseChanged(view))
        out, self._out = self._out, []
        return out

    def _apply(self, effects: list[Effect]) -> None:
        for effect in effects:
            if effect is Effect.ENDED:
                self._leave()
            elif effect is Effect.IDLE_SOON:
                self._out.append(Notify(Notice.IDLE_SOON))
            elif effect is Effect.PAUSE_SOON:
                self._out.append(Notify(Notice.PAUSE_SOON))
            elif effect is Effect.LOST:
                self._out.append(Notify(Notice.LOST))
            elif effect is Effect.BACK:
                self._out.append(Notify(Notice.BACK))
            self._on_effect(effect)

    def _end(self, reason: EndReason, by: str) -> None:
        if self._machine is not None:
            self._apply(self._machine.end(reason, by, self._now))

    def _leave(self) -> None:
        """Pictures stop first; everything else can wait for them."""
        self._grants = ()
        self._repeat_at = None
        if self._child_alive:
            reason = self._machine.reason if self._machine is not None else None
            self._tell(child.End(reason.value if reason else ""))
            self._kill_at = self._now + CHILD_END_MS
        self._before_end()
        if not self._child_alive:
            self._settle_once()

    def _child_gone(self) -> None:
        self._child_alive = False
        self._kill_at = None
        self._settle_once()

    def _settle_once(self) -> None:
        if not self._settled:
            self._settled = True
            self._settle()

    def _child_died(self) -> None:
        if not self._child_alive:
            return
        if self.view.phase is Phase.ENDED:
            self._child_gone()
            return
        self._child_alive = False
        self._child_deaths += 1
        if self._child_deaths > 1:
            self._end(EndReason.CHILD_FAILED, "system")
            return
        self._out.append(Notify(Notice.CHILD_RESTARTED))
        self._start_child()
        self._child_replaced()

    # --- envelopes -------------------------------------------------------------------------------------------------

    def _send(self, t: str, body: Body) -> None:
        if self._writer is None:
            return
        n = self._writer.next_n
        envelope = SendEnvelope(self._sid, self._peer.value, n, self._writer.write(t, body))
        self._recent.append((self._now, envelope))
        self._out.append(envelope)

    def _repeat(self, now: int) -> None:
        self._repeat_at = None
        # The second it waited does not count, else nothing would be young enough to be repeated.
        oldest = now - _NACK_WINDOW_MS - NACK_REPEAT_MS
        again = [envelope for at, envelope in self._recent if at >= oldest]
        self._recent.clear()
        for envelope in again:
            self._recent.append((now, envelope))
            self._out.append(envelope)

    def _check_remote_sdp(self, envelope: Envelope, sdp: str) -> tuple[str, SdpFacts]:
        """Return the description to use and its facts. Raises PeerMisbehaved."""
        try:
            facts = check_sdp(sdp, envelope.t, browser=self._browser)
            return (clean_sdp(sdp, relay_only=True) if self._relay_only else sdp), facts
        except BadSdp as error:
            raise PeerMisbehaved(f"{envelope.t}: {error}") from error

    def _check_local_sdp(self, message: child.LocalSdp, *, relay_only: bool) -> tuple[str, SdpFacts] | None:
        """Return the own description as it may leave, or None (and an end) when the child broke a rule."""
        try:
            sdp = clean_sdp(message.sdp, relay_only=relay_only)
            facts = check_sdp(sdp, message.type, browser=self._browser)
        except BadSdp:
            self._end(EndReason.CHILD_FAILED, "system")
            return None
        if facts.fingerprint != self._fingerprints.get(message.epoch):
            self._end(EndReason.CHILD_FAILED, "system")
            return None
        return sdp, facts

    # --- the child -------------------------------------------------------------------------------------------------

    def _tell(self, message: child.ToChild) -> None:
        if self._child_alive:
            self._out.append(ToChild(message))

    def _say(self, message: wire.Message) -> None:
        self._tell(child.Send("ctl", wire.encode(message)))

    def _start_child(self) -> None:
        self._out.append(StartChild(self.role.value))
        self._child_alive = True
        self._child_paused = False
        self._fingerprints.clear()
        self._tell(child.Start(self.role.value, self._child_limits))

    def _from_child(self, message: child.FromChild) -> None:
        if isinstance(message, child.Recv):
            self._on_recv(message)
        elif isinstance(message, child.Fault):
            self._on_fault(message)
        else:
            self._on_other(message)

    def _on_fault(self, message: child.Fault) -> None:
        if message.code == "malformed":
            self._on_malformed(message.detail)
        elif message.code == "violation":
            self._on_violation(message.detail)
        elif message.code in _CAPTURE_NOTICES:
            self._out.append(Notify(Notice.CAPTURE, message.code))
        elif message.code in _CAPTURE_FAULTS:
            if self._choosing or self.view.phase in (Phase.INVITED, Phase.PROMPTED):
                self._out.append(Notify(Notice.CAPTURE, message.code))
            else:
                self._end(EndReason.CAPTURE_FAILED, "system")

    _choosing = False

    def _on_malformed(self, what: str) -> None:
        del what
        self._end(EndReason.PROTOCOL, self._peer.value)

    def _on_violation(self, what: str) -> None:
        """A message outside the grants; only the customer's end counts them."""

    def _on_recv(self, message: child.Recv) -> None:
        if not self._keyed or not wire.sender_allowed(message.channel, self._peer):
            self._on_malformed(message.channel)
            return
        try:
            checked = wire.typed(message.channel, message.message, self._peer)
        except wire.Malformed as error:
            if message.channel == "ctl" or message.channel not in wire.CHANNEL_SCOPE:
                self._on_malformed(str(error))
            else:
                self._on_violation(f"{message.channel} malformed")
            return
        if isinstance(checked, wire.Hello):
            self._on_hello(checked, message.epoch)
        elif isinstance(checked, wire.End):
            self._on_peer_end(checked.reason)
        elif self._machine is not None and self._machine.live:
            self._on_heard(message.epoch)
            self._on_message(checked)

    def _sync_pause(self) -> None:
        """Tell the child when the picture must be held or may go on."""
        if self._machine is None or not self._machine.live:
            return
        held = not self._machine.flowing
        if held != self._child_paused:
            self._child_paused = held
            self._tell(child.Pause(held))


def peer_reason(text: str) -> EndReason:
    """Return the peer's reason, or `stopped` when the word is unknown."""
    try:
        return EndReason(text)
    except ValueError:
        return EndReason.STOPPED
