# SPDX-License-Identifier: GPL-3.0-or-later
"""Starts screen-sharing sessions from tickets, certifies them, and hands them what the relay brings. GUI thread."""

from __future__ import annotations

import json
import time
from collections.abc import Callable

from cryptography.hazmat.backends.openssl import backend as _backend  # noqa: F401  # else the first session loads it
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from PySide6.QtCore import QObject

from app.config.policy import Policy
from app.desktop.network_watch import NetworkWatch
from app.desktop.session_host import SessionHost
from app.domain.assist import server_end
from app.domain.certificate import read_certificate
from app.domain.changes import AnyChange
from app.domain.clock import monotonic_ms
from app.domain.documents import BadDocument, SignedDocument
from app.domain.errors import Refused
from app.domain.ids import TicketId
from app.domain.ports import SyncLink, TicketDetails
from app.domain.signed import b64, unb64
from app.entry.agent_diagnostics import DiagnosticsKeeper
from app.entry.agent_page import JoinPage
from app.entry.agent_recording import RecordingDesk
from app.entry.agent_session import AgentSession
from remote_assist.agent_end import AgentIdentity
from widgets.remote.ports import (
    InviteOrder,
    SessionControls,
    SessionScreen,
)

__all__ = ["RealClock", "SessionDesk"]

_RENEW_BEFORE_MS = 24 * 3600 * 1000


class RealClock:
    """The two clocks of an end, of this computer."""

    def monotonic_ms(self) -> int:
        """Milliseconds that never jump, and go on while the computer sleeps."""
        return monotonic_ms()

    def utc_ms(self) -> int:
        """Milliseconds since 1970."""
        return time.time_ns() // 1_000_000


class SessionDesk(QObject):
    """Starts sessions from tickets; fulfils `widgets.remote.ports.SessionDesk`."""

    def __init__(
        self,
        link: SyncLink,
        record: Callable[[AnyChange], None],
        details: Callable[[TicketId], TicketDetails | None],
        make_host: Callable[[QObject], SessionHost],
        parent: QObject | None = None,
        recordings: RecordingDesk | None = None,
        policy: Callable[[], Policy] = Policy,
    ) -> None:
        """`record` saves a change off this thread; `details` returns the page that is open, without waiting.

        Without `recordings` nothing can be recorded here. `policy` is asked anew for each session.
        """
        super().__init__(parent)
        self.recordings = recordings
        self._policy = policy
        self._link = link
        self._record = record
        self._details = details
        self._make_host = make_host
        self._clock = RealClock()
        self._device_key: Ed25519PrivateKey | None = None
        self._identity: AgentIdentity | None = None
        self._valid_until = 0
        self.page = JoinPage()
        self.wants_note = False  # the server takes no invitation without a reason
        self.sessions: list[AgentSession] = []
        self._network: NetworkWatch | None = None
        self.diagnostics: DiagnosticsKeeper | None = None  # set by the program; without it nothing is kept

    def use_key(self, device_key: Ed25519PrivateKey) -> None:
        """Take the key of this device, once it was read from the key store."""
        self._device_key = device_key
        self._identity = None

    def start(self, order: InviteOrder, screen: SessionScreen) -> SessionControls:
        """Invite the customer. Raises Refused when the ticket allows no session."""
        rules = self._policy()
        if not rules.sharing:
            raise Refused("sharing_forbidden")
        details = self._details(order.ticket)
        if details is None or details.customer is None:
            raise Refused("no_session_here")
        session = AgentSession(self, order, details, screen, rules)
        self.sessions.append(session)
        if self._network is None:
            self._network = NetworkWatch(self)
        self._network.changed.connect(session.network_changed)
        self.with_identity(session.invite)
        return session

    def with_identity(self, then: Callable[[AgentIdentity | None], None]) -> None:
        """Call `then` with a certificate that is good for another day, or None when the server gives none now."""
        if self._identity is not None and self._clock.utc_ms() < self._valid_until - _RENEW_BEFORE_MS:
            then(self._identity)
            return
        if self._device_key is None:
            then(None)
            return
        key = self._device_key
        body = json.dumps({"device_key": b64(key.public_key().public_bytes_raw())}).encode()
        self._link.call("POST", "/session/v1/certificate", body, lambda status, raw: self._certified(status, raw, then))

    def _certified(self, status: int, raw: bytes, then: Callable[[AgentIdentity | None], None]) -> None:
        if not 200 <= status < 300 or self._device_key is None:
            then(None)
            return
        try:
            answer = json.loads(raw)
            organisation = unb64(answer["org_key"])
            signed = SignedDocument.from_parts(answer["certificate"], answer["signature"])
            self._valid_until = read_certificate(signed, organisation).not_after
        except (ValueError, KeyError, TypeError, BadDocument):
            then(None)
            return
        self.page.learn(answer)
        self.wants_note = answer.get("require_note") is True
        self._identity = AgentIdentity(self._device_key, signed, organisation, answer.get("relay_only") is True)
        then(self._identity)

    def forget_certificate(self) -> None:
        """Ask for another one next time: what the server wants of invitations may have changed since this one."""
        self._identity = None

    # --- from the sync link -----------------------------------------------------------------------------------------

    def on_sig(self, sid: bytes, data: bytes) -> None:
        """Signalling data arrived for a session."""
        for session in self.sessions:
            if session.sid == sid:
                session.on_envelope(data)

    def on_sig_nack(self, sid: bytes) -> None:
        """The relay could not deliver."""
        for session in self.sessions:
            if session.sid == sid:
                session.on_nack()

    def on_ended(self, sid: bytes, reason: str) -> None:
        """The server ended a session. Only its own reasons are news: for the rest both ends know better themselves."""
        why = server_end(reason)
        for session in self.sessions:
            if session.sid == sid and why is not None:
                session.revoked(why)

    @property
    def live(self) -> bool:
        """Whether a session has not ended yet."""
        return any(not session.over for session in self.sessions)

    def shut_down(self) -> None:
        """End every session; for the end of the program."""
        if self._network is not None:
            self._network.stop()
        for session in self.sessions:
            session.end()
            session.shut_down()

    # --- for sessions -----------------------------------------------------------------------------------------------

    @property
    def link(self) -> SyncLink:
        """The way to the server."""
        return self._link

    @property
    def clock(self) -> RealClock:
        """This computer's clocks."""
        return self._clock

    def record(self, change: AnyChange) -> None:
        """Save a change."""
        self._record(change)

    def make_host(self, parent: QObject) -> SessionHost:
        """Return a host for one more session child."""
        return self._make_host(parent)
