# SPDX-License-Identifier: GPL-3.0-or-later
"""The set of pictures that a person looks at before a release: 24 scenes by name, each with its states.

A state is a scene of tests/widgets/scenes_*.py. Of each there is a picture in every look of `LOOKS`.
"""

from __future__ import annotations

from dataclasses import dataclass

from widgets.foundation import ThemeMode

__all__ = ["LOOKS", "SET", "Look", "Shown"]


@dataclass(frozen=True, slots=True)
class Shown:
    """One window of the set. `states` are names of scenes, the usual one first."""

    name: str
    title: str
    states: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Look:
    """How a state is drawn. `language` "pseudo" is English made long and strange; sizes are in percent."""

    language: str
    mode: ThemeMode
    scale: int = 100  # of the screen
    text: int = 100

    def __str__(self) -> str:
        text = "" if self.text == 100 else f"-text{self.text}"
        return f"{self.language}-{self.mode.value}-{self.scale}{text}"

    @classmethod
    def read(cls, name: str) -> Look:
        """Return the look of a name. Raises ValueError."""
        language, mode, scale, *text = name.split("-")
        return cls(language, ThemeMode(mode), int(scale), int(text[0].removeprefix("text")) if text else 100)


def _looks() -> tuple[Look, ...]:
    usual = [
        Look(language, mode, scale)
        for scale in (100, 125, 150, 200)
        for mode in (ThemeMode.LIGHT, ThemeMode.DARK)
        for language in ("ko", "en")
    ]
    contrast = [
        Look(language, mode)
        for mode in (ThemeMode.CONTRAST_LIGHT, ThemeMode.CONTRAST_DARK)
        for language in ("ko", "en")
    ]
    long = [Look("pseudo", ThemeMode.LIGHT), Look("pseudo", ThemeMode.DARK)]
    large = [Look(language, ThemeMode.LIGHT, text=200) for language in ("ko", "en")]
    return (*usual, *contrast, *long, *large)


LOOKS = _looks()

SET = (
    Shown("agent-1-inbox", "List of tickets", ("agent-inbox", "views-table", "agent-several")),
    Shown("agent-2-empty", "Nothing to show", ("agent-empty", "views-empty", "agent-offline-empty")),
    Shown("agent-3-ticket", "Ticket and conversation", ("agent-ticket", "agent-ticket-small", "files-thread")),
    Shown("agent-4-composer", "Reply and note", ("agent-reply", "agent-note", "composer-unfilled", "composer-waiting")),
    Shown("agent-5-held", "A reply that is held", ("agent-held",)),
    Shown("agent-6-offline", "Without a network", ("agent-offline", "agent-outbox", "sync-stuck")),
    Shown("agent-7-needs-you", "Needs you", ("needs-text", "needs-many", "needs-text-small", "needs-empty")),
    Shown("agent-8-find", "Search and palette", ("views-search", "agent-palette", "agent-keys")),
    Shown("agent-9-new", "A new ticket", ("tickets-new", "tickets-talk")),
    Shown("agent-10-merge", "Merge, split, hand over", ("tickets-merge", "tickets-split", "tickets-hand-over")),
    Shown(
        "agent-11-settings",
        "Settings",
        ("agent-settings", "agent-settings-locked", "agent-policies", "agent-shortcuts"),
    ),
    Shown("agent-12-trouble", "First run and trouble", ("agent-sign-in", "agent-crash", "sync-guard", "sync-revoked")),
    Shown("session-1-before", "Invitation and check number", ("session-invite", "session-check")),
    Shown(
        "session-2-live",
        "Verified",
        ("session-pointing", "control-on", "talk-session-chat", "session-files-moving", "recording-session-running"),
    ),
    Shown("session-3-rest", "Paused, line lost, covered", ("session-paused", "session-lost", "session-hidden")),
    Shown("session-4-end", "Ended or refused", ("session-ended", "session-refused")),
    Shown(
        "companion-1-home",
        "Home",
        ("companion-home", "companion-home-small", "companion-home-offline", "companion-home-empty"),
    ),
    Shown("companion-2-ask", "Ask for help, read a ticket", ("companion-ask", "companion-ticket")),
    Shown(
        "companion-3-enrol",
        "Enrol, code",
        ("companion-enrol", "companion-enrol-confirm", "companion-enrol-file", "companion-code"),
    ),
    Shown("companion-4-scam", "Before the first session", ("companion-scam",)),
    Shown(
        "companion-5-request", "Request", ("companion-request", "companion-request-problem", "companion-request-kept")
    ),
    Shown(
        "companion-6-sharing",
        "Number, bar and border, questions",
        ("companion-shared", "companion-check-number", "companion-bar-paused", "companion-permission"),
    ),
    Shown("companion-7-masks", "Masks", ("companion-masks", "companion-region")),
    Shown("companion-8-ended", "Summary", ("companion-ended",)),
)
