# SPDX-License-Identifier: GPL-3.0-or-later
"""What an organisation sets on a computer and a person cannot change: JSON files in a folder of the administrator's."""

from __future__ import annotations

import json
import os
import stat
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from app.config import settings as conf
from app.config.i18n import _
from app.config.settings import DECLARED, Setting, V
from app.domain.assist import Scope

__all__ = ["MANAGED_FOLDER", "Policy", "read_policy"]

MANAGED_FOLDER: Final = Path("/etc/deskside/policies/managed")
_SIZE_MAX: Final = 1 << 20
_ROOT: Final = 0
_OTHERS_WRITE: Final = stat.S_IWGRP | stat.S_IWOTH
_ALLOW: Final[tuple[tuple[Setting[Any], tuple[Scope, ...]], ...]] = (
    (conf.ALLOW_CONTROL, (Scope.CONTROL,)),
    (conf.ALLOW_CLIPBOARD, (Scope.CLIPBOARD_TO_CUSTOMER, Scope.CLIPBOARD_TO_AGENT)),
    (conf.ALLOW_FILES, (Scope.FILES_TO_CUSTOMER, Scope.FILES_TO_AGENT)),
    (conf.ALLOW_DIAGNOSTICS, (Scope.DIAGNOSTICS,)),
    (conf.ALLOW_RECORDING, (Scope.RECORDING,)),
)


@dataclass(frozen=True, slots=True)
class Policy:
    """Checked values by key, and what was wrong with the files, in words for people."""

    values: Mapping[str, object] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    unread: frozenset[str] = frozenset()  # keys whose value nobody could read and that have no safe one
    sources: Mapping[str, Path] = field(default_factory=dict)  # in which file the value of a key stands

    def get(self, setting: Setting[V]) -> V:
        """The value in force for a setting that the organisation alone sets."""
        return setting.accept(self.values[setting.key]) if setting.key in self.values else setting.default

    @property
    def sharing(self) -> bool:
        """Whether a screen may be shared at all. Not when nobody knows which windows must never be seen."""
        return self.get(conf.SESSION_ENABLED) and conf.MASK_WINDOWS.key not in self.unread

    @property
    def forbidden(self) -> frozenset[Scope]:
        """What nobody may ask for in a session. Looking and pointing cannot be forbidden, and nothing can be given."""
        off = (scopes for setting, scopes in _ALLOW if self.get(setting) in (False, conf.Recording.OFF))
        return frozenset(scope for scopes in off for scope in scopes)


def read_policy(folder: Path = MANAGED_FOLDER, *, owner: int = _ROOT) -> Policy:
    """Read the files, in byte order of their names. Small local files: it takes a moment and never raises.

    A file of anybody but `owner`, or that others may write, counts for nothing. Other systems than Linux have none yet.
    """
    reading = _Reading(owner)
    if sys.platform == "linux":
        try:
            files = sorted((path for path in folder.iterdir() if path.name.endswith(".json")), key=os.fsencode)
        except OSError:
            files = []  # the usual case: nothing is managed here
        for path in files:
            reading.take(path)
    return Policy(reading.values, tuple(reading.warnings), frozenset(reading.unread), reading.sources)


class _Reading:
    def __init__(self, owner: int) -> None:
        self._owner = owner
        self._known: dict[str, Setting[Any]] = {setting.key: setting for setting in DECLARED}
        self.values: dict[str, object] = {}
        self.sources: dict[str, Path] = {}
        self.warnings: list[str] = []
        self.unread: set[str] = set()

    def take(self, path: Path) -> None:
        """Add what one file says."""
        try:
            found = self._load(path)
        except (OSError, ValueError, TypeError, RecursionError):
            self._warn(_("The policy file {path} cannot be read and counts for nothing."), path=path)
            return
        for key, value in found.items():
            self._set(path, key, value)

    def _load(self, path: Path) -> dict[str, object]:
        with path.open("rb") as file:
            about = os.fstat(file.fileno())
            if about.st_uid != self._owner or about.st_mode & _OTHERS_WRITE:
                text = _("The policy file {path} could be changed by others than the administrator. It is ignored.")
                self._warn(text, path=path)
                return {}
            raw = json.loads(file.read(_SIZE_MAX))  # a longer one is cut and so no JSON
        if not isinstance(raw, dict):
            raise TypeError(path)
        return raw

    def _set(self, path: Path, key: str, value: object) -> None:
        setting = self._known.get(key)
        if setting is None or not (setting.lockable or setting.managed_only):
            self._warn(_("The policy file {path} names “{key}”, which this version does not know."), path=path, key=key)
            return
        if key in self.values:
            self._warn(_("“{key}” is set by more than one policy file; {path} counts."), path=path, key=key)
        try:
            setting.accept(value)
        except (ValueError, TypeError):
            self._not_allowed(path, setting)
        else:
            self.values[key] = value
            self.sources[key] = path
            self.unread.discard(key)

    def _not_allowed(self, path: Path, setting: Setting[Any]) -> None:
        if setting is conf.MASK_WINDOWS:
            text = _(
                "The policy file {path} gives “{key}” a value that is not allowed. To be safe no screen is shared."
            )
            self.unread.add(setting.key)
        elif setting.safe is None:
            text = _("The policy file {path} gives “{key}” a value that is not allowed. It is ignored.")
        else:
            text = _(
                "The policy file {path} gives “{key}” a value that is not allowed. To be safe the strictest counts."
            )
            self.values[setting.key] = setting.safe
        self._warn(text, path=path, key=setting.key)

    def _warn(self, text: str, **words: object) -> None:
        self.warnings.append(text.format(**words))
