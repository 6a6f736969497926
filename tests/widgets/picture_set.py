# SPDX-License-Identifier: GPL-3.0-or-later
"""The set of pictures that a person looks at before a release: every window by name, each with its states.

A state is a scene of tests/widgets/scenes_*.py. Of each there is a picture in every look of `LOOKS`.
"""

from __future__ import annotations

from dataclasses import dataclass

from widgets.foundation import ThemeMode

__all__ = ["COMPANION", "LOOKS", "SET", "Look", "Shown"]


@dataclass(frozen=True, slots=True)
class Shown:
    """A window of the set, or windows of one kind. `states` are names of scenes, the usual one first."""

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
    Shown(
        "agent-1-inbox",
        "List of tickets",
        (
            "agent-inbox", "views-table", "agent-several", "views-compact", "views-filtered", "views-form",
            "presence-others", "presence-unknown", "window-of-a-view",
        ),
    ),
    Shown("agent-2-empty", "Nothing to show", ("agent-empty", "views-empty", "agent-offline-empty")),
    Shown(
        "agent-3-ticket",
        "Ticket and conversation",
        (
            "agent-ticket", "agent-ticket-small", "files-thread", "files-thread-small", "window-of-a-ticket",
            "agent-refused-invitation", "tickets-history",
        ),
    ),
    Shown(
        "agent-4-composer",
        "Reply and note",
        (
            "agent-reply", "agent-reply-small", "agent-note", "composer-unfilled", "composer-waiting",
            "composer-outbox", "composer-placeholders", "composer-formatted", "composer-formatted-small",
            "composer-preview", "composer-link", "composer-canned", "composer-macro", "composer-time", "files-reply",
            "files-reply-small", "knowledge-quoted", "knowledge-announced", "written-elsewhere",
        ),
    ),
    Shown("agent-5-held", "A reply that is held", ("agent-held",)),
    Shown(
        "agent-6-offline",
        "Without a network",
        ("agent-offline", "agent-outbox", "sync-stuck", "sync-loading", "sync-status"),
    ),
    Shown(
        "agent-7-needs-you",
        "Needs you",
        (
            "needs-text", "needs-many", "needs-text-small", "needs-empty", "needs-stale", "needs-field", "needs-edit",
            "needs-deleted", "needs-rejected", "needs-orphaned", "needs-draft", "needs-decided",
        ),
    ),
    Shown("agent-8-find", "Search and palette", ("views-search", "agent-search", "agent-palette", "agent-keys")),
    Shown("agent-9-new", "A new ticket", ("tickets-new", "tickets-talk", "tickets-time")),
    Shown("agent-10-merge", "Merge, split, hand over", ("tickets-merge", "tickets-split", "tickets-hand-over")),
    Shown(
        "agent-11-settings",
        "Settings",
        ("agent-settings", "agent-settings-locked", "agent-policies", "agent-policies-none", "agent-shortcuts"),
    ),
    Shown(
        "agent-12-trouble",
        "First run and trouble",
        ("agent-sign-in", "agent-crash", "sync-guard", "sync-suspended", "sync-revoked"),
    ),
    Shown(
        "agent-13-customer",
        "The customer",
        (
            "customer-page", "customer-page-lead", "customer-edit", "customer-address", "customer-product",
            "customer-serial", "customer-terms", "customer-merge", "agent-fact-card",
        ),
    ),
    Shown(
        "agent-14-promises",
        "Promises, calls, complaints",
        (
            "promises-window", "promises-offer", "promises-details", "callbacks-list", "callbacks-empty",
            "callbacks-plan", "callbacks-block", "complaints-guide", "complaints-reply", "tickets-survey",
            "agent-own-work",
        ),
    ),
    Shown(
        "agent-15-articles",
        "Articles",
        (
            "knowledge-read", "knowledge-found", "knowledge-write", "knowledge-lacking", "knowledge-rival",
            "knowledge-empty", "knowledge-from-ticket",
        ),
    ),
    Shown(
        "agent-16-told",
        "Announcements, contact, hours",
        (
            "told-announcements", "told-contact", "told-hours", "told-hours-lead", "told-hours-change",
            "told-announce", "told-nothing",
        ),
    ),
    Shown(
        "session-1-before",
        "Invitation and check number",
        (
            "session-invite", "session-invite-page", "session-why", "session-why-empty",
            "session-proof", "session-proof-wrong", "session-proof-wait",
            "session-proof-browser", "session-check",
        ),
    ),
    Shown(
        "session-2-live",
        "Verified",
        (
            "session-live", "session-pointing", "session-asked", "session-not-allowed", "rules-reason",
            "rules-reason-clipboard", "rules-forbidden-tools", "rules-own-hands", "control-possible", "control-off",
            "control-on", "talk-session-chat", "talk-session-unread", "talk-clipboard", "talk-clipboard-empty",
            "session-diagnostics", "session-diagnostics-panel", "session-files-moving",
            "recording-session-possible", "recording-session-waiting", "recording-session-running",
            "recording-session-failed",
        ),
    ),
    Shown(
        "session-3-rest",
        "Paused, line lost, covered",
        ("session-paused", "session-lost", "session-hidden", "session-protected"),
    ),
    Shown("session-4-end", "Ended or refused", ("session-ended", "session-refused")),
    Shown(
        "companion-1-home",
        "Home",
        (
            "companion-home", "companion-home-small", "companion-home-offline", "companion-home-empty",
            "companion-home-there", "companion-home-there-small", "knowledge-home",
        ),
    ),
    Shown(
        "companion-2-ask",
        "Ask for help, read a ticket",
        (
            "companion-ask", "companion-ask-known", "companion-ask-known-small", "companion-ticket",
            "companion-ticket-asked", "companion-ticket-acknowledged",
        ),
    ),
    Shown(
        "companion-3-enrol",
        "Enrol, code",
        (
            "companion-enrol", "companion-enrol-confirm", "companion-enrol-file", "companion-passphrase",
            "companion-code",
        ),
    ),
    Shown("companion-4-scam", "Before the first session", ("companion-scam",)),
    Shown(
        "companion-5-request",
        "Request",
        (
            "companion-request", "companion-request-problem", "companion-request-kept", "rules-forbidden-request",
            "rules-change",
        ),
    ),
    Shown(
        "companion-6-sharing",
        "Number, bar and border, questions",
        (
            "companion-shared", "companion-check-number", "companion-question", "companion-bar",
            "companion-bar-paused", "companion-bar-pointing", "companion-bar-kept", "control-bar", "rules-bar-three",
            "rules-bar-all", "rules-bar-all-large", "recording-companion-bar", "talk-companion-bar",
            "companion-permission", "control-question", "recording-companion-question",
            "talk-companion-clip-question", "talk-companion-clip-nothing", "talk-companion-clip-shown",
            "talk-companion-chat", "companion-file-question", "companion-file-program", "companion-file-request",
            "companion-file-chosen", "companion-files-moving", "companion-diagnostics",
            "companion-diagnostics-collecting", "companion-diagnostics-question",
        ),
    ),
    Shown("companion-7-masks", "Masks", ("companion-masks", "companion-masks-without-rules", "companion-region")),
    Shown("companion-8-ended", "Summary", ("companion-ended",)),
    Shown(
        "companion-9-calls",
        "Calls",
        ("companion-call-choose", "companion-call-confirmed", "companion-call-offline", "companion-call-missed"),
    ),
    Shown("companion-10-answers", "Answers", ("knowledge-answers", "knowledge-answer", "knowledge-no-answer")),
)  # fmt: skip

COMPANION = frozenset(state for shown in SET if shown.name.startswith("companion") for state in shown.states)
