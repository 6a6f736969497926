# SPDX-License-Identifier: GPL-3.0-or-later
"""The demo's report: what was measured, what the server's own database says, and whether the journey went right."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from app.entry.demo_server import DemoServer
from app.services.sample_data import SIZES

# what a run is held to on a machine that does nothing else; a busy one misses times without anything being broken
GOALS = (("seconds", 45.0), ("ui_heartbeat_ms.p99", 16.0), ("ui_heartbeat_ms.max", 50.0))
PICTURES = ("agent.png", "companion.png", "session.png")


def least_tickets(size: str) -> int:
    """Return how many tickets a run of this size must bring to the agent: all that were made."""
    return SIZES[size].tickets


class ServerTruth:
    """Reads the server's database beside the server: what really arrived, and how often."""

    def __init__(self, server: DemoServer) -> None:
        self._server = server

    def _count(self, text: str) -> int:
        with sqlite3.connect(f"file:{self._server.database}?mode=ro", uri=True) as database:
            tables = ("message", "note")
            return sum(
                int(database.execute(f"SELECT count(*) FROM {t} WHERE body = ?", (text,)).fetchone()[0])  # noqa: S608 - own names
                for t in tables
            )

    def missing(self, texts: Sequence[str]) -> int:
        """Return how many of the texts the server does not have."""
        return sum(self._count(text) == 0 for text in texts)

    def each_once(self, texts: Sequence[str]) -> bool:
        """Tell whether the server has each of the texts exactly once."""
        return all(self._count(text) == 1 for text in texts)

    def fields_are(self, ticket: str, fields: Mapping[str, Any]) -> bool:
        """Tell whether the ticket has these values, ids as hex, and one history line for each field's newest value."""
        with sqlite3.connect(f"file:{self._server.database}?mode=ro", uri=True) as database:
            database.row_factory = sqlite3.Row
            key = bytes.fromhex(ticket)
            row = database.execute("SELECT * FROM ticket WHERE id = ?", (key,)).fetchone()
            lines = database.execute(
                "SELECT data FROM history_event WHERE subject = ? AND kind = 'field'", (key,)
            ).fetchall()
        found = [json.loads(line["data"]) for line in lines]
        for name, value in fields.items():
            now = row[name].hex() if isinstance(row[name], bytes) else row[name]
            if now != value or sum(f["field"] == name and f["new"] == value for f in found) != 1:
                return False
        return True


def _gate(data: Mapping[str, Any], key: str, limit: float) -> dict[str, Any]:
    found: Any = data
    for part in key.split("."):
        found = found.get(part) if isinstance(found, Mapping) else None
    return {"id": key, "value": found, "limit": limit, "pass": isinstance(found, int | float) and found <= limit}


class Report:
    """Collects figures and judges them."""

    def __init__(self, out: Path, least: int) -> None:
        self._out = out
        self._least = least
        self.data: dict[str, Any] = {}
        self._failures: list[str] = []

    def fail(self, why: str) -> None:
        """Note what went wrong."""
        self._failures.append(why)

    def finish(self, *, refused: bool) -> list[str]:
        """Write report.json and return what is not as it should be."""
        problems = self._failures or self._judge(refused)
        self.data["problems"] = problems
        self.data["gates"] = [_gate(self.data, key, limit) for key, limit in GOALS]
        text = json.dumps(self.data, indent=2, ensure_ascii=False)
        (self._out / "report.json").write_text(text + "\n", "utf-8")
        return problems

    def _judge(self, refused: bool) -> list[str]:
        data, session = self.data, self.data.get("session", {})
        offline = data.get("offline", {})
        checks = {
            "fewer tickets than expected": data.get("tickets_synced", 0) >= self._least,
            "fewer than six edits offline": offline.get("edits", 0) >= 6,
            "an edit was not visible while offline": bool(offline.get("visible_while_offline")),
            "an edit passed the cut line": not offline.get("reached_server_while_offline"),
            "an edit did not arrive exactly once": bool(offline.get("synced_once")),
            "the customer was not asked": bool(session.get("consent_prompted")),
            "pictures arrived after the stop": session.get("frames_after_stop") == 0,
            "a picture is missing": all((self._out / name).exists() for name in PICTURES),
        }
        if refused:
            checks["a picture reached the agent without consent"] = session.get("frames") == 0
            checks["the session did not end refused"] = session.get("end_reason") == "refused"
        else:
            checks["no picture reached the agent"] = session.get("frames", 0) > 0
            checks["the history does not tell of the consent"] = "session.consent" in data.get("ticket_history", [])
            checks["the history does not tell of the end"] = "session.end" in data.get("ticket_history", [])
        return [problem for problem, fine in checks.items() if not fine]
