# SPDX-License-Identifier: GPL-3.0-or-later
"""Opens an agent's profile: keys from the key store or under a passphrase, then the two database files. No Qt."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from app.desktop.keyring_store import open_secrets
from app.domain.errors import StoreUnavailable
from app.entry.sync_codec import open_profile
from app.entry.sync_worker_device import Wiper
from app.store.profile import Profile

_DATABASE = "database_key"
_DEVICE = "device_key"


@dataclass(frozen=True, slots=True)
class Opened:
    """An open profile. `keyring` names it in the system's key store; None when a passphrase protects it."""

    profile: Profile
    device_key: Ed25519PrivateKey
    keyring: str | None


def open_agent_profile(folder: Path, passphrase: str | None, discarded_days: int = 30) -> Opened:
    """Open keys and files; discarded drafts stay for so many days.

    Blocks. Raises NoKeyring, WrongPassphrase, StoreUnavailable.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise StoreUnavailable("store_unavailable", path=str(folder)) from error
    name = f"agent {folder}"
    keys = open_secrets(folder, name, passphrase)
    key = keys.get(_DATABASE)
    if key is None:
        wiper = Wiper(folder, None)
        order = wiper.order()
        if order is not None and not order.removed:
            wiper.remove_files()  # the server took this device away, and something stopped us in the middle
        if (folder / "pending.db").exists():
            # the key went missing: a new one would open nothing and hide that the old one may come back
            raise StoreUnavailable("store_wrong_key", path=str(folder))
        key = secrets.token_bytes(32)
        keys.put(_DATABASE, key)
    raw = keys.get(_DEVICE)
    device = Ed25519PrivateKey.from_private_bytes(raw) if raw else Ed25519PrivateKey.generate()
    if raw is None:
        keys.put(_DEVICE, device.private_bytes_raw())
    return Opened(open_profile(folder, key, discarded_days), device, None if passphrase is not None else name)
