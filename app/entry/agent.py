# SPDX-License-Identifier: GPL-3.0-or-later
"""`deskside`: the agent's program. Builds the window, the profile, the sync link and sessions, and joins them."""

from __future__ import annotations

import contextlib
import signal
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication

from app.config import settings as conf
from app.config.i18n import LanguageChoice, _, set_language
from app.config.paths import UserFolders
from app.config.policy import Policy, read_policy
from app.config.settings import Settings
from app.desktop.garbage import collect_here
from app.desktop.hand_over import hand_over
from app.desktop.input_method import use_what_is_there
from app.entry.agent_app import AgentApp
from app.entry.agent_crash import CrashDesk
from app.entry.agent_desktop import AgentDesktop
from app.entry.agent_links import AgentLinks
from app.entry.command_line import CommandLine
from app.entry.display import no_display
from widgets.foundation import FocusRing, Theme, ThemeMode, install_roles, load_tokens

__all__ = ["AgentOptions", "build_agent", "main"]

_SIGNAL_TICK_MS = 300
# A query thread lets the GUI thread in after this long; Python's own 5 ms shows as jerky lists while much is read.
_SWITCH_S = 0.0001


@dataclass(frozen=True, slots=True)
class AgentOptions:
    """How the client starts. `passphrase` None: the system's key store, or ask. `data` None: the user's folders.

    `language` and `theme` stand above the person's settings for this run; "system" leaves them alone.
    """

    data: Path | None = None
    passphrase: str | None = None
    language: LanguageChoice = "system"
    theme: ThemeMode = ThemeMode.SYSTEM
    policy: Callable[[], Policy] = read_policy
    link: str = ""

    @property
    def folders(self) -> UserFolders:
        """Where everything of this person lies."""
        return UserFolders.under(self.data) if self.data is not None else UserFolders.of_user()


def build_agent(options: AgentOptions) -> AgentApp:
    """Make the client with its own QApplication (or the one there is). Nothing is shown before `start()`."""
    sys.setswitchinterval(_SWITCH_S)
    found = QApplication.instance()
    qt = found if isinstance(found, QApplication) else QApplication(sys.argv[:1])
    qt.setApplicationName("deskside")
    qt.setApplicationDisplayName("Deskside")
    qt.setDesktopFileName("org.deskside.agent")
    qt.setQuitOnLastWindowClosed(False)
    folders = options.folders
    chosen: dict[str, object] = {}
    if options.language != "system":
        chosen[conf.LANGUAGE.key] = options.language
    if options.theme is not ThemeMode.SYSTEM:
        chosen[conf.THEME.key] = options.theme.value
    policy = options.policy()
    preset = {**policy.recommended, **chosen}
    settings = Settings.load(folders.config / "settings.json", managed=policy.values, recommended=preset)
    settings.sources, settings.preset_sources = policy.sources, policy.recommended_sources
    settings.policy_problems = policy.warnings
    settings.warnings += policy.warnings
    set_language(settings.get(conf.LANGUAGE).value)
    theme = Theme(qt, load_tokens(), ThemeMode(settings.get(conf.THEME).value))
    theme.warm_up()
    FocusRing(qt, theme)  # owned by the application
    install_roles()
    collect_here(qt)
    return AgentApp(qt, theme, settings, folders.data / "agent", options.passphrase, options.policy)


def parse_options(argv: Sequence[str]) -> AgentOptions:
    """Read the command line; with --passphrase-stdin one line is taken from standard input."""
    parser = CommandLine(prog="deskside", description=_("The help desk for agents."))
    parser.add_argument("--data", type=Path, metavar="DIR", help=_("keep everything below this folder"))
    parser.add_argument("--passphrase-stdin", action="store_true", help=_("read the passphrase from standard input"))
    parser.add_argument("--lang", choices=("ko", "en", "system"), default="system")
    parser.add_argument("--theme", choices=[mode.value for mode in ThemeMode], default="system")
    parser.add_argument("link", nargs="?", default="", metavar="deskside://…", help=_("show what this link leads to"))
    found = parser.parse_args(list(argv))
    return AgentOptions(
        link=found.link,
        data=found.data,
        passphrase=sys.stdin.readline().rstrip("\r\n") if found.passphrase_stdin else None,
        language=found.lang,
        theme=ThemeMode(found.theme),
    )


def main(argv: list[str]) -> int:
    """Run the client until its window is closed; return an exit status."""
    set_language("system")
    options = parse_options(argv)
    if no_display():
        text = _(
            "There is no display here, so no window can open. Start Deskside in a desktop session, or try "
            "“deskside demo --headless”. “deskside doctor” says what is missing."
        )
        sys.stderr.write(text + "\n")
        return 3
    profile = options.folders.data / "agent"
    if hand_over(profile, options.link):
        return 0  # the window that is open already shows it
    use_what_is_there()
    agent = build_agent(options)
    leave_on_signals(agent)
    AgentDesktop(agent)  # owned by the agent
    CrashDesk(agent, options.folders.logs).install()
    links = AgentLinks(agent)
    links.listen(profile)
    links.take_first(options.link)
    agent.start()
    return agent.run()


def leave_on_signals(agent: AgentApp) -> None:
    """Let SIGTERM and SIGINT end the client in good order."""
    for number in (signal.SIGTERM, signal.SIGINT):
        with contextlib.suppress(ValueError):  # not the main thread: whoever runs us handles signals
            signal.signal(number, lambda _number, _frame: agent.leave())
    # Python runs handlers between its own instructions only; an idle Qt loop executes none
    timer = QTimer(agent, interval=_SIGNAL_TICK_MS)
    timer.timeout.connect(lambda: None)
    timer.start()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
