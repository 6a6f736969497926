# SPDX-License-Identifier: GPL-3.0-or-later
"""What becomes of this device: a new id in place of an old one, a lock, or the end of all its data. No Qt."""

from __future__ import annotations

import contextlib
import os
import shutil
from pathlib import Path

import msgspec

from app.config.logs import get_logger
from app.domain import link
from app.domain.errors import NoKeyring, StoreUnavailable
from app.store.blobs import remove_copies
from app.store.locks import FileLock
from sync.protocol import Tokens

WIPE_MARK = "wipe.json"
_KEYS = ("database_key", "device_key", "refresh_token")
_KEPT = ("ui.lock", "worker.lock", WIPE_MARK)
_log = get_logger("worker.device")


class Renumbering(msgspec.Struct, frozen=True, kw_only=True):
    """A new device id that the window has not taken up yet; kept in replica.db until it has.

    `refresh` is the new id's token: the old one's is no good for it, and a kill may come before it is in its place.
    """

    device: bytes
    device_code: str
    replaces: bytes
    keep_above: int
    refresh: str | None = None

    @classmethod
    def of(cls, tokens: Tokens, replaces: bytes, keep_above: int) -> Renumbering:
        """Return what the server said. It may know less by now than when a new id was asked for: it was restored."""
        keep_above = keep_above if tokens.lmid is None else min(keep_above, tokens.lmid)
        return cls(
            device=tokens.device or b"", device_code=tokens.device_code or "", replaces=replaces,
            keep_above=keep_above, refresh=tokens.refresh,
        )  # fmt: skip

    def message(self) -> link.Renumber:
        """Return it as the window is told."""
        return link.Renumber(device=self.device, device_code=self.device_code, keep_above=self.keep_above)


class WipeMark(msgspec.Struct, frozen=True, kw_only=True):
    """The server's order, kept until it is carried out and reported.

    `removed`: the files are gone and only the word is left; what lies here since then is a later profile's.
    """

    server: str
    device: bytes
    wipe_token: str | None
    removed: bool = False


class NoTokens:
    """Of a device that has none any more."""

    def load(self) -> str | None:
        """None."""
        return None

    def save(self, refresh: str | None) -> None:
        """Nothing is kept."""


class Wiper:
    """Carries out a wipe. Each step can be repeated: a crash in the middle is finished by the next start."""

    def __init__(self, folder: Path, keyring: str | None) -> None:
        self._folder = folder
        self._keyring = keyring

    def order(self) -> WipeMark | None:
        """Return an order that is not reported yet, or None."""
        try:
            return msgspec.json.decode((self._folder / WIPE_MARK).read_bytes(), type=WipeMark)
        except (OSError, msgspec.DecodeError, msgspec.ValidationError):
            return None

    def destroy_keys(self, mark: WipeMark) -> None:
        """Keep the order, then make the files unreadable for ever."""
        self._keep(mark)
        if self._keyring is not None:
            from app.desktop.keyring_store import open_secrets  # here: key store libraries load slowly

            try:
                secrets = open_secrets(self._folder, self._keyring)
                for name in _KEYS:
                    secrets.remove(name)
            except NoKeyring:
                _log.warning("key store refuses", code="no_keyring")
        with contextlib.suppress(OSError):
            (self._folder / "secrets.json").unlink()
        _log.warning("keys deleted", code="revoked")

    def _keep(self, mark: WipeMark) -> None:
        path = self._folder / WIPE_MARK
        with contextlib.suppress(OSError):
            with path.with_suffix(".new").open("wb") as out:
                out.write(msgspec.json.encode(mark))
                out.flush()
                os.fsync(out.fileno())
            path.with_suffix(".new").replace(path)

    def remove_files(self) -> bool:
        """Remove databases, blobs and drafts; False while a window still holds them open."""
        try:
            lock = FileLock(self._folder / "ui.lock")
        except (StoreUnavailable, OSError):
            return False
        try:
            remove_copies(self._folder)
            for path in self._folder.iterdir():
                if path.name == "blobs":
                    shutil.rmtree(path, ignore_errors=True)
                elif path.is_file() and path.name not in _KEPT:
                    path.unlink(missing_ok=True)
            mark = self.order()
            if mark is not None:
                self._keep(msgspec.structs.replace(mark, removed=True))
        finally:
            lock.release()
        return True

    def reported(self) -> None:
        """Nothing is left to do."""
        with contextlib.suppress(OSError):
            (self._folder / WIPE_MARK).unlink()
