# SPDX-License-Identifier: GPL-3.0-or-later
"""What an organisation sets on a computer: managed values that a person cannot change, and recommended ones."""

from __future__ import annotations

import difflib
import os
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from app.config import policy_systems as systems
from app.config import settings as conf
from app.config.i18n import _
from app.config.policy_file import Entry, PolicyBroken, entries, load, shown
from app.config.policy_schema import wanted
from app.config.settings import DECLARED, Setting, V
from app.domain.assist import Scope

__all__ = ["MANAGED_FOLDER", "ROOT", "Finding", "Level", "Policy", "PolicyReading", "policy_files", "read_policy"]

MANAGED_FOLDER: Final = Path("/etc/deskside/policies/managed")
RECOMMENDED: Final = "recommended"
ROOT: Final = 0
_KEY_CHARS: Final = 64
_FINDINGS_MAX: Final = 50  # of one file: whoever has more has another kind of file
_ALLOW: Final[tuple[tuple[Setting[Any], tuple[Scope, ...]], ...]] = (
    (conf.ALLOW_CONTROL, (Scope.CONTROL,)),
    (conf.ALLOW_CLIPBOARD, (Scope.CLIPBOARD_TO_CUSTOMER, Scope.CLIPBOARD_TO_AGENT)),
    (conf.ALLOW_FILES, (Scope.FILES_TO_CUSTOMER, Scope.FILES_TO_AGENT)),
    (conf.ALLOW_DIAGNOSTICS, (Scope.DIAGNOSTICS,)),
    (conf.ALLOW_RECORDING, (Scope.RECORDING,)),
)


class Level(StrEnum):
    """How bad a finding is: an error does not count as written, a warning counts and is probably not meant."""

    ERROR = "error"
    WARNING = "warning"
    HINT = "hint"


@dataclass(frozen=True, slots=True)
class Finding:
    """Something about a policy file, in a sentence for people. `line` is 0 where none is to blame."""

    path: Path
    text: str
    level: Level = Level.ERROR
    line: int = 0
    column: int = 0
    key: str = ""

    @property
    def told(self) -> str:
        """The sentence with its place."""
        text = _("Policy file {path}, line {n}: {text}") if self.line else _("Policy file {path}: {text}")
        return text.format(path=self.path, n=self.line, text=self.text)


@dataclass(frozen=True, slots=True)
class Policy:
    """Checked values by key, and what was wrong with the files, in words for people."""

    values: Mapping[str, object] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    unread: frozenset[str] = frozenset()  # keys whose value nobody could read and that have no safe one
    sources: Mapping[str, Path] = field(default_factory=dict)  # in which file the value of a key stands
    recommended: Mapping[str, object] = field(default_factory=dict)
    recommended_sources: Mapping[str, Path] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()  # what the warnings say, in parts

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


def policy_files(folder: Path) -> list[Path]:
    """Return the files of a folder in byte order of their names, [] for no folder (the usual case)."""
    try:
        return sorted((path for path in folder.iterdir() if path.name.endswith(".json")), key=os.fsencode)
    except OSError:
        return []


def read_policy(folder: Path = MANAGED_FOLDER, *, owner: int = ROOT) -> Policy:
    """Read what is managed here and, beside it, what is recommended. It takes a moment and never raises.

    A file of anybody but `owner`, or that others may write, counts for nothing. On Windows and macOS the system's own
    places are read instead of the folder.
    """
    reading = PolicyReading(owner)
    if sys.platform == "linux":
        for path in policy_files(folder):
            reading.take(path)
        for path in policy_files(folder.parent / RECOMMENDED):
            reading.take(path, recommended=True)
    else:
        for place in systems.places():
            reading.take_values(place.name, place.values, recommended=place.recommended)
    return reading.policy()


@dataclass
class _Layer:
    values: dict[str, object] = field(default_factory=dict)
    sources: dict[str, Path] = field(default_factory=dict)


class PolicyReading:
    """Takes files, weakest first, and keeps what counts and what was found. Nothing that a file holds raises."""

    def __init__(self, owner: int = ROOT) -> None:
        self._owner = owner
        self._known: dict[str, Setting[Any]] = {setting.key: setting for setting in DECLARED}
        self.managed, self.recommended = _Layer(), _Layer()
        self.findings: list[Finding] = []
        self.unread: set[str] = set()
        self._left = _FINDINGS_MAX

    def policy(self) -> Policy:
        """Return what counts."""
        return Policy(
            self.managed.values, tuple(finding.told for finding in self.findings), frozenset(self.unread),
            self.managed.sources, self.recommended.values, self.recommended.sources,
            tuple(self.findings),
        )  # fmt: skip

    def take(self, path: Path, *, recommended: bool = False, trusted: bool = False) -> None:
        """Add what one file says. `trusted`: whose it is does not matter, as with a draft that is only checked."""
        self._left = _FINDINGS_MAX
        try:
            raw = load(path)
            if not trusted and (raw.owner != self._owner or raw.others_write):
                text = _("The file could be changed by others than the administrator. It is ignored.")
                self._find(Finding(path, text))
                return
            found = entries(raw.data)
        except PolicyBroken as broken:
            text = _("{why} Nothing in this file counts.").format(why=broken.text)
            self._find(Finding(path, text, line=broken.line, column=broken.column))
            return
        self._take_all(path, found, self.recommended if recommended else self.managed)

    def take_values(self, place: str, values: Mapping[str, object], *, recommended: bool = False) -> None:
        """Add what the system itself holds under a place of that name."""
        self._left = _FINDINGS_MAX
        found = [Entry(key, value, 0, 0) for key, value in values.items()]
        self._take_all(Path(place), found, self.recommended if recommended else self.managed)

    def _take_all(self, path: Path, found: Iterable[Entry], layer: _Layer) -> None:
        here: dict[str, int] = {}
        for entry in found:
            self._set(path, entry, layer, here)
            here[entry.key] = entry.line

    def _find(self, finding: Finding) -> None:
        self._left -= 1
        if self._left >= 0:
            self.findings.append(finding)
        elif self._left == -1:
            self.findings.append(Finding(finding.path, _("There is more like this in the file.")))

    def _set(self, path: Path, entry: Entry, layer: _Layer, here: Mapping[str, int]) -> None:
        def find(text: str, level: Level = Level.ERROR) -> None:
            self._find(Finding(path, text, level, entry.line, entry.column, entry.key[:_KEY_CHARS]))

        setting = self._known.get(entry.key)
        if setting is None or not (setting.lockable or setting.managed_only):
            find(self._unknown(entry.key, setting))
            return
        key = setting.key
        if layer is self.recommended and setting.managed_only:
            find(_("“{key}” cannot be recommended: the organisation alone decides it. Put it into a managed file.")
                 .format(key=key))  # fmt: skip
            return
        if key in here:
            find(_("“{key}” stands in line {n} already; the later one counts.").format(key=key, n=here[key]))
        elif key in layer.sources:
            text = _("“{key}” is set by {other} too; this file counts.")
            find(text.format(key=key, other=layer.sources[key]), Level.WARNING)
        try:
            _check_text(entry.value)
            setting.accept(entry.value)
        except (ValueError, TypeError, RecursionError):
            find(self._not_allowed(path, entry, setting, layer))
        else:
            layer.values[key] = entry.value
            layer.sources[key] = path
            if layer is self.managed:
                self.unread.discard(key)

    def _unknown(self, key: str, setting: Setting[Any] | None) -> str:
        if setting is not None:
            text = _("“{key}” is each person's own choice; an organisation cannot set it.")
            return text.format(key=key)
        name = shown(key[:_KEY_CHARS])[1:-1]
        known = [s.key for s in self._known.values() if s.lockable or s.managed_only]
        near = difflib.get_close_matches(key, known, 1) if len(key) <= _KEY_CHARS else []
        if near:
            text = _("This version knows no policy “{key}”. Perhaps “{near}” is meant?")
            return text.format(key=name, near=near[0])
        return _("This version knows no policy “{key}”.").format(key=name)

    def _not_allowed(self, path: Path, entry: Entry, setting: Setting[Any], layer: _Layer) -> str:
        if layer is self.managed and setting is conf.MASK_WINDOWS:
            then = _("To be safe no screen is shared.")
            self.unread.add(setting.key)
        elif layer is self.managed and setting.managed_only and setting.safe is None:
            then = _("To be safe what it decides about is switched off.")
            self.unread.add(setting.key)
        elif layer is self.recommended or setting.safe is None:
            then = _("It is ignored.")
        else:
            then = _("To be safe the strictest counts: {safe}.").format(safe=shown(setting.safe))
            layer.values[setting.key] = setting.safe
            layer.sources[setting.key] = path
        text = _("“{key}” takes {wanted}. Here stands {value}. {then}")
        return text.format(key=setting.key, wanted=wanted(setting), value=shown(entry.value), then=then)


def _check_text(value: object) -> None:
    """Raise ValueError for text that nobody can write down: half a character, or one that ends a line or a text."""
    if isinstance(value, str):
        value.encode("utf-8")  # a half of a character has no UTF-8 (UnicodeEncodeError is a ValueError)
        if any(ord(char) < ord(" ") for char in value):
            raise ValueError(value)
    elif isinstance(value, list):
        for part in value:
            _check_text(part)
    elif isinstance(value, dict):
        for key, part in value.items():
            _check_text(key)
            _check_text(part)
