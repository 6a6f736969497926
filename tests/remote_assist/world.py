# SPDX-License-Identifier: GPL-3.0-or-later
"""Two ends of a session in memory: a clock that is moved by hand, a relay, and children that say what real ones say."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from app.domain.assist import Phase, Role
from app.domain.certificate import AgentCertificate, RevocationList, build_certificate
from app.domain.device_certificate import DeviceCertificate, build_device_certificate
from app.domain.documents import SignedDocument
from app.domain.signed import unb64
from remote_assist import child_protocol as child
from remote_assist import incoming
from remote_assist.actions import (
    Action,
    CallServer,
    ChainEntry,
    Clock,
    KillChild,
    SasNumber,
    SendEnvelope,
    StartChild,
    ToChild,
)
from remote_assist.agent_end import AgentEnd, AgentIdentity, InviteRequest
from remote_assist.customer_end import CustomerEnd, CustomerIdentity
from remote_assist.end_base import EndBase
from remote_assist.end_link import EndLink
from remote_assist.grants import BUILT_SCOPES
from remote_assist.invitation import InvitationChecker, OrganisationPin, ReplayCache

T = TypeVar("T")
UTC_START_MS = 1_790_000_000_000
TICKET = "0191" + "a" * 28
SCREEN = child.TargetItem("screen:0", "screen", "Screen 1", (0, 0, 1920, 1080))
WINDOW = child.TargetItem("window:7", "window", "Printer settings", (100, 100, 640, 480))


class FakeClock:
    """Time stands still unless a test moves it."""

    def __init__(self) -> None:
        self.ms = 1_000_000

    def monotonic_ms(self) -> int:
        return self.ms

    def utc_ms(self) -> int:
        return UTC_START_MS + self.ms


class SeededBytes:
    """The same "random" bytes in every run."""

    def __init__(self, seed: str) -> None:
        self._seed = seed.encode()
        self._count = 0

    def __call__(self, size: int) -> bytes:
        out = b""
        while len(out) < size:
            self._count += 1
            out += hashlib.sha256(self._seed + self._count.to_bytes(4, "big")).digest()
        return out[:size]


def private_key(seed: str) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(hashlib.sha256(seed.encode()).digest())


def public(key: Ed25519PrivateKey) -> bytes:
    return key.public_key().public_bytes_raw()


def sdp(kind: str, fingerprint: bytes, **changes: str) -> str:
    """A description as a child makes it."""
    marks = ":".join(f"{byte:02X}" for byte in fingerprint)
    direction = "sendonly" if kind == "offer" else "recvonly"
    text = f"""v=0
o=- 1 1 IN IP4 0.0.0.0
s=-
t=0 0
a=group:BUNDLE 0 1
a=msid-semantic:WMS *
m=video 9 UDP/TLS/RTP/SAVPF 96 97
c=IN IP4 0.0.0.0
a={direction}
a=mid:0
a=rtcp:9 IN IP4 0.0.0.0
a=rtcp-mux
a=rtpmap:96 H264/90000
a=fmtp:96 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f
a=rtpmap:97 rtx/90000
a=fmtp:97 apt=96
a=candidate:1 1 udp 2130706431 127.0.0.1 40000 typ host
a=end-of-candidates
a=ice-ufrag:abcd
a=ice-pwd:0123456789012345678901
a=fingerprint:sha-256 {marks}
a=setup:actpass
m=application 9 UDP/DTLS/SCTP webrtc-datachannel
c=IN IP4 0.0.0.0
a=mid:1
a=sctp-port:5000
a=ice-ufrag:abcd
a=ice-pwd:0123456789012345678901
a=fingerprint:sha-256 {marks}
a=setup:actpass
"""
    for old, new in changes.items():
        text = text.replace(old, new)
    return text.replace("\n", "\r\n")


class FakeChild:
    """Answers as a session child does. `say` and `speak_to` are filled in by the world."""

    def __init__(self, role: str, name: str) -> None:
        self.role = role
        self.name = name
        self.alive = True
        self.frozen = False
        self.mute = False
        self.got: list[child.ToChild] = []
        self.out: list[child.FromChild] = []
        self.frames_sent = 0
        self.scopes: frozenset[str] = frozenset()
        self.paused = False
        self.ended = False
        self.epochs: dict[int, set[str]] = {}
        self.opens: dict[int, child.Open] = {}
        self.in_use: int | None = None
        self.side: Side | None = None
        self.sdp_filter: Callable[[str], str] = lambda text: text

    def fingerprint(self, epoch: int) -> bytes:
        return hashlib.sha256(f"{self.name}/{epoch}".encode()).digest()

    @property
    def sending(self) -> bool:
        return "view" in self.scopes and not self.paused and not self.ended and self.alive

    def take(self, message: child.ToChild) -> None:
        if not self.alive or self.frozen:
            return
        message = child.decode_to_child(child.encode(message))
        self.got.append(message)
        if isinstance(message, child.Open):
            self.epochs[message.epoch] = set()
            self.opens[message.epoch] = message
            self.out.append(child.Fingerprint(message.epoch, self.fingerprint(message.epoch)))
            if self.role == "customer":
                self.out.append(child.LocalSdp(message.epoch, "offer", self._sdp("offer", message.epoch)))
        elif isinstance(message, child.RemoteSdp):
            self.epochs[message.epoch].add("remote")
            if message.type == "offer":
                self.out.append(child.LocalSdp(message.epoch, "answer", self._sdp("answer", message.epoch)))
        elif isinstance(message, child.Keep):
            self.epochs = {epoch: marks for epoch, marks in self.epochs.items() if epoch == message.epoch}
            self.in_use = message.epoch
        elif isinstance(message, child.Drop):
            self.epochs.pop(message.epoch, None)
        elif isinstance(message, child.ListTargets):
            self.out.append(child.Targets(message.seq, [SCREEN, WINDOW]))
        elif isinstance(message, child.Grants):
            self.scopes = frozenset(message.scopes)
            self.out.append(child.Ack(message.seq))
            self._film()
        elif isinstance(message, child.Pause):
            self.paused = message.on
            self._film()
        elif isinstance(message, child.End):
            self.ended = True
            self.out.append(child.Ended(self.frames_sent))

    def _sdp(self, kind: str, epoch: int) -> str:
        """Addresses as they would be gathered."""
        opened = self.opens[epoch]
        text = self.sdp_filter(sdp(kind, self.fingerprint(epoch)))
        lines = text.split("\r\n")
        side = self.side
        if side is not None and side.leaks:
            at = next(n for n, line in enumerate(lines) if line.startswith("a=candidate"))
            lines.insert(at, "a=candidate:7 1 udp 2130706431 192.168.7.7 40007 typ host")
        elif opened.relay_only:
            lines = [line for line in lines if " typ host" not in line]
        works = side is None or side.relay_works
        if works and any(server["urls"].startswith("turn") for server in opened.ice):
            at = lines.index("a=end-of-candidates")
            lines.insert(at, "a=candidate:2 1 udp 16777215 203.0.113.9 50000 typ relay raddr 0.0.0.0 rport 9")
        return "\r\n".join(lines)

    def speaks_on(self, epoch: int) -> int:
        """On which connection a message goes."""
        if epoch >= 0:
            return epoch
        open_ = [number for number, marks in self.epochs.items() if "open" in marks]
        return self.in_use if self.in_use in open_ else max(open_, default=-1)

    def _film(self) -> None:
        if self.role == "customer":
            self.frames_sent += 5 if self.sending else 0
            self.out.append(child.Stats({"frames_sent": float(self.frames_sent)}))

    def stats(self) -> None:
        self._film()


@dataclass
class Side:
    """One end with its host: carries out actions and keeps what came of them."""

    name: str
    end: EndBase
    actions: list[Action] = field(default_factory=list)
    child: FakeChild | None = None
    children: list[FakeChild] = field(default_factory=list)
    killed: int = 0
    leaks: bool = False
    relay_works: bool = True

    @property
    def link(self) -> EndLink:
        assert isinstance(self.end, EndLink)
        return self.end

    def of(self, kind: type[T]) -> list[T]:
        return [action for action in self.actions if isinstance(action, kind)]

    def last(self, kind: type[T]) -> T:
        return self.of(kind)[-1]

    def entries(self) -> list[str]:
        return [entry.type for entry in self.of(ChainEntry)]


class World:
    """Organisation, agent, customer, relay and network. `run` lets everything happen that needs no time."""

    def __init__(
        self,
        *,
        enrolled: bool = True,
        certified: bool = True,
        device: Mapping[str, object] | None = None,
        own_tickets: tuple[str, ...] = (TICKET,),
        clock: Clock | None = None,
        relay_only: bool = False,
    ) -> None:
        self.fake_clock = FakeClock()
        self.clock: Clock = clock or self.fake_clock
        self.org_key = private_key("organisation")
        self.agent_key = private_key("agent device")
        self.customer_key = private_key("customer device")
        self.pin = OrganisationPin("org-1", "Hanbit Support", public(self.org_key))
        self.replay = ReplayCache()
        self.revoked: frozenset[str] = frozenset()
        self.checker = InvitationChecker(
            self.pin,
            self.replay,
            own_tickets=lambda: own_tickets,
            revocations=lambda: RevocationList("org-1", self.clock.utc_ms(), self.revoked),
        )
        self.agent_end = AgentEnd(
            AgentIdentity(self.agent_key, self.certificate(), public(self.org_key), relay_only),
            self.clock,
            random=SeededBytes("agent"),
        )
        identity = CustomerIdentity(
            "Deskside Companion 0.1", "linux", self.customer_key if enrolled else None,
            self.device_certificate(**(device or {})).to_text() if certified else "",
        )  # fmt: skip
        self.customer_end = CustomerEnd(identity, self.clock, self.checker, random=SeededBytes("customer"))
        self.agent = Side("agent", self.agent_end)
        self.customer = Side("customer", self.customer_end)
        self.relay_up = True
        self.network_up = True
        self.new_connections = True
        self.rungs_up: set[int] | None = None  # None: all
        self.hold: Callable[[], None] = lambda: None  # may take back what a child is about to say
        self.turn_status = 200
        self.turn_body: dict[str, object] = {"urls": []}
        self.tamper: Callable[[str, bytes], bytes | None] = lambda _to, data: data
        self.mail: list[tuple[Side, bytes]] = []
        self.nacks: list[Side] = []
        self.wire: list[tuple[str, bytes]] = []
        self.server_status = 200
        self.server_body = b'{"link":"ignored","code":"012345678","pushed":true}'
        self.calls: list[CallServer] = []

    def certificate(self, **changes: object) -> SignedDocument:
        now = self.clock.utc_ms()
        values: dict[str, object] = {
            "org_id": "org-1",
            "serial": "c-1",
            "agent_id": "agent-7",
            "name": "Kim Jiwoo",
            "team": "Devices",
            "device_key": public(self.agent_key),
            "not_before": now - 1000,
            "not_after": now + 86_400_000,
            "scopes_max": tuple(scope.value for scope in BUILT_SCOPES),
        }
        return build_certificate(self.org_key, AgentCertificate(**(values | changes)))  # type: ignore[arg-type]  # built from words

    def device_certificate(self, **changes: object) -> SignedDocument:
        """What the server signed about the Companion's key."""
        now = self.clock.utc_ms()
        values: dict[str, object] = {
            "org_id": "org-1",
            "companion": "companion-5",
            "customer": "customer-3",
            "device_key": public(self.customer_key),
            "not_before": now - 1000,
            "not_after": now + 86_400_000,
        }
        return build_device_certificate(self.org_key, DeviceCertificate(**(values | changes)))  # type: ignore[arg-type]  # built from words

    # --- steps of the journey --------------------------------------------------------------------------------------

    def request(self, **changes: object) -> InviteRequest:
        values: dict[str, object] = {
            "ticket_id": TICKET,
            "ticket_no": "4182",
            "subject": "Printer stops after page 2",
            "requester_id": "customer-3",
            "requester_mail": "m***@example.com",
        }
        return InviteRequest(**(values | changes))  # type: ignore[arg-type]  # built from words

    def invite(self, **changes: object) -> None:
        self.do(self.agent, self.agent_end.invite(self.request(**changes)))

    @property
    def invitation(self) -> tuple[SignedDocument, bytes]:
        """What the server hands on: the signed invitation and the join secret."""
        body = next(call.body for call in self.calls if call.path == "/session/v1/invitations")
        return SignedDocument.from_parts(str(body["invitation"]), str(body["signature"])), unb64(
            str(body["join_secret"])
        )

    def open(self) -> None:
        self.do(self.customer, self.customer_end.open(*self.invitation))

    def choose(self, item: child.TargetItem = SCREEN) -> None:
        self.do(self.customer, self.customer_end.choose_target(item.id, item.kind))

    def allow(self) -> None:
        self.do(self.customer, self.customer_end.allow())

    def to_prompt(self) -> None:
        self.invite()
        self.open()

    def to_live(self) -> None:
        self.to_prompt()
        self.choose()
        self.allow()
        assert self.phases() == (Phase.UNVERIFIED, Phase.UNVERIFIED)

    def to_verified(self) -> None:
        self.to_live()
        self.do(self.customer, self.customer_end.pick_number(self.number))
        self.do(self.agent, self.agent_end.confirm_sas_same(True))
        assert self.phases() == (Phase.VERIFIED, Phase.VERIFIED)

    @property
    def number(self) -> str:
        """What the agent reads aloud."""
        return self.agent.last(SasNumber).number

    def phases(self) -> tuple[Phase, Phase]:
        return self.agent.end.view.phase, self.customer.end.view.phase

    # --- the machinery ---------------------------------------------------------------------------------------------

    def do(self, side: Side, actions: list[Action]) -> None:
        """Carry out actions and everything that follows without time passing."""
        self.perform(side, actions)
        self.settle()

    def perform(self, side: Side, actions: list[Action]) -> None:
        for action in actions:
            side.actions.append(action)
            if isinstance(action, SendEnvelope):
                self._relay(side, action)
            elif isinstance(action, StartChild):
                side.child = FakeChild(action.role, f"{side.name}{len(side.children)}")
                side.child.side = side
                side.children.append(side.child)
            elif isinstance(action, ToChild) and side.child is not None:
                side.child.take(action.message)
                self._carry(side, action.message)
            elif isinstance(action, KillChild) and side.child is not None:
                side.child.alive = False
                side.killed += 1
            elif isinstance(action, CallServer):
                self.calls.append(action)
                status, body = self.server_status, self.server_body
                if action.path.endswith("/turn"):
                    status, body = self.turn_status, msgspec.json.encode(self.turn_body)
                if status:
                    self.perform(side, side.link.on_server_result(action.call_id, status, body))

    def settle(self) -> None:
        """Deliver what children say until nobody has anything to say."""
        for _ in range(200):
            self.hold()
            busy = bool(self.mail or self.nacks)
            mail, self.mail = self.mail, []
            for to, data in mail:
                end = self.agent_end if to is self.agent else self.customer_end
                self.perform(to, end.on_envelope(data))
            nacks, self.nacks = self.nacks, []
            for sender in nacks:
                self.perform(sender, sender.end.on_nack())
            for side in (self.agent, self.customer):
                if side.child is not None and side.child.alive and side.child.out:
                    busy = True
                    message = child.decode_from_child(child.encode(side.child.out.pop(0)))
                    self.perform(side, side.end.on_child(message))
            busy |= self._connect()
            if not busy:
                return
        raise AssertionError("the two ends do not come to rest")

    def pass_time(self, ms: int, *, step_ms: int = 250) -> None:
        """Move the clock; children report once a second and their silence truly."""
        for _ in range(ms // step_ms):
            self.fake_clock.ms += step_ms
            if self.fake_clock.ms % 1000 < step_ms:
                self.report()
            for side in (self.agent, self.customer):
                self.do(side, side.end.tick())

    def report(self) -> None:
        """Every child says how its newest connection is."""
        for side in (self.agent, self.customer):
            fake = side.child
            if fake is None or not fake.alive or fake.frozen or not fake.epochs:
                continue
            fake.stats()
            for epoch in list(fake.epochs):
                if epoch in fake.epochs:
                    self.perform(side, side.end.on_child(self.state(side, epoch)))
        self.settle()

    def state(self, side: Side, epoch: int) -> child.PeerState:
        fake = side.child
        assert fake is not None
        open_ = "open" in fake.epochs[epoch]
        silent = 0 if self.talking else 60_000
        path = "relay" if fake.opens[epoch].relay_only else "direct"
        return child.PeerState(epoch, "completed", "connected", path, silent if open_ else 0, open_)

    @property
    def talking(self) -> bool:
        ends = [side.child for side in (self.agent, self.customer)]
        return self.network_up and all(f is not None and f.alive and not f.frozen and not f.ended for f in ends)

    def kill_child(self, side: Side) -> None:
        """The process dies by itself."""
        assert side.child is not None
        side.child.alive = False
        self.do(side, side.end.on_child_died())

    def freeze_time_for(self, side: Side) -> None:
        assert side.child is not None
        side.child.frozen = True

    def _relay(self, sender: Side, action: SendEnvelope) -> None:
        to = self.customer if action.to == "customer" else self.agent
        assert to is not sender
        if not self.relay_up:
            self.nacks.append(sender)
            return
        data = self.tamper(action.to, action.data)
        self.wire.append((action.to, action.data))
        if data is not None:
            self.mail.append((to, data))

    def _carry(self, side: Side, message: child.ToChild) -> None:
        """Data-channel messages reach the other child, which hands them up typed."""
        other = self.customer if side is self.agent else self.agent
        if not isinstance(message, child.Send) or not self.talking or other.child is None or side.child is None:
            return
        if not side.child.alive or not other.child.alive:
            return
        epoch = side.child.speaks_on(message.epoch)
        if not all("open" in fake.epochs.get(epoch, ()) for fake in (side.child, other.child)):
            return
        if message.channel == "ctl":
            other.child.out.append(child.Recv("ctl", msgspec.json.decode(message.data), epoch))
            return
        scopes, paused, sender = other.child.scopes, other.child.paused, Role(side.name)
        try:
            read = incoming.read(message.channel, message.data, sender=sender, scopes=scopes, paused=paused)
        except incoming.NotGranted as error:
            other.child.out.append(child.Fault("violation", str(error)))
        else:
            other.child.out.append(child.Recv(message.channel, read, epoch))

    def _connect(self) -> bool:
        """DTLS comes up as soon as both children have both descriptions of an epoch."""
        a, c = self.agent.child, self.customer.child
        if a is None or c is None or not self.talking or not self.new_connections:
            return False
        changed = False
        for epoch in sorted(set(a.epochs) & set(c.epochs)):
            if epoch not in a.epochs or epoch not in c.epochs:
                continue
            marks = a.epochs[epoch] & c.epochs[epoch]
            up = self.rungs_up is None or c.opens[epoch].rung in self.rungs_up
            if "remote" in marks and "open" not in marks and up:
                for fake in (a, c):
                    fake.epochs[epoch].add("open")
                    fake.in_use = epoch if fake.in_use is None else fake.in_use
                for side in (self.agent, self.customer):
                    if epoch in a.epochs and epoch in c.epochs:
                        self.perform(side, side.end.on_child(self.state(side, epoch)))
                changed = True
        return changed
