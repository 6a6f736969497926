# SPDX-License-Identifier: GPL-3.0-or-later
"""Command lines whose own words (usage, complaints) are spoken like the program's: argparse asks gettext for them."""

from __future__ import annotations

import argparse
import gettext
from importlib.resources import files
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from app.config.i18n import N_, _, language

__all__ = ["CommandLine", "service_address"]

_AREA = "tools"
_WORDS = (
    N_("usage: "),
    N_("options"),
    N_("positional arguments"),
    N_("show this help message and exit"),
    N_("%(prog)s: error: %(message)s\n"),
    N_("argument %(argument_name)s: %(message)s"),
    N_("the following arguments are required: %s"),
    N_("one of the arguments %s is required"),
    N_("unrecognized arguments: %s"),
    N_("expected one argument"),
    N_("expected at least one argument"),
    N_("expected at most one argument"),
    N_("not allowed with argument %s"),
    N_("ignored explicit argument %r"),
    N_("ambiguous option: %(option)s could match %(matches)s"),
    N_("invalid %(type)s value: %(value)r"),
    N_("invalid choice: %(value)r (choose from %(choices)s)"),
)


class CommandLine(argparse.ArgumentParser):
    """A parser for people. Made after `set_language`, whose language it speaks."""

    def __init__(self, **words: Any) -> None:
        # another domain has no catalogue of these words, so it speaks English
        gettext.bindtextdomain(_AREA, str(files("resources") / "locale"))
        gettext.textdomain(_AREA if language() == "ko" else "messages")
        super().__init__(**words)


def service_address(value: str) -> str:
    """Return the address of a database or broker; @FILE names a file that holds it.

    For `add_argument(type=...)`. An address with a password is taken from a file only: everybody on a machine can read
    the arguments of its programs. Raises ArgumentTypeError.
    """
    if value.startswith("@"):
        try:
            return Path(value[1:]).read_text("utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            told = _("{file} cannot be read: {reason}")
            raise argparse.ArgumentTypeError(told.format(file=value[1:], reason=error)) from error
    if any(_has_password(address) for address in value.split(",")):
        raise argparse.ArgumentTypeError(
            _("others can read a password in an argument. Write the address to a file of your own and give @FILE.")
        )
    return value


def _has_password(address: str) -> bool:
    try:
        return bool(urlsplit(address).password)
    except ValueError:
        return False  # what it is instead is told by whoever uses it
