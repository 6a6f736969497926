# SPDX-License-Identifier: GPL-3.0-or-later
"""`deskside doctor --deep`: are this computer's rows really the server's? Downloads every scope again and compares.

Changes nothing in replica.db but the refresh token where that is kept there: a token is good for one use.
"""

from __future__ import annotations

import asyncio
import dataclasses
import json
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import msgspec

from app.config.i18n import _, ngettext
from app.config.paths import UserFolders
from app.desktop.keyring_store import open_secrets
from app.domain.entities import BY_NUMBER, SCHEMA
from app.domain.errors import StoreUnavailable, WorldError
from app.domain.replica import ReplicaState
from app.entry.doctor import Finding, Level, report
from app.entry.doctor_compare import Compared, ScopeLost, Side, compare
from app.entry.sync_codec import Hashes, wall_ms
from app.entry.sync_worker_engine import Known
from app.entry.sync_worker_tokens import open_token_store
from app.services.messages import error_text, problem_text
from app.store.cipher import Database
from app.store.locks import FileLock
from app.store.pending import read_identity
from app.store.pending_file import check_key, open_reader, pending_path
from app.store.replica import ReplicaStore
from app.store.replica_file import connect, replica_path
from app.store.schema import fingerprint
from sync.protocol import Hello, HelloAnswer, ProtocolError
from sync.transport import Answered, Transport

__all__ = ["deep_examination", "run"]

EXIT_SAME, EXIT_DIFFERS, EXIT_NOT_COMPARED = 0, 1, 2
_NAMED = 3
_CHECK = "contents"


@dataclass(frozen=True, slots=True)
class _Profile:
    """The files of a signed-in profile."""

    known: Known
    key: bytes
    store: ReplicaStore
    state: ReplicaState
    last_mid: int
    rows: Database


class _NotComparable(Exception):
    """Said to the person, with what helps."""


def run(data: Path | None, passphrase: str | None, *, as_json: bool) -> int:
    """Print the findings; 0: all the same, 1: rows differ, 2: could not be compared."""
    folders = UserFolders.under(data) if data is not None else UserFolders.of_user()
    found, status = deep_examination(folders.data / "agent", passphrase)
    if as_json:
        answer = {"same": status == EXIT_SAME, "findings": [dataclasses.asdict(finding) for finding in found]}
        print(json.dumps(answer, ensure_ascii=False, indent=2))
    else:
        print("\n".join([*report(found), *_conclusion(status)]))
    return status


def _conclusion(status: int) -> Iterator[str]:
    if status == EXIT_SAME:
        yield _("What this computer holds is what the server holds.")
    elif status == EXIT_DIFFERS:
        yield _(
            "The commands, run at the server, let this computer load these parts again; what it has not sent stays and "
            "is sent. If another computer finds the same rows, something else than Deskside changed the server's "
            "database: restore its last backup (docs/operations.md)."
        )
    else:
        yield _("Nothing was compared, or not everything.")


def deep_examination(folder: Path, passphrase: str | None) -> tuple[list[Finding], int]:
    """Return findings and exit status for a profile. Blocks; raises nothing of what the world does."""
    found: list[Finding] = []
    try:
        _locked(folder, passphrase, found)
    except Answered as answered:
        found.append(Finding(_CHECK, Level.PROBLEM, problem_text(answered.problem.code)))
        return found, EXIT_NOT_COMPARED
    except (WorldError, ProtocolError) as error:
        found.append(Finding(_CHECK, Level.PROBLEM, error_text(error)))
        return found, EXIT_NOT_COMPARED
    except _NotComparable as reason:
        found.append(Finding(_CHECK, Level.PROBLEM, str(reason)))
        return found, EXIT_NOT_COMPARED
    return found, _status(found)


def _locked(folder: Path, passphrase: str | None, found: list[Finding]) -> None:
    if not pending_path(folder).exists() or not replica_path(folder).exists():
        raise _NotComparable(_("Nobody has signed in on this computer yet: {path}.").format(path=folder))
    lock = FileLock(folder / "worker.lock")  # the refresh token is ours alone, and nobody writes
    try:
        asyncio.run(_examine(folder, passphrase, found))
    finally:
        lock.release()


def _status(found: Sequence[Finding]) -> int:
    levels = {finding.level for finding in found}
    if Level.PROBLEM in levels:
        return EXIT_DIFFERS
    return EXIT_NOT_COMPARED if Level.WARNING in levels or not found else EXIT_SAME


@asynccontextmanager
async def _opened(folder: Path, passphrase: str | None) -> AsyncIterator[tuple[_Profile, Transport]]:
    name = f"agent {folder}"
    key = open_secrets(folder, name, passphrase).get("database_key")
    if key is None:
        raise StoreUnavailable("store_wrong_key", path=str(folder))
    check_key(folder, key)
    pending, path = open_reader(folder, key), replica_path(folder)
    store = ReplicaStore(path, key, pending, Hashes(), wall_ms)
    rows = Database(lambda: connect(path, key), keep=1)
    try:
        profile = _Profile(_known(store, pending), key, store, store.state(), store.last_mid(), rows)
        tokens = open_token_store(None if passphrase is not None else name, folder, store)
        transport = Transport(profile.known.server, tokens, time.monotonic)
        transport.use_device(profile.known.device)
        try:
            yield profile, transport
        finally:
            await transport.close()
    finally:
        rows.close()
        store.close()
        pending.close()


def _known(store: ReplicaStore, pending: Database) -> Known:
    """Return who is signed in. Raises _NotComparable where the next start has something to do first."""
    with pending.read() as tx:
        identity = read_identity(tx)
    kept = store.meta("known")
    known = Known.of_identity(identity) if identity else msgspec.msgpack.decode(kept, type=Known) if kept else None
    if known is None:
        raise _NotComparable(_("Nobody is signed in here. Start Deskside and sign in."))
    if store.meta("schema") != fingerprint() or store.state().device != known.device:
        raise _NotComparable(_("Deskside has to load its data first. Start it and wait until everything is here."))
    return known


def _later(scope: str) -> Finding:
    text = _("{scope} is loaded, or goes, with the next exchange: start Deskside, then ask again.")
    return Finding(_CHECK, Level.WARNING, text.format(scope=scope))


async def _examine(folder: Path, passphrase: str | None, found: list[Finding]) -> None:
    async with _opened(folder, passphrase) as (profile, transport):
        state, known = profile.state, profile.known
        held = {id_: scope.held for id_, scope in state.scopes.items()}
        answer = await transport.hello(
            Hello(
                device=known.device, epoch=state.epoch, schema=SCHEMA, app="doctor", wall_ms=wall_ms(),
                lmid_seen=state.lmid_seen, last_mid=profile.last_mid, scopes=held,
            )
        )  # fmt: skip
        if state.epoch is None or answer.epoch != state.epoch:
            raise _NotComparable(_("Deskside has to load its data first. Start it and wait until everything is here."))
        side = Side(transport, known.device, answer.epoch, state.lmid_seen)
        with profile.rows.read() as tx:
            for scope in sorted(state.scopes.values(), key=lambda s: (s.prio, s.id)):
                if scope.state != "live" or not _offered(answer, scope.id):
                    found.append(_later(scope.id))
                    continue
                try:
                    found += _findings(await compare(side, tx, scope), known.device_code)
                except ScopeLost:
                    found.append(_later(scope.id))


def _offered(answer: HelloAnswer, scope: str) -> bool:
    return any(info.id == scope and info.state == "ok" for info in answer.scopes)


def _findings(compared: Compared, device_code: str) -> Iterator[Finding]:
    if not compared.sums_true:
        text = _("{scope}: the sum that the server keeps is not that of its own rows.")
        command = "deskside admin --data DIR verify"
        yield Finding(_CHECK, Level.PROBLEM, text.format(scope=compared.scope), command)
    if not compared.differing:
        text = ngettext("{scope}: {n} row is the same.", "{scope}: {n} rows are the same.", compared.same)
        yield Finding(_CHECK, Level.OK, text.format(scope=compared.scope, n=compared.same))
        return
    text = _(
        "{scope}: {missing} rows are missing here, {extra} are here only, {other} have other contents than the "
        "server's: {names}."
    ).format(
        scope=compared.scope, missing=len(compared.missing), extra=len(compared.extra), other=len(compared.other),
        names=_names(compared),
    )  # fmt: skip
    command = f"deskside admin --data DIR resync --device {device_code} --scope {compared.scope}"
    yield Finding(_CHECK, Level.PROBLEM, text, command)


def _names(compared: Compared) -> str:
    named = [f"{BY_NUMBER[type_].name} {id_.hex()}" for type_, id_ in compared.differing[:_NAMED]]
    return ", ".join(named) + (" …" if len(compared.differing) > _NAMED else "")
