# SPDX-License-Identifier: GPL-3.0-or-later
"""`deskside companion`: the customer's program. Builds windows, file, network thread and sessions, and joins them."""

from __future__ import annotations

import contextlib
import signal
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication

from app.config.i18n import LanguageChoice, _, set_language
from app.config.logs import configure
from app.config.paths import UserFolders
from app.config.policy import Policy, read_policy
from app.desktop.enrolment_place import enrolment_places
from app.desktop.garbage import collect_here
from app.desktop.hand_over import hand_over, is_open
from app.desktop.input_method import use_what_is_there
from app.desktop.motion import MotionWatch
from app.desktop.one_instance import OneInstance
from app.entry.cli import AT_SIGN_IN
from app.entry.command_line import CommandLine
from app.entry.companion_app import CompanionApp
from app.entry.display import no_display
from widgets.companion.texts import trouble
from widgets.foundation import FocusRing, Theme, ThemeMode, install_roles, load_tokens
from widgets.foundation.qt_texts import install_qt_texts

__all__ = ["CompanionOptions", "build_companion", "main"]

_SIGNAL_TICK_MS = 300


@dataclass(frozen=True, slots=True)
class CompanionOptions:
    """How the companion starts. `passphrase` None: the system's key store, or ask. `data` None: the user's folder."""

    data: Path | None = None
    enrol: str = ""
    passphrase: str | None = None
    language: LanguageChoice = "system"
    theme: ThemeMode = ThemeMode.SYSTEM
    policy: Callable[[], Policy] = read_policy
    minimised: bool = False

    @property
    def folders(self) -> UserFolders:
        """Where everything of this person lies."""
        return UserFolders.under(self.data) if self.data is not None else UserFolders.of_user()


def build_companion(options: CompanionOptions) -> CompanionApp:
    """Make the companion with its own QApplication (or the one there is). Nothing is shown before `start()`."""
    set_language(options.language)
    found = QApplication.instance()
    qt = found if isinstance(found, QApplication) else QApplication(sys.argv[:1])
    qt.setApplicationName("deskside-companion")
    qt.setApplicationDisplayName("Deskside Companion")
    qt.setDesktopFileName("org.deskside.companion")
    qt.setQuitOnLastWindowClosed(False)
    install_qt_texts(qt)
    tokens = load_tokens()
    theme = Theme(qt, tokens, options.theme, control_px=tokens.target_companion)
    install_roles()
    FocusRing(qt, theme)  # owned by the application
    collect_here(qt)
    return CompanionApp(
        qt, theme, options.folders.data / "companion", passphrase=options.passphrase, enrol_link=options.enrol,
        policy=options.policy, enrolment_files=enrolment_places(), minimised=options.minimised,
    )  # fmt: skip


def parse_options(argv: Sequence[str]) -> CompanionOptions:
    """Read the command line; with --passphrase-stdin one line is taken from standard input."""
    parser = CommandLine(prog="deskside companion", description=_("The Companion for customers."))
    parser.add_argument("--data", type=Path, metavar="DIR", help=_("keep everything below this folder"))
    parser.add_argument("--enrol", metavar="LINK", default="", help=_("open the enrolment of this link"))
    parser.add_argument("--passphrase-stdin", action="store_true", help=_("read the passphrase from standard input"))
    parser.add_argument("--lang", choices=("ko", "en", "system"), default="system")
    parser.add_argument("--theme", choices=[mode.value for mode in ThemeMode], default="system")
    parser.add_argument(AT_SIGN_IN, action="store_true", help=_("start minimised, if the organisation wants it so"))
    parser.add_argument("link", nargs="?", default="", metavar="deskside://…", help=_("show what this link leads to"))
    found = parser.parse_args(list(argv))
    return CompanionOptions(
        data=found.data,
        enrol=found.enrol or found.link,
        passphrase=sys.stdin.readline().rstrip("\r\n") if found.passphrase_stdin else None,
        language=found.lang,
        theme=ThemeMode(found.theme),
        minimised=found.at_sign_in,
    )


def main(argv: list[str]) -> int:
    """Run the companion until its window is closed; return an exit status."""
    set_language("system")
    options = parse_options(argv)
    set_language(options.language)
    if no_display():
        sys.stderr.write(trouble("no_window") + "\n")
        return 3
    profile = options.folders.data / "companion"
    if options.minimised and is_open(profile):
        return 0  # nobody asked to see it
    if hand_over(profile, options.enrol):
        return 0  # the window that is open already shows it
    use_what_is_there()
    companion = build_companion(options)
    _leave_on_signals(companion)
    motion = MotionWatch(companion)
    motion.changed.connect(companion.theme.set_still)
    motion.start()
    instance = OneInstance(profile, companion)
    instance.shown.connect(companion.show_link)
    instance.listen()
    with _log_of(companion):
        companion.start()
        return companion.run()


def _log_of(companion: CompanionApp) -> contextlib.AbstractContextManager[object]:
    """The own log, whose last lines diagnostics show; without a place for it the program runs all the same."""
    try:
        return configure(companion.logs, "companion")
    except OSError:
        return contextlib.nullcontext()


def _leave_on_signals(companion: CompanionApp) -> None:
    for number in (signal.SIGTERM, signal.SIGINT):
        with contextlib.suppress(ValueError):  # not the main thread: whoever runs us handles signals
            signal.signal(number, lambda _number, _frame: companion.leave())
    # Python runs handlers between its own instructions only; an idle Qt loop executes none
    timer = QTimer(companion, interval=_SIGNAL_TICK_MS)
    timer.timeout.connect(lambda: None)
    timer.start()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
