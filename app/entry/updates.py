# SPDX-License-Identifier: GPL-3.0-or-later
"""`deskside updates`: is there a newer version, fetch it; and for IT: make, publish to and renew a signed feed."""

from __future__ import annotations

import argparse
import io
import os
import platform
import sys
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path

from app.config import settings as conf
from app.config.i18n import _, set_language
from app.config.paths import UserFolders
from app.config.policy import read_policy
from app.config.settings import Settings
from app.domain.updates import FeedFailed, Offer, Trouble, platform_name
from app.entry.command_line import CommandLine
from sync.feed_maker import FeedMaker, FeedRefused
from sync.update_feed import UpdateFeed

__all__ = ["main"]

_DAYS = 14
_STEP = 10  # percent
_FAILED, _USAGE = 1, 2


def main(argv: list[str]) -> int:
    """Run one of the five. 0: done, also when nothing newer is there. 1: not done, the text says why. 2: usage."""
    set_language("system")
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
    options = _parser().parse_args(argv)
    try:
        if options.verb in ("check", "get"):
            return _ask(options.verb == "get")
        return _make(options)
    except FeedFailed as why:
        print(trouble_text(why.trouble), file=sys.stderr)
    except FeedRefused as why:
        print(_refusal(why.code), file=sys.stderr)
    except OSError as why:
        print(_("It could not be written: {why}").format(why=why.strerror or why), file=sys.stderr)
    except KeyboardInterrupt:
        print(trouble_text(Trouble.STOPPED), file=sys.stderr)
    return _FAILED


def _parser() -> CommandLine:
    parser = CommandLine(prog="deskside updates", description=_("Newer versions, from your organisation's own feed."))
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="check|get|create|publish|renew")
    verbs.add_parser("check", help=_("say whether the organisation offers a newer version"))
    verbs.add_parser("get", help=_("fetch that version's file, checked; it is not installed"))
    create = verbs.add_parser("create", help=_("for IT: make keys and an empty feed"))
    publish = verbs.add_parser("publish", help=_("for IT: offer a file as a version"))
    renew = verbs.add_parser("renew", help=_("for IT: sign the feed again, before readers hold it for stale"))
    for verb in (create, publish, renew):
        verb.add_argument("feed", type=Path, metavar="DIR", help=_("the feed's folder, which a web server shows"))
        verb.add_argument("--keys", type=Path, required=True, metavar="DIR", help=_("the folder of the keys"))
        verb.add_argument(
            "--days", type=int, default=_DAYS, choices=range(1, 91), metavar="1-90",
            help=_("for how many days readers believe that nothing newer exists"),
        )  # fmt: skip
    publish.add_argument("file", type=Path, metavar="FILE", help=_("the installer or archive"))
    publish.add_argument("--version", required=True, metavar="VERSION", help=_("its version, as in 1.2.0"))
    publish.add_argument(
        "--channel", choices=[word.value for word in conf.UpdateChannel], default=conf.UpdateChannel.STABLE.value,
        help=_("who gets it"),
    )  # fmt: skip
    publish.add_argument(
        "--platform", choices=("linux-x86_64", "windows-x86_64", "macos-arm64", "macos-x86_64"), required=True,
        help=_("for which computers"),
    )  # fmt: skip
    return parser


def _ask(fetch: bool) -> int:
    """Look at the feed of this computer's policy, and fetch what it offers if that is wished."""
    folders, settings = UserFolders.of_user(), _settings()
    if settings.get(conf.UPDATES) is conf.UpdateMode.OFF:
        print(_("Updates are switched off by your organisation. No feed was asked."))
        return 0
    if fetch and _is_administrator():
        print(_("Do not fetch updates as administrator: use your own account."), file=sys.stderr)
        return _USAGE
    feed, running = _feed(settings, folders.data / "updates"), metadata.version("deskside")
    offer = feed.offer(
        settings.get(conf.UPDATE_CHANNEL).value, platform_name(sys.platform, platform.machine()), running
    )
    if offer is None:
        print(_("You have the newest version that your organisation offers ({version}).").format(version=running))
        return 0
    print(_("Your organisation offers version {version}; you have {running}.").format(
        version=offer.version, running=running
    ))  # fmt: skip
    if fetch:
        print(_("Checked and complete: {path}").format(path=_fetch(feed, offer, folders.data / "updates" / "files")))
    if settings.get(conf.UPDATES) is conf.UpdateMode.INSTALL:
        print(_("Your organisation wishes updates to be installed by themselves. This version cannot do that yet."))
    return 0


def _settings() -> Settings:
    policy = read_policy()
    return Settings(Path("none.json"), policy.values, policy.recommended)


def _feed(settings: Settings, kept: Path) -> UpdateFeed:
    address, root = settings.get(conf.UPDATE_FEED), settings.get(conf.UPDATE_ROOT)
    if not address or not root:
        raise FeedFailed(Trouble.UNSET)
    try:
        keys = Path(root).read_bytes()
    except (OSError, ValueError) as error:
        raise FeedFailed(Trouble.BAD_ROOT) from error
    return UpdateFeed(address, keys, kept)


def _fetch(feed: UpdateFeed, offer: Offer, folder: Path) -> Path:
    told = -1

    def progress(came: int, size: int) -> None:
        nonlocal told
        percent = came * 100 // max(size, 1) // _STEP * _STEP
        if percent != told:
            told = percent
            print(f"{percent} %", file=sys.stderr)

    return feed.fetch(offer, folder, progress)


def _is_administrator() -> bool:
    return hasattr(os, "geteuid") and os.geteuid() == 0


def _make(options: argparse.Namespace) -> int:
    maker = FeedMaker(options.feed, options.keys, datetime.now(UTC), options.days)
    if options.verb == "create":
        print(_("The feed is made. Put this file on every computer, and its path into the policy updates.root:"))
        print(maker.create())
        print(_("Keep root.pem and release.pem off the web server; only freshness.pem is needed to renew."))
    elif options.verb == "publish":
        maker.publish(options.file, options.channel, options.platform, options.version)
        print(_("Version {version} is offered.").format(version=options.version))
    else:
        print(_("Signed again with: {names}").format(names=", ".join(maker.renew())))
    return 0


def trouble_text(trouble: Trouble) -> str:
    """Return what a person reads when a feed gave nothing."""
    return {
        Trouble.UNSET: _("No feed of updates is set on this computer. Updates come from your organisation."),
        Trouble.BAD_ADDRESS: _("The address of the feed cannot be used: it must begin with https:// and hold no name."),
        Trouble.BAD_ROOT: _("The keys of the feed (policy updates.root) cannot be read. Your IT can put that right."),
        Trouble.UNREACHABLE: _("The feed of updates did not answer. Nothing was changed; try again later."),
        Trouble.EXPIRED: _(
            "The feed of updates is stale: it was not renewed in time. Nothing was changed; tell your IT."
        ),
        Trouble.OLDER: _(
            "The feed shows an older state than before, so it is not believed. Nothing was changed; tell your IT."
        ),
        Trouble.UNSIGNED: _(
            "What the feed gave is not signed by your organisation. Nothing was changed; tell your IT."
        ),
        Trouble.INCOMPLETE: _("The line broke off before the file was complete. Nothing was kept; try again later."),
        Trouble.DISK: _("The file could not be written: is the disk full? Nothing was kept."),
        Trouble.STOPPED: _("Stopped. Nothing was kept."),
    }[trouble]


def _refusal(code: str) -> str:
    return {
        "exists": _("There is a feed or a key in these folders already. Nothing was overwritten."),
        "version": _("A version consists of two to four numbers with dots, as in 1.2.0."),
        "no_file": _("The file is not there."),
        "other_bytes": _("This version went out with other contents. Give the new file a version of its own."),
        "no_key": _("A key that this needs is not in the folder of the keys."),
        "bad_key": _("A key in the folder is not the one that the feed's root names."),
        "no_feed": _("There is no feed in this folder."),
    }[code]
