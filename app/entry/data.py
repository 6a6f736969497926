# SPDX-License-Identifier: GPL-3.0-or-later
"""`deskside data`: show what a person has on this computer, take unsent work out, or remove all of it. No Qt."""

from __future__ import annotations

import contextlib
import io
import json
import shutil
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from app.config.i18n import _, set_language
from app.config.paths import UserFolders
from app.domain.errors import WorldError
from app.entry.command_line import CommandLine
from app.entry.data_profiles import KINDS, Kept, Profile
from app.services.messages import error_text

__all__ = ["main"]

_PREVIEW = 60


def main(argv: list[str]) -> int:
    """Run one of the three. 0: done. 1: it could not be done, nothing was removed. 2: usage, or a person said no."""
    set_language("system")
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
    options = _parser().parse_args(argv)
    if options.language != "system":
        set_language(options.language)
    passphrase = sys.stdin.readline().rstrip("\r\n") if options.passphrase_stdin else None
    folders = UserFolders.under(options.data) if options.data is not None else UserFolders.of_user()
    found = [profile for kind in KINDS if (profile := Profile(kind, folders.data / kind.value)).there]
    with contextlib.ExitStack() as held:
        try:
            for profile in found:
                held.enter_context(profile.alone())
        except (WorldError, OSError) as error:
            return _failed(error)
        kept = [profile.read(passphrase) for profile in found]
        if options.verb == "show":
            return _show(folders, kept, as_json=options.json)
        if options.verb == "export":
            return _export(kept, options.folder)
        if not _agreed(folders, kept, asked_already=options.yes):
            return 2
        for profile in found:
            profile.destroy_keys()
    return _remove(folders)


def _parser() -> CommandLine:
    parser = CommandLine(prog="deskside data", description=_("What you have in Deskside on this computer."))
    parser.add_argument("--language", choices=("system", "ko", "en"), default="system")
    parser.add_argument("--data", type=Path, metavar="DIR", help=_("everything is below this folder"))
    parser.add_argument("--passphrase-stdin", action="store_true", help=_("read the passphrase from standard input"))
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="show|export|remove")
    one = verbs.add_parser("show", help=_("say where it is and what no server has yet"))
    one.add_argument("--json", action="store_true", help=_("print it as JSON"))
    two = verbs.add_parser("export", help=_("write drafts, waiting changes and their files to a folder, readable"))
    two.add_argument("folder", type=Path, metavar="DIR", help=_("a folder that does not exist yet"))
    three = verbs.add_parser("remove", help=_("delete the keys, so that nobody can read it again, and then the files"))
    three.add_argument("--yes", action="store_true", help=_("do not ask"))
    return parser


def _failed(error: Exception) -> int:
    print(error_text(error), file=sys.stderr)
    return 1


def _places(folders: UserFolders) -> list[Path]:
    return [
        path for path in dict.fromkeys((folders.data, folders.config, folders.cache, folders.logs)) if path.exists()
    ]


def _show(folders: UserFolders, kept: Sequence[Kept], *, as_json: bool) -> int:
    unread = any(each.problem for each in kept)
    if as_json:
        told = {
            "folders": [str(path) for path in _places(folders)],
            "profiles": [
                {"program": each.kind.value, "unreadable": each.problem, "unsent": each.items} for each in kept
            ],
        }
        print(json.dumps(told, ensure_ascii=False, indent=2))
        return 1 if unread else 0
    for path in _places(folders):
        print(path)
    if not _places(folders):
        print(_("Deskside keeps nothing of yours on this computer."))
    _tell(kept)
    return 1 if unread else 0


def _tell(kept: Sequence[Kept]) -> None:
    for each in kept:
        if each.problem:
            print("! " + _("What has not been sent cannot be read: {reason}").format(reason=each.problem))
        elif not each.items:
            print(_("Everything that was written here is with the server ({program}).").format(program=each.name))
        else:
            print(_("Not sent yet ({program}): {n}").format(program=each.name, n=len(each.items)))
        for item in each.items:
            place = f"#{item['number']} " if item.get("number") else ""
            text = " ".join(str(item.get("text") or item.get("subject") or "").split())[:_PREVIEW]
            print(f"  {item['what']}  {place}{_plain(text)}")


def _plain(text: str) -> str:
    return "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in text)


def _export(kept: Sequence[Kept], folder: Path) -> int:
    """Write all that can be read; what cannot is said, and is no success."""
    try:
        folder.mkdir(mode=0o700, parents=True)
        names: list[str] = []
        for each in kept:
            names += each.write_files(folder / "files")
        told = {
            "exported": datetime.now(UTC).isoformat(timespec="seconds"),
            "profiles": [
                {"program": each.kind.value, "unreadable": each.problem, "unsent": each.items} for each in kept
            ],
            "files": names,
        }
        (folder / "unsent.json").write_text(json.dumps(told, ensure_ascii=False, indent=2) + "\n", "utf-8")
    except FileExistsError:
        print(
            _("{folder} is there already. Name a folder that does not exist yet.").format(folder=folder),
            file=sys.stderr,
        )
        return 1
    except OSError as error:
        print(_("{file} cannot be written: {reason}").format(file=folder, reason=error.strerror), file=sys.stderr)
        return 1
    except WorldError as error:
        return _failed(error)
    _tell(kept)
    print(folder)
    return 1 if any(each.problem for each in kept) else 0


def _agreed(folders: UserFolders, kept: Sequence[Kept], *, asked_already: bool) -> bool:
    for path in _places(folders):
        print(path)
    _tell(kept)
    if asked_already:
        return True
    if not sys.stdin.isatty():
        print(_("Nothing was removed. Say “--yes” to remove it without a question."), file=sys.stderr)
        return False
    word = _("remove")
    question = _("This cannot be undone. Write “{word}” to remove all of it: ").format(word=word)
    try:
        if input(question).strip().casefold() in (word, "remove"):
            return True
    except EOFError:
        pass
    print(_("Nothing was removed."))
    return False


def _remove(folders: UserFolders) -> int:
    left = False
    for path in _places(folders):
        try:
            shutil.rmtree(path)
        except OSError as error:
            left = True
            told = _("{file} could not be removed: {reason}").format(file=error.filename or path, reason=error.strerror)
            print(told, file=sys.stderr)
    if left:
        print(_("The keys are deleted: nobody can read what is left."), file=sys.stderr)
        return 1
    print(_("Everything of yours in Deskside is removed from this computer."))
    return 0
