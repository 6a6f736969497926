# SPDX-License-Identifier: GPL-3.0-or-later
"""A TURN server beside this one: where it is, its shared secret, credentials of ten minutes, and its configuration.

Credentials follow coturn's REST scheme: the user name is `<expiry>:<sid>:<role>`, the password its HMAC-SHA1 under the
shared secret. Nobody can make them without the secret, and coturn needs no list of users.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import ipaddress
import re
from dataclasses import dataclass, field
from pathlib import Path

from app.domain.errors import WorldError
from sync.session_protocol import TurnServers

__all__ = ["TURN_LIFE_S", "TurnSettings", "coturn_configuration", "host_and_port"]

TURN_LIFE_S = 600
_PLAIN_PORT = 3478
_TLS_PORT = 443
_SECRET_MIN = 16
_SECRET_MAX = 512
# no IPv6 literals: aiortc does not read them
_HOST = re.compile(r"(?=.{1,253}$)[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)*")
# what a relay must never reach on anybody's behalf: this machine, private and shared networks, link-local, multicast
DENIED_PEERS = (
    "0.0.0.0-0.255.255.255", "10.0.0.0-10.255.255.255", "100.64.0.0-100.127.255.255", "127.0.0.0-127.255.255.255",
    "169.254.0.0-169.254.255.255", "172.16.0.0-172.31.255.255", "192.0.0.0-192.0.0.255", "192.0.2.0-192.0.2.255",
    "192.88.99.0-192.88.99.255", "192.168.0.0-192.168.255.255", "198.18.0.0-198.19.255.255",
    "198.51.100.0-198.51.100.255", "203.0.113.0-203.0.113.255", "224.0.0.0-255.255.255.255", "::1",
    "64:ff9b::-64:ff9b::ffff:ffff", "::ffff:0.0.0.0-::ffff:255.255.255.255", "100::-100::ffff:ffff:ffff:ffff",
    "2001::-2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff", "2002::-2002:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
    "fc00::-fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "fe80::-febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
    "ff00::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class TurnSettings:
    """What the administrator says. `tls` is None when the server has no TLS listener."""

    plain: tuple[str, int]
    tls: tuple[str, int] | None
    secret: bytes = field(repr=False)
    only: bool = False
    """Whether sessions may go through the relay alone."""

    @classmethod
    def read(
        cls, plain: str | None, tls: str | None, secret_file: Path | None, *, only: bool = False
    ) -> TurnSettings | None:
        """Return the settings as given on a command line; None without any. Raises WorldError("bad_turn")."""
        if plain is None and tls is None and secret_file is None and not only:
            return None
        if plain is None or secret_file is None:
            raise WorldError("bad_turn")
        try:
            secret = secret_file.read_bytes().strip()
        except OSError as error:
            raise WorldError("bad_turn") from error
        if not _SECRET_MIN <= len(secret) <= _SECRET_MAX or any(not 33 <= byte <= 126 for byte in secret):
            raise WorldError("bad_turn")
        return cls(host_and_port(plain, _PLAIN_PORT), host_and_port(tls, _TLS_PORT) if tls else None, secret, only)

    def credentials(self, now_ms: int, sid: bytes, role: str) -> TurnServers:
        """Return servers and fresh credentials for one end of one session."""
        name = f"{now_ms // 1000 + TURN_LIFE_S}:{sid.hex()}:{role}"
        password = base64.b64encode(hmac.digest(self.secret, name.encode(), hashlib.sha1)).decode()
        host, port = self.plain
        urls = [f"stun:{host}:{port}", *(f"turn:{host}:{port}?transport={kind}" for kind in ("udp", "tcp"))]
        if self.tls is not None:
            urls.append("turns:{}:{}?transport=tcp".format(*self.tls))
        return TurnServers(urls=urls, username=name, credential=password, lives_s=TURN_LIFE_S)


def host_and_port(text: str, default: int) -> tuple[str, int]:
    """Return a host name or IPv4 address and a port. Raises WorldError("bad_turn")."""
    host, colon, port = text.strip().partition(":")
    number = int(port) if port.isascii() and port.isdigit() else 0
    if not _HOST.fullmatch(host) or (colon and not 0 < number < 1 << 16):
        raise WorldError("bad_turn")
    return host, number or default


def coturn_configuration(settings: TurnSettings, realm: str, certificate: str, key: str, relay: str) -> str:
    """Return a turnserver.conf. `relay` is the relay's address as both ends see it. Raises WorldError("bad_turn")."""
    try:
        allowed = str(ipaddress.ip_address(relay))
    except ValueError as error:
        raise WorldError("bad_turn") from error
    if any(not text.isprintable() for text in (realm, certificate, key)):
        raise WorldError("bad_turn")
    lines = [
        "# coturn for Deskside. The shared secret is in this file: mode 0600, owner turnserver.",
        "use-auth-secret",
        f"static-auth-secret={settings.secret.decode()}",
        f"realm={realm}",
        "fingerprint",
        "",
        f"listening-port={settings.plain[1]}",
    ]
    if settings.tls is not None:
        lines += [
            f"tls-listening-port={settings.tls[1]}",
            f"cert={certificate}",
            f"pkey={key}",
            "no-tlsv1",
            "no-tlsv1_1",
        ]
    else:
        lines.append("no-tls")
    lines += [
        "no-dtls",
        "",
        "# two ends, each with two attempts and one old connection; then nobody holds more",
        "user-quota=4",
        "total-quota=400",
        "max-bps=2500000",
        "stale-nonce=600",
        "",
        "# nobody is relayed into this or any private network; both ends may meet at this relay",
        "no-multicast-peers",
        *(f"denied-peer-ip={block}" for block in DENIED_PEERS),
        f"allowed-peer-ip={allowed}",
        "no-tcp-relay",
        "",
        "no-cli",
        "no-software-attribute",
        "no-stdout-log",
        "syslog",
    ]
    return "\n".join(lines) + "\n"
