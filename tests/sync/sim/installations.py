# SPDX-License-Identifier: GPL-3.0-or-later
"""What becomes of a whole installation: put back from a copy, numbered anew, locked, wiped, brought up to date."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import sqlalchemy as sa

from app.entry.sync_worker_device import Renumbering, WipeMark, Wiper
from app.store.cipher import file_uri, open_raw
from app.store.schema import PENDING_VERSION
from sync.protocol import Login, NewDevice, Tokens, Wiped, decode
from sync.server.devices import Devices
from sync.server.problems import ProblemError
from sync.server.schema import SYSTEM
from tests.sync.sim.client import Worker
from tests.sync.sim.computer import Client
from tests.sync.sim.env import KEY, PASSWORD
from tests.sync.sim.oracle import Violation

if TYPE_CHECKING:
    from tests.sync.sim.world import World

_FILES = ("pending.db", "replica.db")


class Installations:
    """The files of the clients as a whole, and the device ids that they live by."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.doomed = False  # somebody is revoked and does not know it yet
        self._copies: dict[str, set[str]] = {}  # login -> the texts that were written before the copy was made

    def _folder(self, client: Client) -> Path:
        return self._world.folder / client.person.login

    def _end(self, client: Client) -> None:
        self._world.computers.close_window(client)
        self._world.computers.close_worker(client)

    def _begin_again(self, client: Client) -> None:
        world = self._world
        client.cursors.clear()
        client.tickets = {}
        client.checkpoint = -1
        client.excused = max(client.excused, client.confirmed)
        world.after(world.rng.uniform(1, 3_000), lambda: world.computers.open_window(client))
        world.after(world.rng.uniform(1, 3_000), lambda: world.computers.open_worker(client))

    # --- a copy that is put back --------------------------------------------------------------------------------------

    def restore(self, client: Client) -> None:
        """Put one or both files back as they were; the first time, only copy them."""
        world, login = self._world, client.person.login
        copy = world.env.folder / "copies" / login
        self._end(client)
        if login not in self._copies:
            shutil.rmtree(copy, ignore_errors=True)
            shutil.copytree(self._folder(client), copy)
            self._copies[login] = set(world.tokens)
            world.note(login, "is copied")
            self._begin_again(client)
            return
        known = self._copies.pop(login)
        world.lost |= {t for t, (who, _, _) in world.tokens.items() if who == login and t not in known}
        both = world.rng.random() < 0.5
        for name in _FILES if both else _FILES[:1]:
            if (copy / name).exists():
                shutil.copyfile(copy / name, self._folder(client) / name)
        client.user.forget()
        world.note(login, "has files of earlier:", "both" if both else "the window's")
        self._begin_again(client)

    # --- another number -----------------------------------------------------------------------------------------------

    def request(self, client: Client, worker: Worker) -> NewDevice | Login | None:
        """What a worker asks that may not sync as it is."""
        person = client.person
        if worker.unknown:
            return Login(login=person.login, password=PASSWORD, device=person.device, device_name=person.login)
        return NewDevice(name=person.login, replaces=person.device) if worker.core.keep_above is not None else None

    def signed_in(self, client: Client, raw: bytes) -> None:
        """The server knows this device, or has given it another id."""
        worker, world = client.worker, self._world
        if worker is None:
            return
        tokens = decode(raw, Tokens)
        worker.unknown = False
        if tokens.device != client.person.device:
            self._wait(worker, Renumbering.of(tokens, client.person.device, worker.core.state.lmid_seen))
            # what was confirmed to a server that was restored to before it knew this device is not sent again
            world.lost |= {t for t, (who, _, _) in world.tokens.items() if who == client.person.login}

    def _wait(self, worker: Worker, waits: Renumbering) -> None:
        worker.replica.set_meta("renumber", msgspec.msgpack.encode(waits))
        worker.renumbering = waits

    def take_number(self, client: Client, raw: bytes) -> None:
        """The worker got a new device id: it is kept until the window has taken it up."""
        worker = client.worker
        if worker is None or worker.core.keep_above is None:
            return
        self._wait(worker, Renumbering.of(decode(raw, Tokens), client.person.device, worker.core.keep_above))

    def take_up(self, client: Client) -> None:
        """The window, if it runs, numbers its outbox anew; then a fresh worker goes on."""
        world, worker = self._world, client.worker
        if worker is None or worker.renumbering is None or client.window is None:
            return
        waits = worker.renumbering
        with world.computers.process(client, "window"):
            client.window.profile.renumber(waits.device, waits.device_code, waits.keep_above)
            world.note(client.person.login, "is numbered anew above", waits.keep_above)
        self.follow(client)
        world.computers.close_worker(client)
        world.after(client.rng.uniform(1, 500), lambda: world.computers.open_worker(client))

    def follow(self, client: Client) -> None:
        """Learn from the window's file which device this is now."""
        window, worker = client.window, client.worker
        identity = window.profile.identity if window is not None else worker.identity if worker is not None else None
        if identity is not None and identity.device != client.person.device:
            client.person = replace(client.person, device=identity.device, code=identity.device_code)
            client.confirmed = client.excused = 0

    # --- locked or gone -----------------------------------------------------------------------------------------------

    def set_state(self, client: Client, state: str) -> None:
        """The administrator suspends, revokes or activates a device."""
        world = self._world
        if world.server.core is None:
            return
        if not self._is_known(client):  # a restored server from before it was enrolled: the administrator finds none
            self.doomed = self.doomed and state != "revoked"
            world.note("admin", "finds no device of", client.person.login)
            return
        with world.computers.process(None, "server"):
            Devices(world.env.store, world.rng.randbytes).set_state(world.now, client.person.device.hex(), state)
        world.note("admin", "sets", client.person.login, state)

    def _is_known(self, client: Client) -> bool:
        table = SYSTEM.device
        wanted = sa.select(table.c.id).where(table.c.id == client.person.device)
        with self._world.env.store.read() as cx:
            return cx.execute(wanted).first() is not None

    def unlock_all(self) -> None:
        """Whoever is suspended may go on; whoever is revoked will learn it."""
        table, store = SYSTEM.device, self._world.env.store
        store.write(lambda cx: cx.execute(table.update().where(table.c.state == "suspended").values(state="active")))

    def lock(self, client: Client, error: ProblemError) -> None:
        """The server will not speak with this device: for a revoked one that is the end of its data."""
        world = self._world
        if error.problem.code != "revoked":
            if client.worker is not None:
                client.worker.not_before = world.now + 10_000
            return
        mark = WipeMark(server="sim:", device=client.person.device, wipe_token=error.problem.wipe_token)
        wiper = Wiper(self._folder(client), None)
        wiper.destroy_keys(mark)
        self._end(client)
        if not wiper.remove_files() or list(self._folder(client).glob("*.db*")):
            raise Violation("I5", f"{client.person.login}: files of a revoked device are still there")
        world.lost |= {t for t, (who, _, _) in world.tokens.items() if who == client.person.login}
        world.clients.remove(client)
        self.doomed = False
        world.note(client.person.login, "is wiped")
        report = Wiped(device=mark.device, wipe_token=mark.wipe_token or "")
        with world.computers.process(None, "server"):
            try:
                world.env.accounts(world.rng.randbytes).wiped(world.now, report)
            except ProblemError as refused:
                if refused.problem.code != "device":
                    raise
                world.note("server", "was restored and knows of no order to wipe")

    # --- another version of the program -------------------------------------------------------------------------------

    def upgrade(self, client: Client) -> None:
        """The files turn out to be of an older program: one is migrated, the other loaded again."""
        world = self._world
        self._end(client)
        for name, statement in zip(_FILES, _OLDER, strict=True):
            path = self._folder(client) / name
            if path.exists():
                raw = open_raw(file_uri(path, "rw"), KEY)
                raw.execute(statement)
                raw.close()
        world.note(client.person.login, "is brought up to date")
        self._begin_again(client)


_OLDER = (f"PRAGMA user_version={PENDING_VERSION - 1}", "UPDATE meta SET v = 'of an older program' WHERE k = 'schema'")
