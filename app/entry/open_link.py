# SPDX-License-Identifier: GPL-3.0-or-later
"""`deskside open LINK`: what the desktop runs for `deskside://`. Hands the link to the open window, or opens one."""

from __future__ import annotations

import importlib
import sys

from app.config.i18n import _, set_language
from app.config.paths import UserFolders
from app.desktop.hand_over import hand_over
from app.domain.links import Opener, opener_of, without_secret
from app.entry.command_line import CommandLine

__all__ = ["main"]

_MODULES = {Opener.AGENT: "app.entry.agent", Opener.COMPANION: "app.entry.companion"}


def main(argv: list[str]) -> int:
    """Show one link in the program that it belongs to; what is no link of ours is named and left alone."""
    set_language("system")
    parser = CommandLine(prog="deskside open", description=_("Show what a link of Deskside leads to."))
    parser.add_argument("link", metavar="deskside://…")
    link = parser.parse_args(argv).link.strip()
    opener = opener_of(link)
    if opener is None:
        told = _("“{link}” is no link of Deskside, or not a whole one. Nothing was opened.")
        print(told.format(link=without_secret(link)), file=sys.stderr)
        return 2
    if hand_over(UserFolders.of_user().data / opener.value, link):
        return 0
    # here and by name: a window costs a second to load, and mostly one is open already
    return int(importlib.import_module(_MODULES[opener]).main([link]))
