# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings, each declared once: key, type, default, text, limits, and whether an organisation may lock it."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, Final, Generic, TypeVar, cast

from app.config.i18n import N_, _
from app.config.settings_text import read_values
from app.domain.masking import WORD_MAX, MaskRule, clean_rules
from app.domain.notices import Quiet

_HOURS: Final = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d)")


class WindowRules(tuple[MaskRule, ...]):
    """Windows nobody may see: words of their title or program, or {"word": ..., "pause": true} for nothing at all."""

    __slots__ = ()

    def __new__(cls, raw: object = ()) -> WindowRules:
        """Take what a file says. Raises ValueError for anything that is no such list: half of one protects nobody."""
        if isinstance(raw, WindowRules):
            return raw
        found = [_window_rule(item) for item in (raw if isinstance(raw, list | tuple) else [None])]
        clean = clean_rules(found)
        if len(clean) != len({rule.word.casefold() for rule in found}):
            raise ValueError(raw)
        return super().__new__(cls, clean)


def _window_rule(item: object) -> MaskRule:
    fields = {"word": item} if isinstance(item, str) else item
    if not isinstance(fields, dict) or not fields.keys() <= {"word", "pause"}:
        raise ValueError(item)
    word, pause = fields.get("word"), fields.get("pause", False)
    if not isinstance(word, str) or not isinstance(pause, bool) or len(word) > WORD_MAX:
        raise ValueError(item)
    return MaskRule(" ".join(word.split()), pause)


Value = bool | int | str | WindowRules
V = TypeVar("V", bound=Value)


class Language(StrEnum):
    """What language the windows speak."""

    SYSTEM = "system"
    KO = "ko"
    EN = "en"


class Theme(StrEnum):
    """Light or dark windows."""

    SYSTEM = "system"
    LIGHT = "light"
    DARK = "dark"


class Recording(StrEnum):
    """Whether an agent may ask to record. Nothing records without being asked for."""

    OFF = "off"
    ASK = "ask"


class Motion(StrEnum):
    """Whether panes slide or appear at once."""

    SYSTEM = "system"
    FULL = "full"
    REDUCED = "reduced"

    def is_still(self, system: bool) -> bool:
        """Whether nothing may move, when the system wishes so or not: a person's own choice stands above it."""
        return system if self is Motion.SYSTEM else self is Motion.REDUCED


class CrashReports(StrEnum):
    """Whether a person is asked after a fault of the program. Nothing is sent without the person."""

    ASK = "ask"
    NEVER = "never"


class UpdateMode(StrEnum):
    """What the program does about newer versions."""

    OFF = "off"
    NOTIFY = "notify"
    INSTALL = "install"


class UpdateChannel(StrEnum):
    """Which versions are offered."""

    STABLE = "stable"
    BETA = "beta"


class Hours(str):
    """Hours of the day, "20:00-08:00"; "" for none. The end may lie on the next day. Raises ValueError."""

    __slots__ = ()

    def __new__(cls, text: object) -> Hours:
        """Check the text."""
        if not isinstance(text, str) or (text and not _HOURS.fullmatch(text)):
            raise ValueError(text)
        return super().__new__(cls, text)

    @property
    def span(self) -> Quiet | None:
        """The hours in minutes of the day."""
        found = _HOURS.fullmatch(self)
        if found is None:
            return None
        a, b, c, d = (int(part) for part in found.groups())
        return Quiet(a * 60 + b, c * 60 + d)


@dataclass(frozen=True, slots=True)
class Setting(Generic[V]):
    """One setting. `label` and `help` are msgids; `limits` bound a number, both ends allowed.

    `managed_only`: nobody but the organisation sets it. `safe` is what a value that nobody can read counts as.
    """

    key: str
    type: type[V]
    default: V
    label: str
    help: str = ""
    limits: tuple[int, int] | None = None
    lockable: bool = True
    managed_only: bool = False
    safe: V | None = None

    def accept(self, raw: object) -> V:
        """The raw value (of a file, a policy or a form) as this setting's own. Raises ValueError."""
        if self.type in (bool, int, str):
            if type(raw) is not self.type:
                raise ValueError(raw)
            value: V = raw
        else:
            choose = cast("Callable[[object], V]", self.type)
            value = choose(raw)  # an enumeration refuses what it does not know
        if self.limits and isinstance(value, int) and not self.limits[0] <= value <= self.limits[1]:
            raise ValueError(raw)
        return value


LANGUAGE: Final = Setting("ui.language", Language, Language.SYSTEM, N_("Language"))
THEME: Final = Setting("ui.theme", Theme, Theme.SYSTEM, N_("Theme"))
MOTION: Final = Setting("ui.motion", Motion, Motion.SYSTEM, N_("Motion"))
TEXT_PERCENT: Final = Setting(
    "ui.text_percent",
    int,
    100,
    N_("Text size"),
    N_("Percent of the system's text size."),
    limits=(80, 200),
    lockable=False,
)
SINGLE_KEYS: Final = Setting(
    "ui.single_keys",
    bool,
    True,
    N_("Single-letter shortcuts"),
    N_("Letters act as shortcuts while no text field has the focus."),
    lockable=False,
)
KEYS: Final = Setting(
    "ui.keys",
    str,
    "",
    N_("Own shortcuts"),
    N_("Commands with keys of your own, as in: ticket.solve=Ctrl+E; ticket.reply=R"),
    lockable=False,
)
SERVER_URL: Final = Setting("server.url", str, "", N_("Server"), N_("Address of your organisation's server."))
LOGIN: Final = Setting("server.login", str, "", N_("Login"), lockable=False)
UNDO_SEND_S: Final = Setting(
    "composer.undo_send_s",
    int,
    5,
    N_("Undo sending"),
    N_("Seconds in which a reply can still be taken back."),
    limits=(0, 30),
)
DISCARDED_DAYS: Final = Setting(
    "drafts.discarded_days",
    int,
    30,
    N_("Keep discarded drafts"),
    N_("Days in which a discarded draft can be brought back."),
    limits=(7, 90),
)
NOTICES_ON: Final = Setting(
    "notices.on",
    bool,
    True,
    N_("Notifications"),
    N_("Of your own tickets, where you are named, and of times you promised."),
    lockable=False,
)
QUIET_HOURS: Final = Setting(
    "notices.quiet_hours",
    Hours,
    Hours(""),
    N_("Quiet hours"),
    N_("No notifications from when to when, as in 20:00-08:00. What comes meanwhile is told afterwards."),
    lockable=False,
)
STAY_IN_TRAY: Final = Setting(
    "ui.stay_in_tray",
    bool,
    True,
    N_("Go on in the tray"),
    N_("Closing the window leaves Deskside in the tray, where there is one. Quit ends it."),
    lockable=False,
)
CRASH_REPORTS: Final = Setting(
    "crash_reports.mode",
    CrashReports,
    CrashReports.ASK,
    N_("Crash reports"),
    N_("After a fault of the program its report is shown. Nothing is ever sent without you."),
)
CRASH_ADDRESS: Final = Setting(
    "crash_reports.address",
    str,
    "",
    N_("Address for crash reports"),
    N_("Where a report goes by mail if the person sends it. Empty: it can only be saved."),
    managed_only=True,
    safe="",
)
UPDATES: Final = Setting(
    "updates.mode",
    UpdateMode,
    UpdateMode.NOTIFY,
    N_("Updates"),
    N_("Off: no feed is asked. “install” tells of updates as “notify” does: the program installs nothing by itself."),
    managed_only=True,
    safe=UpdateMode.OFF,
)
UPDATE_CHANNEL: Final = Setting(
    "updates.channel",
    UpdateChannel,
    UpdateChannel.STABLE,
    N_("Channel of updates"),
    N_("Which versions are told of: finished ones, or also those to try."),
    managed_only=True,
    safe=UpdateChannel.STABLE,
)
UPDATE_FEED: Final = Setting(
    "updates.feed",
    str,
    "",
    N_("Address of the feed of updates"),
    N_("Where your organisation keeps its signed feed (https). Empty: nothing is asked."),
    managed_only=True,
    safe="",
)
UPDATE_ROOT: Final = Setting(
    "updates.root",
    str,
    "",
    N_("Keys of the feed of updates"),
    N_("The file with the feed's root, as “deskside updates create” makes it. Only what it leads to counts."),
    managed_only=True,
    safe="",
)
HIDE_NOTICE_TEXT: Final = Setting(
    "notices.hide_text",
    bool,
    False,
    N_("Hide text in notifications"),
    N_("Notifications show no names and no text of tickets."),
)


ENROLMENT_SERVER: Final = Setting(
    "enrolment.server",
    str,
    "",
    N_("Server of the Companion"),
    N_("The only server with which this computer's Companion may be connected. A link to another one is not used."),
    managed_only=True,
)
ENROLMENT_KEY: Final = Setting(
    "enrolment.key",
    str,
    "",
    N_("Key of the Companion's organisation"),
    N_("As “deskside admin enrolment-link” writes it into the file. Nobody has to compare it by eye then."),
    managed_only=True,
)
AT_SIGN_IN: Final = Setting(
    "companion.at_sign_in",
    bool,
    False,
    N_("Start the Companion at sign-in"),
    N_("The Companion starts, minimised, when somebody signs in to this computer. Each person can switch that off."),
    managed_only=True,
    safe=False,
)
SESSION_ENABLED: Final = Setting(
    "session.enabled",
    bool,
    True,
    N_("Screen sharing"),
    N_("Off: nobody can be invited from this computer, and no invitation opens on it."),
    managed_only=True,
    safe=False,
)
MAX_MINUTES: Final = Setting(
    "session.max_minutes",
    int,
    60,
    N_("Longest session"),
    N_("Minutes after the yes when a session ends at the latest; the shorter one of both computers counts."),
    limits=(5, 60),
    managed_only=True,
    safe=5,
)
REQUIRE_NOTE: Final = Setting(
    "session.require_note",
    bool,
    False,
    N_("Reason before screen sharing"),
    N_("On: an agent writes why before inviting. It becomes an internal note on the ticket."),
    managed_only=True,
    safe=True,
)
MASK_WINDOWS: Final = Setting(
    "session.mask_windows",
    WindowRules,
    WindowRules(),
    N_("Windows that nobody may see in sessions"),
    N_(
        "Words of titles or programs; such windows are hidden, or with {“word”: …, “pause”: true} nothing is shown "
        "while one is open. The customer can add to them and take none away. If this cannot be read, or windows cannot "
        "be followed on this system, no screen is shared."
    ),
    managed_only=True,
)


def _allowed(what: str, label: str, explained: str) -> Setting[bool]:
    return Setting(f"session.allow_{what}", bool, True, label, explained, managed_only=True, safe=False)


ALLOW_CONTROL: Final = _allowed(
    "control", N_("Mouse and keyboard in sessions"), N_("Whether an agent may ask for them. Off: looking only.")
)
ALLOW_CLIPBOARD: Final = _allowed(
    "clipboard", N_("Clipboard in sessions"), N_("Whether an agent may ask to send or get a text.")
)
ALLOW_FILES: Final = _allowed("files", N_("Files in sessions"), N_("Whether an agent may offer or ask for a file."))
ALLOW_DIAGNOSTICS: Final = _allowed(
    "diagnostics", N_("Diagnostics in sessions"), N_("Whether an agent may ask for facts about the computer.")
)
ALLOW_RECORDING: Final = Setting(
    "session.allow_recording",
    Recording,
    Recording.ASK,
    N_("Recording of sessions"),
    N_("Whether an agent may ask to record. There is no “always”."),
    managed_only=True,
    safe=Recording.OFF,
)
ALLOW_EXECUTABLES: Final = Setting(
    "session.allow_executables",
    bool,
    False,
    N_("Programs among the files of a session"),
    N_("Whether a customer may take a program from an agent, after a second warning."),
    managed_only=True,
    safe=False,
)

DECLARED: Final[tuple[Setting[Any], ...]] = (
    LANGUAGE,
    THEME,
    MOTION,
    TEXT_PERCENT,
    SINGLE_KEYS,
    KEYS,
    SERVER_URL,
    ENROLMENT_SERVER,
    ENROLMENT_KEY,
    AT_SIGN_IN,
    LOGIN,
    UNDO_SEND_S,
    DISCARDED_DAYS,
    NOTICES_ON,
    QUIET_HOURS,
    HIDE_NOTICE_TEXT,
    STAY_IN_TRAY,
    CRASH_REPORTS,
    CRASH_ADDRESS,
    UPDATES,
    UPDATE_CHANNEL,
    UPDATE_FEED,
    UPDATE_ROOT,
    SESSION_ENABLED,
    MAX_MINUTES,
    REQUIRE_NOTE,
    MASK_WINDOWS,
    ALLOW_CONTROL,
    ALLOW_CLIPBOARD,
    ALLOW_FILES,
    ALLOW_DIAGNOSTICS,
    ALLOW_RECORDING,
    ALLOW_EXECUTABLES,
)


class SettingLocked(Exception):
    """The organisation has set this value; a person cannot change it."""


@dataclass
class Settings:
    """The values of one person, in `path` (JSON), below what the organisation manages. Used by one thread.

    Strongest first: managed, the person's own, recommended, built-in. `warnings` are texts for people about what the
    file or the policy said wrongly; the defaults stand in for it. Keys this version does not know are kept.
    `sources` and `preset_sources` are the organisation's files by key, `policy_problems` what is wrong with them.
    """

    path: Path
    managed: Mapping[str, object] = field(default_factory=dict)
    recommended: Mapping[str, object] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    sources: Mapping[str, Path] = field(default_factory=dict)
    preset_sources: Mapping[str, Path] = field(default_factory=dict)
    policy_problems: Sequence[str] = ()
    _own: dict[str, object] = field(default_factory=dict)
    _lines: Mapping[str, int] = field(default_factory=dict)
    _watchers: list[Callable[[str], None]] = field(default_factory=list)

    @classmethod
    def load(
        cls, path: Path, managed: Mapping[str, object] | None = None, recommended: Mapping[str, object] | None = None
    ) -> Settings:
        """Read the file; what is missing, unreadable or wrong leaves a warning and the default, never an error."""
        settings = cls(path, managed or {}, recommended or {})
        settings._own = settings._read()
        for setting in DECLARED:
            settings._check(setting)
        return settings

    def get(self, setting: Setting[V]) -> V:
        """The value in force."""
        for source in self._sources(setting):
            if setting.key in source:
                try:
                    return setting.accept(source[setting.key])
                except ValueError:
                    continue
        return setting.default

    def is_locked(self, setting: Setting[V]) -> bool:
        """Whether the organisation has set the value."""
        return setting.managed_only or (setting.lockable and setting.key in self.managed)

    def is_own(self, setting: Setting[V]) -> bool:
        """Whether the person has chosen a value. It may be out of force, or wrong."""
        return setting.key in self._own

    def managed_by(self, setting: Setting[V]) -> str:
        """Return the administrator's file that sets a value, "" when none is known."""
        return str(self.sources.get(setting.key, ""))

    def _sources(self, setting: Setting[V]) -> tuple[Mapping[str, object], ...]:
        return (self.managed,) if setting.managed_only else (self.managed, self._own, self.recommended)

    def set(self, setting: Setting[V], value: V) -> None:
        """Change, save and tell the watchers. Raises SettingLocked, ValueError, or OSError when it cannot be saved."""
        if self.is_locked(setting):
            raise SettingLocked(setting.key)
        accepted = setting.accept(value)
        if self._own.get(setting.key) == accepted:
            return
        self._save({**self._own, setting.key: accepted})
        for watcher in list(self._watchers):
            watcher(setting.key)

    def reset(self, setting: Setting[V]) -> None:
        """Forget the person's own value. Raises as `set` does."""
        if setting.key in self._own:
            self._save({key: value for key, value in self._own.items() if key != setting.key})
            for watcher in list(self._watchers):
                watcher(setting.key)

    def watch(self, watcher: Callable[[str], None]) -> Callable[[], None]:
        """Call `watcher` with the key after each change; returns what ends it."""
        self._watchers.append(watcher)

        def stop() -> None:
            if watcher in self._watchers:
                self._watchers.remove(watcher)

        return stop

    def _read(self) -> dict[str, object]:
        try:
            text = self.path.read_text("utf-8")
        except FileNotFoundError:
            return {}
        except (OSError, ValueError):
            return self._set_aside()
        found = read_values(text)
        self._lines = found.lines
        if not found.wrong:
            return found.values
        if not found.values:
            return self._set_aside()
        self._keep_aside(text)
        for number, said in found.wrong:
            told = _("Line {n} of {path} cannot be read and is left out; the rest counts: {text}")
            self.warnings.append(told.format(n=number, path=self.path, text=said))
        return found.values

    def _keep_aside(self, text: str) -> None:
        with contextlib.suppress(OSError):  # then the next change writes over what could not be read
            self.path.with_suffix(".broken.json").write_text(text, "utf-8")

    def _set_aside(self) -> dict[str, object]:
        kept = self.path.with_suffix(".broken.json")
        try:
            self.path.replace(kept)
            text = _("The settings in {path} cannot be read. Defaults are used; the old file is kept as {kept}.")
        except OSError:
            text = _("The settings in {path} cannot be read. Defaults are used.")
        self.warnings.append(text.format(path=self.path, kept=kept))
        return {}

    def _check(self, setting: Setting[V]) -> None:
        for source in self._sources(setting):
            if setting.key not in source:
                continue
            try:
                setting.accept(source[setting.key])
            except ValueError:
                text = _("The setting “{name}” ({key}) has a value that is not allowed. It is ignored.")
                if source is self._own and setting.key in self._lines:
                    text = _("Line {n}: the setting “{name}” ({key}) has a value that is not allowed. It is ignored.")
                number = self._lines.get(setting.key, 0)
                self.warnings.append(text.format(n=number, name=_(setting.label), key=setting.key))

    def _save(self, own: dict[str, object]) -> None:
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = self.path.with_suffix(".new")
        draft.write_text(json.dumps(own, ensure_ascii=False, indent=2, sort_keys=True) + "\n", "utf-8")
        draft.replace(self.path)
        self._own = own
