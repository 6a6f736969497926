# SPDX-License-Identifier: GPL-3.0-or-later
"""A real coturn on loopback, with the configuration that `deskside admin coturn` prints, and a certificate for it."""

from __future__ import annotations

import contextlib
import datetime as dt
import ipaddress
import shutil
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from sync.server.turn import TurnSettings, coturn_configuration
from tests.fakes.wait import wait_until

SECRET = b"a-shared-secret-of-the-tests"
MISSING = "coturn is not installed"
LOOPBACK = "127.0.0.1"


def available() -> bool:
    """Say whether this machine has coturn."""
    return shutil.which("turnserver") is not None


def free_port(kind: socket.SocketKind = socket.SOCK_STREAM, host: str = LOOPBACK) -> int:
    """Return a port that nobody uses now."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, kind) as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])


@dataclass
class Coturn:
    """One server. `settings` are those that the Deskside server would be given for it."""

    folder: Path
    process: subprocess.Popen[bytes]
    settings: TurnSettings
    authority: Path

    def answer(self, sid: bytes, role: str) -> dict[str, Any]:
        """What the Deskside server would answer to this end."""
        told = self.settings.credentials(int(time.time() * 1000), sid, role)
        return {"urls": told.urls, "username": told.username, "credential": told.credential, "lives_s": told.lives_s}

    def kill(self) -> None:
        """End it without a word."""
        self.process.kill()
        self.process.wait()

    @property
    def log(self) -> str:
        """What it said."""
        return (self.folder / "turn.log").read_text(errors="replace")


@contextlib.contextmanager
def running(folder: Path, *extra: str, host: str = LOOPBACK, meet: bool = True, without: str = "") -> Iterator[Coturn]:
    """Run one on free ports of `host`. `meet`: the two ends of a session may meet at it, as on a public address."""
    secret = folder / "secret"
    secret.write_bytes(SECRET)
    certificate, key, authority = make_certificates(folder, host)
    plain, tls, first = free_port(host=host), free_port(host=host), free_port(socket.SOCK_DGRAM, host)
    first = min(first, 60_000)
    settings = TurnSettings((host, plain), (host, tls), SECRET)
    printed = coturn_configuration(settings, "test", str(certificate), str(key), host if meet else "203.0.113.9")
    lines = [line for line in printed.splitlines() if line not in ("syslog", "no-stdout-log", without)]
    lines += [
        f"listening-ip={host}", f"relay-ip={host}", f"min-port={first}", f"max-port={first + 500}",
        f"pidfile={folder / 'pid'}", f"userdb={folder / 'turndb'}", "log-file=stdout", "simple-log", "relay-threads=1",
        *(["allow-loopback-peers"] if meet else []), *extra,
    ]  # fmt: skip
    configuration = folder / "turnserver.conf"
    configuration.write_text("\n".join(lines) + "\n")
    with (folder / "turn.log").open("wb") as log:
        process = subprocess.Popen(["turnserver", "-c", str(configuration)], stdout=log, stderr=log, cwd=folder)
    server = Coturn(folder, process, settings, authority)
    try:
        wait_until(lambda: process.poll() is not None or _listens(host, tls), 20)
        if process.poll() is not None:
            raise RuntimeError(f"coturn did not start: {server.log}")
        yield server
    finally:
        server.kill()


def _listens(host: str, port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection((host, port), 1):
        return True
    return False


def make_certificates(folder: Path, host: str) -> tuple[Path, Path, Path]:
    """Make an authority nobody knows and a certificate of it; return certificate, key and authority."""
    authority_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    issuer = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Deskside test authority")])
    address = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(host)), x509.DNSName("localhost")])
    root = _builder(issuer, issuer, authority_key).add_extension(x509.BasicConstraints(True, None), critical=True)
    leaf = _builder(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)]), issuer, key)
    leaf = leaf.add_extension(address, critical=False)
    paths = folder / "chain.pem", folder / "key.pem", folder / "authority.pem"
    paths[0].write_bytes(leaf.sign(authority_key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
    paths[1].write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    paths[2].write_bytes(root.sign(authority_key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
    return paths


def _builder(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
    now = dt.datetime.now(dt.UTC)
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(key.public_key())
    builder = builder.serial_number(x509.random_serial_number()).not_valid_before(now - dt.timedelta(days=1))
    return builder.not_valid_after(now + dt.timedelta(days=1))


def trusting(authority: Path) -> ssl.SSLContext:
    """Return a TLS context that knows this authority alone."""
    return ssl.create_default_context(cafile=str(authority))
