# SPDX-License-Identifier: GPL-3.0-or-later
"""The two profiles of a person, agent's and Companion's: held alone, read, taken out, made unreadable. No Qt."""

from __future__ import annotations

import base64
import contextlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any

import msgspec

from app.config.i18n import _
from app.desktop.companion_store import CompanionStore
from app.desktop.hand_over import is_open
from app.desktop.keyring_store import open_secrets
from app.domain.attachments import clean_name
from app.domain.errors import NoKeyring, StoreUnavailable, WorldError
from app.services.messages import error_text
from app.store.blobs import remove_copies
from app.store.locks import FileLock
from app.store.unsent import Unsent, UnsentChange, read_unsent
from sync.protocol import ProtocolError, decode_args

__all__ = ["KINDS", "Kept", "Kind", "Profile"]


class Kind(Enum):
    """The value is the folder below the person's data folder."""

    AGENT = "agent"
    COMPANION = "companion"


KINDS = (Kind.AGENT, Kind.COMPANION)
_KEYS = {Kind.AGENT: ("database_key", "device_key", "refresh_token"), Kind.COMPANION: ("database", "device")}
_DATABASE = {Kind.AGENT: "pending.db", Kind.COMPANION: "companion.db"}
_LOCKS = ("ui.lock", "worker.lock")
Item = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Kept:
    """What of a profile no server has, as plain values, or in `problem` why nobody can say."""

    kind: Kind
    items: tuple[Item, ...] = ()
    problem: str = ""
    unsent: Unsent = field(default_factory=Unsent)

    @property
    def name(self) -> str:
        """The program's name for people."""
        return _("help desk") if self.kind is Kind.AGENT else _("Companion")

    def write_files(self, folder: Path) -> list[str]:
        """Write attachments that were taken in here; return their names. Raises OSError, StoreUnavailable."""
        called = {file.sha256: file.filename for draft in self.unsent.drafts for file in draft.files}
        made = []
        for sha256 in dict.fromkeys((*called, *self.unsent.files)):
            folder.mkdir(mode=0o700, exist_ok=True)
            name = f"{sha256.hex()[:12]}-{clean_name(called.get(sha256, 'file'))}"
            size = 0
            with (folder / name).open("xb") as out:
                for part in self.unsent.parts_of(sha256):
                    size += out.write(part)
            if size:
                made.append(name)
            else:
                (folder / name).unlink()
        return made


class Profile:
    """One folder. `read` and `destroy_keys` are called while `alone` holds."""

    def __init__(self, kind: Kind, folder: Path) -> None:
        self._kind = kind
        self._folder = folder

    @property
    def there(self) -> bool:
        """Whether anything lies in it."""
        return self._folder.is_dir()

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        """Keep windows and workers out meanwhile. Raises StoreUnavailable("store_in_use"), OSError."""
        locks: list[FileLock] = []
        try:
            if self._kind is Kind.AGENT:
                locks += [FileLock(self._folder / name) for name in _LOCKS]
            elif is_open(self._folder):
                raise StoreUnavailable("store_in_use", path=str(self._folder))
            yield
        finally:
            for lock in locks:
                lock.release()

    def read(self, passphrase: str | None) -> Kept:
        """Return what is not sent; what keeps it from being read is in the answer."""
        if not (self._folder / _DATABASE[self._kind]).exists():
            return Kept(self._kind)
        try:
            key = self._keys(passphrase).get(_KEYS[self._kind][0])
            if key is None:
                raise StoreUnavailable("store_wrong_key", path=str(self._folder))
            if self._kind is Kind.AGENT:
                unsent = read_unsent(self._folder, key)
                return Kept(self._kind, tuple(_agent_items(unsent)), unsent=unsent)
            return Kept(self._kind, tuple(_companion_items(self._folder, key)))
        except WorldError as error:
            return Kept(self._kind, problem=error_text(error))
        except OSError as error:
            return Kept(self._kind, problem=error.strerror or str(error))

    def destroy_keys(self) -> None:
        """Make the files unreadable for ever, wherever copies of them are."""
        with contextlib.suppress(NoKeyring):
            keys = self._keys(None)
            for name in _KEYS[self._kind]:
                keys.remove(name)
        (self._folder / "secrets.json").unlink(missing_ok=True)
        if self._kind is Kind.AGENT:
            remove_copies(self._folder)

    def _keys(self, passphrase: str | None) -> Any:
        return open_secrets(self._folder, f"{self._kind.value} {self._folder}", passphrase)


def _agent_items(unsent: Unsent) -> Iterator[Item]:
    for draft in unsent.drafts:
        yield {
            "what": _("draft"), "kind": draft.kind, "number": draft.number, "subject": draft.subject,
            "text": draft.text, "files": [file.filename for file in draft.files], "at": draft.updated,
        }  # fmt: skip
    for change in unsent.changes:
        plain = _args(change)
        yield {
            "what": _("refused") if change.refused else _("waiting"), "kind": change.name, "number": change.number,
            "subject": change.subject, "text": _text(plain), "at": change.created, "args": plain,
        }  # fmt: skip


def _args(change: UnsentChange) -> Any:
    """Return a change as plain values; one that this program does not know as it lies there."""
    try:
        found = msgspec.to_builtins(decode_args(change.name, change.v, change.args), str_keys=True)
    except ProtocolError:
        return {"raw": base64.b64encode(change.args).decode()}
    return found


def _text(plain: Any) -> str:
    if not isinstance(plain, dict):
        return ""
    return next((str(plain[key]) for key in ("body", "text", "subject") if plain.get(key)), "")


def _companion_items(folder: Path, key: bytes) -> Iterator[Item]:
    store = CompanionStore(folder / _DATABASE[Kind.COMPANION], key)
    try:
        for item in store.waiting():
            try:
                body = json.loads(item.body)
            except ValueError:
                body = {"raw": base64.b64encode(item.body).decode()}
            yield {
                "what": _("waiting"), "kind": item.kind, "number": item.number, "subject": item.subject,
                "text": _text(body), "at": item.written, "args": body,
            }  # fmt: skip
    finally:
        store.close()
