# SPDX-License-Identifier: GPL-3.0-or-later
"""`deskside admin publish FILE`: sets the support contact, articles and announcements that customers read."""

from __future__ import annotations

import argparse
from pathlib import Path

from app.config.i18n import _
from app.domain.errors import Refused
from app.entry.command_line import CommandLine
from app.services.publishing_file import read_publishing_file
from sync.server.publishing import publish
from sync.server.store import Store

__all__ = ["add_publish", "run_publish"]


def add_publish(commands: argparse._SubParsersAction[CommandLine]) -> None:
    """Add the command to the administrator's."""
    out = commands.add_parser("publish", help=_("Set contact, articles and announcements from a file"))
    out.add_argument("file", type=Path, metavar="FILE", help=_("The file, TOML; docs/portal.md tells what"))


def run_publish(arguments: argparse.Namespace, store: Store, now: int) -> int:
    """Run it. Raises Refused, DatabaseBusy."""
    try:
        text = arguments.file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Refused("bad_publishing_file", why=str(error)) from error
    spec = read_publishing_file(text)
    made = publish(store, now, spec.contact, spec.calendar, spec.articles, spec.announcements)
    told = _("New versions of articles: {articles}. New versions of announcements: {announcements}.")
    print(told.format(articles=made.articles, announcements=made.announcements))
    if made.contact:
        print(_("The support contact was changed."))
    return 0
