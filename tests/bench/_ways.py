# SPDX-License-Identifier: GPL-3.0-or-later
"""How the two ends of a benchmark reach each other: directly, through a bad network, or through a relay over TLS."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from remote_assist.ladder import TLS, read_relay
from tests.bench._gates import LAN
from tests.bench._relay import PROFILES, Relay
from tests.fakes import coturn

TURN_TLS = "turn-tls"
ALL = (LAN, *PROFILES, TURN_TLS)


@dataclass(frozen=True, slots=True)
class Way:
    """`ice`: what each role is given; with it only relayed addresses are used. `env`: what the children need."""

    relay: Relay | None = None
    ice: dict[str, list[dict[str, str]]] = field(default_factory=dict)
    env: dict[str, str] = field(default_factory=dict)


@contextlib.contextmanager
def way(profile: str) -> Iterator[Way]:
    """Yield how to connect on this profile."""
    if profile == TURN_TLS:
        with tempfile.TemporaryDirectory(prefix="deskside-bench-") as folder, coturn.running(Path(folder)) as server:
            yield Way(ice=_tls(server), env={"SSL_CERT_FILE": str(server.authority)})
    elif profile == LAN:
        yield Way()
    else:
        relay = Relay(PROFILES[profile])
        try:
            yield Way(relay)
        finally:
            relay.close()


def _tls(server: coturn.Coturn) -> dict[str, list[dict[str, str]]]:
    out: dict[str, list[dict[str, str]]] = {}
    for role in ("customer", "agent"):
        told = server.answer(bytes(16), role)
        relay = read_relay(msgspec.json.encode(told))
        assert relay is not None
        out[role] = relay.ice(TLS, relay_only=True)
    return out
