# SPDX-License-Identifier: GPL-3.0-or-later
"""The agent's end inside: follows the customer's end and its record, and countersigns the receipt. See `agent_end`."""

from __future__ import annotations

import hmac
import secrets
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from app.domain.assist import EndReason, Notice, Phase, ProofKind, Role, Scope
from app.domain.certificate import read_certificate
from app.domain.device_certificate import read_device_certificate
from app.domain.documents import BadDocument, SignedDocument
from app.domain.invitation import (
    BROWSER_MODE,
    COMPANION_MODE,
    Invitation,
    InvitationPolicy,
    invite_hash,
)
from app.domain.session_record import JOIN_LABEL
from app.domain.signed import b64, lp, unb64, verify
from remote_assist import child_protocol as child
from remote_assist import envelope as env
from remote_assist import messages as wire
from remote_assist.actions import (
    Action,
    ChainEntry,
    Clock,
    CustomerJoined,
    GrantsChanged,
    Notify,
    Receipt,
    RemoteTarget,
    SasNumber,
)
from remote_assist.agent_record import FollowedRecord
from remote_assist.chain import build_receipt, countersign_entry
from remote_assist.end_base import Random, peer_reason
from remote_assist.end_link import EndLink
from remote_assist.envelope import DroppedEnvelope, Envelope, EnvelopeReader, EnvelopeWriter, PeerMisbehaved
from remote_assist.grants import BUILT_SCOPES, in_order
from remote_assist.handshake import AgentHandshake, Binding, HandshakeError, Reveal, SessionKeys
from remote_assist.ladder import TLS
from remote_assist.limits import COUNTERSIGN_WAIT_MS, LAST_ENTRY_MS, Limits
from remote_assist.session import Effect

__all__ = ["AgentCore", "AgentIdentity", "InviteRequest"]


@dataclass(frozen=True, slots=True)
class AgentIdentity:
    """Who invites: the device key, the certificate the server made for it, and whether it wants the relay alone."""

    device_key: Ed25519PrivateKey
    certificate: SignedDocument
    organisation_key: bytes
    relay_only: bool = False


@dataclass(frozen=True, slots=True)
class InviteRequest:
    """Which ticket, and for whom."""

    ticket_id: str
    ticket_no: str
    subject: str
    requester_id: str
    requester_mail: str
    want_code: bool = True
    scopes_max: tuple[Scope, ...] = BUILT_SCOPES
    policy: InvitationPolicy = field(default_factory=InvitationPolicy)
    modes: tuple[str, ...] = (COMPANION_MODE,)
    forbidden: frozenset[Scope] = frozenset()  # what policy of the agent's organisation takes away


class AgentCore(EndLink):
    """State and what happens by itself; `AgentEnd` adds what the agent does."""

    role = Role.AGENT

    def __init__(
        self,
        identity: AgentIdentity,
        clock: Clock,
        *,
        random: Random = secrets.token_bytes,
        limits: Limits | None = None,
    ) -> None:
        """Raises BadDocument when the certificate is not one of this organisation."""
        super().__init__(clock, random)
        self._identity = identity
        self._certificate = read_certificate(identity.certificate, identity.organisation_key)
        self._limits = limits or Limits()
        self._request: InviteRequest | None = None
        self._invitation: Invitation | None = None
        self._signed: SignedDocument | None = None
        self._join_secret = b""
        self._invite_call: int | None = None
        self._registered = False
        self._server_told = False
        self._session_key = b""
        self._chain: FollowedRecord | None = None
        self._consented = False
        self._handshake: AgentHandshake | None = None
        self._commitment: bytes | None = None
        self._customer_fingerprint = b""
        self._keys: SessionKeys | None = None
        self._answers_due: set[int] = set()
        self._rebind_due = False
        self._claimed = False
        self._pause_said = False  # and no word of the customer's end about it yet
        self._supported: tuple[str, ...] = ()
        self._grants_seq = -1
        self._view: wire.View | None = None
        self._view_sent_at: int | None = None
        self._view_due_at: int | None = None
        self._wait_until: int | None = None

    # --- the customer's envelopes ----------------------------------------------------------------------------------

    def on_envelope(self, raw: bytes) -> list[Action]:
        """Bytes from the relay, from anybody. What the invited customer did not sign is ignored."""
        try:
            if self._reader is None:
                self._on_join(raw)
            elif self.view.phase is Phase.ENDED:
                self._after_end(self._reader.read(raw))
            else:
                self._handle(self._reader.read(raw))
        except DroppedEnvelope:
            pass
        except (PeerMisbehaved, HandshakeError):
            self._end(EndReason.PROTOCOL, "customer")
        return self._flush()

    def _on_join(self, raw: bytes) -> None:
        machine, invitation, signed = self._machine, self._invitation, self._signed
        if machine is None or invitation is None or signed is None or machine.phase is not Phase.INVITED:
            raise DroppedEnvelope("no invitation")
        key, _ = env.peek_join(raw)
        reader = EnvelopeReader(self._sid, Role.CUSTOMER, key)
        body = reader.read(raw).body
        proof = b64(env.join_proof(self._join_secret, invitation.iid, key))
        if not isinstance(body, env.JoinBody) or body.iid != b64(invitation.iid):
            raise DroppedEnvelope("another invitation")
        if not hmac.compare_digest(body.proof, proof) or Scope.VIEW.value not in body.scopes_supported:
            raise DroppedEnvelope("proof")
        browser = body.app == BROWSER_MODE
        if (BROWSER_MODE if browser else COMPANION_MODE) not in invitation.modes:
            raise DroppedEnvelope("mode")
        self._browser = browser
        self._reader, self._session_key, self._supported = reader, key, tuple(body.scopes_supported)
        self._writer = EnvelopeWriter(self._sid, self.role, self._identity.device_key)
        self._chain = FollowedRecord(key, invite_hash(signed))
        self._apply(machine.opened(self._now))
        self._out.append(CustomerJoined(self._proof_kind(body, key), body.app, body.platform))
        # Started while the customer reads, so that it is ready at the consent; until then it has no connection.
        self._child_limits = {"fps_max": invitation.policy.fps_max, "browser": int(self._browser)}
        self._start_child()
        self._tell_view()

    def _proof_kind(self, body: env.JoinBody, key: bytes) -> ProofKind:
        """A known computer is one of which the organisation signed that it is this customer's."""
        invitation, pinned = self._invitation, self._identity.organisation_key
        if invitation is None or body.device_key is None or body.device_sig is None:
            return ProofKind.LINK
        try:
            device, signature = unb64(body.device_key), unb64(body.device_sig)
        except ValueError:
            return ProofKind.LINK
        if not verify(device, JOIN_LABEL, lp(invitation.iid, key), signature):
            return ProofKind.LINK
        try:
            known = read_device_certificate(SignedDocument.from_text(body.device_cert or ""), pinned)
        except BadDocument:
            return ProofKind.DEVICE_UNKNOWN
        named = known.org_id, known.device_key, known.customer
        own = named == (invitation.org_id, device, invitation.requester_id) and known.valid_at(self._clock.utc_ms())
        return ProofKind.DEVICE if own else ProofKind.DEVICE_UNKNOWN

    def _handle(self, envelope: Envelope) -> None:
        body, phase = envelope.body, self.view.phase
        if isinstance(body, env.EndBody):
            self._end(peer_reason(body.reason), "customer")
        elif isinstance(body, env.ChainBody):
            self._on_chain(body)
        elif isinstance(body, env.PromptedBody) and phase is Phase.PROMPTED:
            pass  # the phase says it already
        elif isinstance(body, env.RefusedBody) and phase is Phase.PROMPTED:
            self._end(EndReason.REFUSED, body.reason if body.reason == "system" else "customer")
        elif isinstance(body, env.ConsentedBody) and phase is Phase.PROMPTED:
            self._on_consented(body)
        elif isinstance(body, env.CommitBody) and phase is Phase.CONNECTING and self._commitment is None:
            self._commitment = env.key_bytes(body.h)
            self._accept_if_ready()
        elif isinstance(body, env.RevealBody) and self._handshake is not None and self._keys is None:
            self._on_reveal(body)
        elif isinstance(body, env.SdpBody) and self._keys is not None:
            self._on_offer(envelope, body)
        else:
            raise PeerMisbehaved(envelope.t)

    def _on_consented(self, body: env.ConsentedBody) -> None:
        if self._machine is None or self._chain is None or body.scope != Scope.VIEW.value:
            raise PeerMisbehaved("consented")
        if body.chain_head != b64(self._chain.head):
            self._chain.miss(self._now)
        self._apply(self._machine.consented(self._now))
        self._open_epoch()

    def _accept_if_ready(self) -> None:
        own = self._fingerprints.get(0)
        if self._commitment is None or own is None or self._handshake is not None or self._signed is None:
            return
        binding = Binding(
            invite_hash(self._signed),
            self._sid,
            self._identity.device_key.public_key().public_bytes_raw(),
            self._session_key,
        )
        self._handshake = AgentHandshake(binding, own, self._commitment, self._random)
        reveal = self._handshake.reveal
        self._send("sas.accept", env.AcceptBody(b64(reveal.public), b64(reveal.nonce), b64(reveal.fingerprint)))

    def _on_reveal(self, body: env.RevealBody) -> None:
        if self._handshake is None or self._reader is None or self._writer is None:
            return
        customer = Reveal(*(env.key_bytes(text) for text in (body.C, body.Nc, body.Fc)))
        self._keys = self._handshake.finish(customer)
        self._customer_fingerprint = customer.fingerprint
        self._reader.use_key(self._keys.seal_c2a)
        self._writer.use_key(self._keys.seal_a2c)
        self._keyed = True
        if self._rebind_due:
            self._ask_rebind("child")

    def _on_offer(self, envelope: Envelope, body: env.SdpBody) -> None:
        epoch = self._attempts.get(0) if body.epoch == 0 else None
        if (epoch is None and body.epoch < self._next_epoch) or body.rung > TLS:
            raise PeerMisbehaved("offer: epoch")
        sdp, facts = self._check_remote_sdp(envelope, body.sdp)
        if body.epoch == 0 and facts.fingerprint != self._customer_fingerprint:
            raise PeerMisbehaved("offer: fingerprint")
        if epoch is None:
            self._next_epoch = body.epoch
            epoch = self._open_epoch(body.rung)
        elif self._rebind_due:
            return  # our certificate of epoch 0 died with its child; the next offer is on its way
        self._answers_due.add(body.epoch)
        self._tell_epoch(epoch, child.RemoteSdp(body.epoch, "offer", sdp, facts.fingerprint))

    def _on_chain(self, body: env.ChainBody) -> None:
        """Follow the record. What was lost on the way is asked for again."""
        if self._chain is None or self._invitation is None:
            return
        entry = self._chain.take(body.entry, self._now)
        if entry is None:
            return
        ticket = self._invitation.ticket_id
        self._out.append(ChainEntry(self._sid, ticket, entry.n, entry.type.value, entry.at, entry.hash, entry.text))

    def _ask_again(self, now: int) -> None:
        if self._chain is not None and self._asking_at is not None and now >= self._asking_at:
            self._send("chain.again", env.ChainAgainBody(self._chain.asked(now)))

    @property
    def _asking_at(self) -> int | None:
        over = self.view.phase is Phase.ENDED and self._wait_until is None
        return self._chain.asking_at if self._chain is not None and not over else None

    # --- connection ------------------------------------------------------------------------------------------------

    def _on_fingerprint(self, epoch: int) -> None:
        if epoch == 0:
            self._accept_if_ready()

    def _on_sdp(self, message: child.LocalSdp) -> None:
        epoch = self._attempts.get(message.epoch)
        if message.type != "answer" or message.epoch not in self._answers_due or epoch is None:
            return
        self._answers_due.discard(message.epoch)
        sdp = self._local_sdp(message, epoch)
        if sdp is not None:
            self._send("answer", env.SdpBody(message.epoch, epoch.rung, sdp))

    def _tell_view(self) -> None:
        if self._view is not None:
            self._tell(child.View(self._view.w, self._view.h, self._view.src_rect))

    def _child_replaced(self) -> None:
        self._tell_view()
        if self.view.phase is Phase.PROMPTED:
            return
        if self._machine is not None and self._machine.live:
            was_lost = self._machine.lost
            self._apply(self._machine.cut(self._now))
            if was_lost:
                self._ask_rebind("child")
        elif self._handshake is None:
            self._next_epoch = 0
            self._open_epoch()
        elif self._keys is None:
            self._rebind_due = True
        else:
            self._ask_rebind("child")

    def _on_attempts_failed(self) -> None:
        super()._on_attempts_failed()
        self._ask_rebind("failed")  # the customer's end may not have noticed; if it has, it is at it

    def _ask_rebind(self, why: str) -> None:
        if self._keys is not None:
            self._send("rebind.request", env.RebindBody(self._next_epoch, why))

    def _on_connected(self) -> None:
        self._rebind_due = False
        if self._machine is None or self._keys is None:
            return
        if self._active is not None and self._machine.phase is Phase.UNVERIFIED and not self._claimed:
            self._out.append(SasNumber(self._keys.number))
        if self._grants:
            self._tell(child.Grants(max(self._grants_seq, 0), [scope.value for scope in self._grants]))
        self._sync_pause()

    def _on_line(self) -> None:
        if self._machine is None or not self._machine.live:
            return
        if self._claimed and self._machine.phase is Phase.UNVERIFIED:
            self._say(wire.Claim("sas", {"same": True}))
        if self._pause_said:
            self._say(wire.Pause(True, "agent"))
        self._say_view()

    def _on_effect(self, effect: Effect) -> None:
        if effect is Effect.LOST:
            self._sync_pause()
            self._ask_rebind("lost")
        elif effect in (Effect.BACK, Effect.PAUSED, Effect.RESUMED):
            self._sync_pause()

    # --- what the customer says ------------------------------------------------------------------------------------

    def _on_message(self, message: wire.Message) -> None:
        machine = self._machine
        if machine is None:
            return
        if isinstance(message, wire.Grants):
            self._on_grants(message)
        elif isinstance(message, wire.SasResult):
            if message.ok and not self._claimed:
                self._on_malformed("sas")  # nobody can be verified before the agent has said so
            else:
                self._apply(machine.sas_chosen(message.ok, self._now))
        elif isinstance(message, wire.Pause):
            self._on_pause(message)
        elif isinstance(message, wire.Target):
            self._out.append(RemoteTarget(message.w, message.h, message.scale, message.kind, message.marks))
        elif isinstance(message, wire.Refused):
            notice = Notice.FORBIDDEN if message.why == "policy" else Notice.REFUSED
            self._out.append(Notify(notice, message.scope.value))
        elif isinstance(message, wire.Limits):
            if message.hard_s * 1000 < machine.limits.hard_ms:
                self._out.append(Notify(Notice.SHORTER, str(message.hard_s // 60)))
            machine.shorten(idle_ms=message.idle_s * 1000, hard_ms=message.hard_s * 1000, now_ms=self._now)

    def _on_grants(self, message: wire.Grants) -> None:
        if message.seq < self._grants_seq:
            return
        self._grants_seq = message.seq
        self._grants = in_order(message.set)
        if self._chain is not None:
            self._chain.saw(self._grants)
        self._tell(child.Grants(message.seq, [scope.value for scope in self._grants]))
        self._out.append(GrantsChanged(self._grants))

    def _on_pause(self, message: wire.Pause) -> None:
        if self._machine is None:
            return
        self._pause_said = False
        if message.on:
            self._apply(self._machine.pause("customer", self._now))
        else:
            self._apply(self._machine.resume("customer", self._now))

    def _say_view(self) -> None:
        self._view_due_at = None
        if self._view is not None and self.view.live:
            self._view_sent_at = self._now
            self._say(self._view)

    # --- way out ---------------------------------------------------------------------------------------------------

    def _own_deadlines(self) -> list[int | None]:
        return [self._view_due_at, self._wait_until, self._asking_at]

    def _on_tick(self, now: int) -> None:
        if self._view_due_at is not None and now >= self._view_due_at:
            self._say_view()
        self._ask_again(now)
        if self._wait_until is not None and now >= self._wait_until:
            self._wait_until = None
            self._tell_server()

    def _before_end(self) -> None:
        machine = self._machine
        self._view_due_at = None
        if machine is None or machine.reason is None:
            return
        self._out.append(GrantsChanged(()))
        if self._reader is None:
            self._tell_server()
            return
        if machine.ended_by != Role.CUSTOMER.value:
            self._send("end", env.EndBody(machine.reason.value))
        self._wait_until = self._now + COUNTERSIGN_WAIT_MS
        if self._chain is not None:
            self._chain.want(self._now, LAST_ENTRY_MS)

    def _after_end(self, envelope: Envelope) -> None:
        """Only the rest of the record is still read: its last entry is the receipt, which we countersign."""
        if self._wait_until is None or not isinstance(envelope.body, env.ChainBody):
            return
        self._on_chain(envelope.body)
        if self._chain is None or self._signed is None or not self._chain.ended or self._invitation is None:
            return
        signature = countersign_entry(self._identity.device_key, self._chain.entries[-1])
        pinned, number = self._identity.organisation_key, self._keys.number if self._keys is not None else None
        data = build_receipt(self._signed, pinned, self._session_key, self._chain.entries, signature)
        if not self._chain.may_sign(data, pinned, number):
            self._wait_until = self._now  # what it says is not what happened here: it stays without our signature
            return
        self._out.append(Receipt(self._sid, self._invitation.ticket_id, data, countersigned=True))
        reason = self.view.reason
        self._send("end", env.EndBody(reason.value if reason is not None else "", b64(signature)))
        self._wait_until = None
        self._tell_server()

    def _tell_server(self) -> None:
        """Close the invitation or session on the server, once, when nothing needs its relay any more."""
        reason = self.view.reason
        if self._registered and not self._server_told and reason is not None:
            self._server_told = True
            self._call(f"/session/v1/{self._sid.hex()}/end", {"reason": reason.value})
