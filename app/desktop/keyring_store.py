# SPDX-License-Identifier: GPL-3.0-or-later
"""Where secrets live: the system's key store, or a file wrapped by a key made from a passphrase. Never plain text."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol

from argon2.low_level import Type, hash_secret_raw
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from app.domain.errors import NoKeyring, WorldError
from app.domain.signed import b64, unb64

if TYPE_CHECKING:
    from keyring.backend import KeyringBackend

__all__ = ["Secrets", "WrongPassphrase", "has_passphrase", "needs_passphrase", "open_secrets", "system_key_store"]

_FILE: Final = "secrets.json"
# Back ends that keep entries encrypted under the person's sign-in; anything else may be a plain file.
_REAL: Final = (
    "keyring.backends.SecretService",
    "keyring.backends.libsecret",
    "keyring.backends.kwallet",
    "keyring.backends.macOS",
    "keyring.backends.Windows",
)
# RFC 9106, second recommended option
_MEMORY_KIB: Final = 64 << 10
_PASSES: Final = 3
_LANES: Final = 4


class WrongPassphrase(WorldError):
    """The passphrase does not open the file."""

    code = "wrong_passphrase"


class Secrets(Protocol):
    """Named secrets of one profile, each under 1 KiB. Calls may block on the system; not for the GUI thread."""

    def get(self, name: str) -> bytes | None:
        """Return a secret, None when there is none. Raises NoKeyring when the key store refuses."""
        ...

    def put(self, name: str, value: bytes) -> None:
        """Keep a secret. Raises NoKeyring."""
        ...

    def remove(self, name: str) -> None:
        """Forget a secret; it need not exist."""
        ...


def system_key_store() -> KeyringBackend | None:
    """Return the system's key store, or None when there is no real one here."""
    import keyring  # here: with what it brings 40 ms of each start, and a passphrase does without

    try:
        chosen = keyring.get_keyring()
    except Exception:  # noqa: BLE001  # back ends raise whatever their system library does; then there is none
        return None
    parts = getattr(chosen, "backends", None) or [chosen]
    return next((backend for backend in parts if type(backend).__module__ in _REAL), None)


def needs_passphrase(folder: Path, backend: Callable[[], KeyringBackend | None] = system_key_store) -> bool:
    """Tell whether this profile is, or will have to be, protected by a passphrase."""
    return (folder / _FILE).exists() or backend() is None


def has_passphrase(folder: Path) -> bool:
    """Tell whether a passphrase was chosen already."""
    return (folder / _FILE).exists()


def open_secrets(
    folder: Path,
    profile: str,
    passphrase: str | None = None,
    backend: Callable[[], KeyringBackend | None] = system_key_store,
) -> Secrets:
    """Open the secrets of a profile. `folder` must exist; with a passphrase the file in it is used.

    Raises NoKeyring when there is neither a real key store nor a passphrase, WrongPassphrase for another one.
    """
    path = folder / _FILE
    if passphrase is not None:
        return _FileSecrets(path, passphrase)
    store = None if path.exists() else backend()
    if store is None:
        raise NoKeyring
    return _SystemSecrets(store, profile)


class _SystemSecrets:
    def __init__(self, store: KeyringBackend, profile: str) -> None:
        from keyring.errors import KeyringError  # here: as above

        self._refusal = KeyringError
        self._store = store
        self._service = f"Deskside {profile}"

    def get(self, name: str) -> bytes | None:
        try:
            text = self._store.get_password(self._service, name)
        except self._refusal as error:
            raise NoKeyring from error
        return unb64(text) if text is not None else None

    def put(self, name: str, value: bytes) -> None:
        try:
            self._store.set_password(self._service, name, b64(value))
        except self._refusal as error:
            raise NoKeyring from error

    def remove(self, name: str) -> None:
        with contextlib.suppress(self._refusal):
            self._store.delete_password(self._service, name)


class _FileSecrets:
    """Each entry is sealed by AES-256-GCM under a key that argon2id makes of the passphrase."""

    def __init__(self, path: Path, passphrase: str) -> None:
        self._path = path
        self._raw = self._load()
        salt = unb64(self._raw["salt"])
        kdf = self._raw["kdf"]
        self._key = AESGCM(
            hash_secret_raw(passphrase.encode(), salt, kdf["t"], kdf["m"], kdf["p"], hash_len=32, type=Type.ID)
        )
        if self._raw["items"]:
            self.get("check")
        else:
            self.put("check", b"deskside")

    def get(self, name: str) -> bytes | None:
        item = self._raw["items"].get(name)
        if item is None:
            return None
        sealed = unb64(item)
        try:
            return self._key.decrypt(sealed[:12], sealed[12:], name.encode())
        except InvalidTag as error:
            raise WrongPassphrase from error

    def put(self, name: str, value: bytes) -> None:
        nonce = secrets.token_bytes(12)
        self._raw["items"][name] = b64(nonce + self._key.encrypt(nonce, value, name.encode()))
        self._save()

    def remove(self, name: str) -> None:
        if self._raw["items"].pop(name, None) is not None:
            self._save()

    def _load(self) -> dict[str, Any]:
        try:
            raw = json.loads(self._path.read_text("utf-8"))
            whole = unb64(raw["salt"]) and raw["v"] == 1 and all(raw["kdf"][k] > 0 for k in "tmp")
        except FileNotFoundError:
            kdf = {"t": _PASSES, "m": _MEMORY_KIB, "p": _LANES}
            return {"v": 1, "salt": b64(secrets.token_bytes(16)), "kdf": kdf, "items": {}}
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise NoKeyring("secrets_damaged", path=str(self._path)) from error
        if not whole or not isinstance(raw["items"], dict):
            raise NoKeyring("secrets_damaged", path=str(self._path))
        return dict(raw)

    def _save(self) -> None:
        draft = self._path.with_suffix(".new")
        try:
            with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as stream:
                json.dump(self._raw, stream)
                stream.flush()
                os.fsync(stream.fileno())
            draft.replace(self._path)
        except OSError as error:
            raise NoKeyring("secrets_not_saved", path=str(self._path)) from error
