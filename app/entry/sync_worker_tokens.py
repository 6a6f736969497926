# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the worker keeps its refresh token: the system's key store, or the encrypted replica when there is none."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from app.config.logs import get_logger
from app.domain.errors import NoKeyring
from app.store.replica import ReplicaStore
from sync.transport import TokenStore

_NAME = "refresh_token"
_log = get_logger("worker.tokens")


class _Secrets(Protocol):
    def get(self, name: str) -> bytes | None: ...
    def put(self, name: str, value: bytes) -> None: ...
    def remove(self, name: str) -> None: ...


class ReplicaTokens:
    """In replica.db, under the database key: for a profile that opens with a passphrase."""

    def __init__(self, store: ReplicaStore) -> None:
        self._store = store

    def load(self) -> str | None:
        """Return the token, or None."""
        value = self._store.meta(_NAME)
        return None if value is None else str(value)

    def save(self, refresh: str | None) -> None:
        """Keep the token; None forgets it."""
        self._store.set_meta(_NAME, refresh)


class KeyringTokens:
    """In the system's key store; should that refuse, in the encrypted replica for the time being."""

    def __init__(self, secrets: _Secrets, fallback: ReplicaTokens) -> None:
        self._secrets = secrets
        self._fallback = fallback

    def load(self) -> str | None:
        """Return the token, or None."""
        newer = self._fallback.load()
        if newer is not None:
            return newer  # there only since the key store refused: what that still holds is spent
        try:
            value = self._secrets.get(_NAME)
        except NoKeyring:
            value = None
        return value.decode() if value is not None else None

    def save(self, refresh: str | None) -> None:
        """Keep the token; None forgets it."""
        try:
            if refresh is None:
                self._secrets.remove(_NAME)
            else:
                self._secrets.put(_NAME, refresh.encode())
        except NoKeyring:
            _log.warning("key store refuses", code="no_keyring")
            self._fallback.save(refresh)
        else:
            self._fallback.save(None)


def open_token_store(keyring_profile: str | None, folder: Path, store: ReplicaStore) -> TokenStore:
    """Return the place for the refresh token of a profile."""
    inside = ReplicaTokens(store)
    if keyring_profile is None:
        return inside
    from app.desktop.keyring_store import open_secrets  # here: key store libraries load slowly, passphrases need none

    try:
        return KeyringTokens(open_secrets(folder, keyring_profile), inside)
    except NoKeyring:
        return inside
