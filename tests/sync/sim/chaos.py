# SPDX-License-Identifier: GPL-3.0-or-later
"""What goes wrong in a world: lines go dead, processes are killed, access is taken away, files are lost or restored."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

from sync.server.devices import Devices
from sync.server.epochs import begin_epoch
from tests.sync.sim.computer import Client
from tests.sync.sim.oracle import Past, copy_file

if TYPE_CHECKING:
    from tests.sync.sim.world import World

DAY = 86_400_000


class Chaos:
    """One world's troubles."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._backup: Past | None = None
        self._theme = world.rng.choice(("", "", "installations"))

    def begin(self) -> None:
        """Prepare what is needed later, and let the first trouble come."""
        if self._world.rng.random() < 0.4:
            self._restore()  # only makes the copy
        self._strike()
        if self._theme:
            self._strike_installation()
        world = self._world
        for _ in range(2 if world.server.snapshots is not None else 0):
            world.after(world.rng.uniform(0, 10_000), world.server.make_snapshots)

    def _strike(self) -> None:
        world = self._world
        if world.healed:
            return
        roll = world.rng.random()
        client = world.rng.choice(world.clients)
        if roll < 0.1:
            self._set_team(client)
        elif roll < 0.16:
            self._raise_floor()
        elif roll < 0.22:
            self._with_installation(client)
        elif roll < 0.25 and world.server.snapshots is not None:
            world.server.make_snapshots()
        elif roll < 0.27:
            self._restore()
        elif roll < 0.3:
            self._lose_replica(client)
        elif roll < 0.42:
            self._cut_off(client)
        elif roll < 0.85:
            world.computers.armed = (
                world.rng.choice(("window", "worker", "worker", "server")), world.rng.randrange(6)
            )  # fmt: skip
        elif roll < 0.9:
            world.computers.kill(client, "window")
        elif roll < 0.95:
            world.computers.kill(client, "worker")
        else:
            world.note("server", "is killed")
            world.computers.kill(None, "server")
        world.after(world.rng.expovariate(1 / 15_000), self._strike)

    def _strike_installation(self) -> None:
        world = self._world
        if not world.healed:
            self._with_installation(world.rng.choice(world.clients))
            world.after(world.rng.expovariate(1 / 8_000), self._strike_installation)

    def _with_installation(self, client: Client) -> None:
        world, here = self._world, self._world.installations
        roll = world.rng.random()
        if roll < 0.7:
            here.restore(client)
        elif roll < 0.8:
            here.upgrade(client)
        elif roll < 0.9:
            here.set_state(client, world.rng.choice(("active", "suspended")))
        elif len(world.clients) > 2 and not here.doomed:
            here.doomed = True
            here.set_state(client, "revoked")

    def _cut_off(self, client: Client) -> None:
        world = self._world
        client.line.hole = True
        away = world.rng.choice((5_000, 20_000, 60_000, DAY))
        world.note(client.person.login, "is cut off for", away)
        world.after(away, lambda: world.computers.reconnect(client))

    def _set_team(self, client: Client) -> None:
        """Take a person out of a team, or back into it."""
        world = self._world
        if world.server.core is None:
            return
        team = world.rng.choice(sorted(world.env.teams))
        scope = f"team:{world.env.teams[team].hex()}"
        member = scope not in world.oracle.access(client.person.account)
        with world.computers.process(None, "server"):
            devices = Devices(world.env.store, world.rng.randbytes)
            devices.set_team(world.now, client.person.login, team, member=member)
        world.note("admin", "takes", client.person.login, "into" if member else "out of", team)
        if world.rng.random() < 0.8:
            world.after(world.rng.uniform(20, 500), lambda: world.computers.rehello(client))

    def _raise_floor(self) -> None:
        """Forget old exits: whoever has not seen them must load the scope again."""
        world = self._world
        heads = sorted((s, h) for s, h in world.oracle.past.heads.items() if s.startswith("team:"))
        scope, head = world.rng.choice(heads)
        floor = world.rng.randint(head // 2, head)

        def work(connection: sa.Connection) -> None:
            connection.exec_driver_sql("UPDATE scope SET floor = max(floor, ?) WHERE id = ?", (floor, scope))
            sql = "DELETE FROM scope_exit WHERE scope_id = ? AND seq <= ?"
            connection.exec_driver_sql(sql, (scope, floor))

        if world.server.core is not None:
            world.env.store.write(work)
            world.note("server", "raises floor", scope[:7], floor)

    def _restore(self) -> None:
        """Go back to the copy made earlier; the first time, make one."""
        world = self._world
        backup = world.env.folder / "backup.db"
        if self._backup is None:
            copy_file(world.env.server_file, backup)
            self._backup = world.oracle.past.copy()
            world.files.backed_up()
            world.note("server", "is backed up")
            return
        world.server.stop()
        world.oracle.close()
        world.env.put_server(backup)
        world.files.restored()
        world.oracle.replace(self._backup)
        self._backup = None
        id_ = world.rng.randbytes(16)
        world.env.store.write(lambda cx: begin_epoch(cx, id_, world.now, "restored"))
        for client in world.clients:
            client.cursors.clear()
            client.excused = client.confirmed
        world.note("server", "is restored")
        world.server.start()

    def _lose_replica(self, client: Client) -> None:
        """The replica's file is gone: that costs a download, never a word."""
        world = self._world
        world.computers.close_worker(client)
        world.computers.stop_reading(client)
        folder = world.folder / client.person.login
        for name in ("replica.db", "replica.db-wal", "replica.db-shm"):
            (folder / name).unlink(missing_ok=True)
        client.cursors.clear()
        client.tickets = {}
        client.checkpoint = -1
        client.excused = client.confirmed
        world.note(client.person.login, "loses its replica")
        world.after(world.rng.uniform(1, 2_000), lambda: world.computers.open_worker(client))
