# SPDX-License-Identifier: GPL-3.0-or-later
"""Looks from outside at the profile of an installed program: puts a draft in, says which version its file has.

python -m tests.packaging.aged put DIR TEXT        a draft, as a person would have typed it
python -m tests.packaging.aged version DIR         the version of the file with what people typed
The passphrase comes on standard input; no program may have the profile open.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

from app.desktop.keyring_store import open_secrets
from app.store.pending_file import connect_writer, pending_path


def main(argv: list[str]) -> int:
    """Do one of the two; 0 if it worked."""
    verb, folder, *rest = argv
    profile = Path(folder, "data", "agent")
    key = open_secrets(profile, "", sys.stdin.readline().rstrip("\n")).get("database_key")
    if key is None:
        return 1
    raw = connect_writer(pending_path(profile), key)
    try:
        if verb == "put":  # only columns that every version had
            raw.execute(
                "INSERT INTO draft(id, kind, subject_id, body, caret, seen_seq, updated) "
                "VALUES(?, 'reply', ?, ?, 0, 0, ?)",
                (b"r" + bytes(16), bytes(16), rest[0], time.time_ns() // 1_000_000),
            )
            raw.commit()
        print(raw.execute("PRAGMA user_version").fetchone()[0])
        raw.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    finally:
        raw.close()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
