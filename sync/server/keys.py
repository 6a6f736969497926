# SPDX-License-Identifier: GPL-3.0-or-later
"""The server's secrets in its data folder, made at first start: the organisation key and the server's own secret."""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from app.domain.errors import StoreUnavailable
from app.domain.signed import b64, unb64

__all__ = ["ServerKeys", "promote_next", "write_next"]

_ORGANISATION = "organisation.key"


@dataclass(frozen=True, slots=True)
class ServerKeys:
    """`organisation` signs certificates, `tokens` access tokens; `pepper` hardens codes, `attachments` seals files."""

    organisation: Ed25519PrivateKey
    tokens: Ed25519PrivateKey
    pepper: bytes
    attachments: bytes

    @classmethod
    def load(cls, folder: Path) -> ServerKeys:
        """Read the keys, or make them (mode 0600) if there are none.

        Raises StoreUnavailable: folder_unwritable, keys_damaged.
        """
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            organisation = _secret(folder / _ORGANISATION)
            server = _secret(folder / "server.key")
        except OSError as error:
            raise StoreUnavailable("folder_unwritable", path=str(folder)) from error
        except ValueError as error:
            raise StoreUnavailable("keys_damaged", path=str(folder)) from error
        return cls.of(organisation, server)

    @classmethod
    def of(cls, organisation: bytes, server: bytes) -> ServerKeys:
        """Return the keys that two 32-byte secrets stand for."""
        token_key = Ed25519PrivateKey.from_private_bytes(_derive(server, b"deskside access tokens"))
        codes, attachments = _derive(server, b"deskside codes"), _derive(server, b"deskside attachments")
        return cls(Ed25519PrivateKey.from_private_bytes(organisation), token_key, codes, attachments)

    @property
    def organisation_public(self) -> bytes:
        """The key that companions pin, 32 bytes."""
        return self.organisation.public_key().public_bytes_raw()

    def code_hash(self, kind: str, code: str) -> bytes:
        """Return what is kept of a code: HMAC-SHA-256 under the pepper, separate per kind."""
        return hmac.new(self.pepper, f"{kind}:{code}".encode(), hashlib.sha256).digest()


def write_next(folder: Path, secret: bytes) -> None:
    """Lay the secret of the next organisation key beside the present one. Raises OSError."""
    public = Ed25519PrivateKey.from_private_bytes(secret).public_key().public_bytes_raw()
    _write(_next(folder, public), secret)


def promote_next(folder: Path, public: bytes) -> bool:
    """Put the secret of this public key in the place of the present one, in one step; False if it is not there.

    Raises OSError.
    """
    path = _next(folder, public)
    if not path.is_file():
        return False
    path.replace(folder / _ORGANISATION)
    if os.name == "posix":  # elsewhere a folder cannot be opened
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
    return True


def _next(folder: Path, public: bytes) -> Path:
    """Where it lies: under a name of its own, so that two exchanges at once never take each other's secret."""
    return folder / f"{_ORGANISATION}.{hashlib.sha256(public).hexdigest()[:16]}"


def _derive(secret: bytes, label: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=label).derive(secret)


def _secret(path: Path) -> bytes:
    if not path.exists():
        # O_EXCL: of two processes that start at once, one makes the key and the other reads it
        try:
            _write(path, secrets.token_bytes(32))
        except FileExistsError:
            return _read(path)
    return _read(path)


def _write(path: Path, secret: bytes) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="ascii") as stream:
        stream.write(b64(secret))
        stream.flush()
        os.fsync(stream.fileno())


def _read(path: Path) -> bytes:
    raw = unb64(path.read_text(encoding="ascii").strip())
    if len(raw) != 32:
        raise ValueError("wrong length")
    return raw
