# SPDX-License-Identifier: GPL-3.0-or-later
"""Recordings of sessions at the agent's computer: where the child keeps them, and how they come to the ticket.

Each session has a folder beside the attachments and a key derived from the database key, so whoever deletes that key
makes them unreadable too. After the end they become attachments of an internal note; what a fallen program left, at the
next start.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import re
import secrets
import shutil
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import BinaryIO, Final, Protocol, cast

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from app.config.i18n import _, ngettext
from app.domain.attachments import MAX_FILES, Attachment
from app.domain.changes import AnyChange, NoteAdd
from app.domain.errors import Refused, StoreUnavailable
from app.domain.ids import derived_id
from app.domain.ports import Committed
from remote_assist import actions as act
from remote_assist.agent_end import AgentEnd
from remote_assist.sealed_file import BadSeal, SealedReader
from widgets.foundation.jobs import Jobs
from widgets.remote.ports import SessionInfo

__all__ = ["About", "RecordingControls", "RecordingDesk", "RecordingStore"]

_ABOUT: Final = "about"
_NONCE: Final = 12
_FILE: Final = re.compile(r"(part|still)(\d{3})")
_SID: Final = re.compile(r"[0-9a-f]{32}")


class Intake(Protocol):
    """Where attachments are taken in (`app.store.blob_desk.BlobStore`)."""

    def add_stream(self, stream: BinaryIO, filename: str, media_type: str) -> Attachment:
        """Take in what a stream gives; read twice. Raises Refused, StoreUnavailable."""
        ...


@dataclass(frozen=True, slots=True)
class About:
    """Which ticket a recording belongs to, and when its session began (milliseconds since 1970)."""

    ticket: str
    began: int


class RecordingStore:
    """Blocks on the disk: never on the GUI thread."""

    def __init__(
        self, profile: Path, database_key: bytes, blobs: Intake, commit: Callable[[AnyChange], Committed]
    ) -> None:
        """`commit` saves a change. The folder lies under that of the attachments and goes with it."""
        self._folder = profile / "blobs" / "recordings"
        self._database_key = database_key
        self._blobs = blobs
        self._commit = commit

    def open(self, sid: bytes, about: About) -> tuple[Path, bytes]:
        """Return a session's folder and key. Raises OSError."""
        folder, secret = self._folder / sid.hex(), self._secret(sid)
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        nonce = secrets.token_bytes(_NONCE)
        sealed = AESGCM(secret).encrypt(nonce, json.dumps(asdict(about)).encode(), sid)
        (folder / _ABOUT).write_bytes(nonce + sealed)
        return folder, secret

    def _secret(self, sid: bytes) -> bytes:
        return hashlib.blake2b(b"deskside recording" + sid, key=self._database_key, digest_size=32).digest()

    def left(self) -> list[bytes]:
        """Return the sessions whose recordings have not come to their ticket."""
        try:
            return [bytes.fromhex(path.name) for path in self._folder.iterdir() if _SID.fullmatch(path.name)]
        except OSError:
            return []

    def hand_in(self, sid: bytes) -> list[Committed]:
        """Put a session's recording on its ticket, and remove it from here. Raises Refused, StoreUnavailable."""
        return self.save(sid, self.take_in(sid))

    def take_in(self, sid: bytes) -> list[NoteAdd]:
        """Make attachments of what a session kept; return the notes that name them. Raises as `hand_in`."""
        folder, about = self._folder / sid.hex(), self._about(sid)
        if about is None:
            return []
        made, unread = [], 0
        for path in sorted(path for path in folder.iterdir() if _FILE.fullmatch(path.name)):
            try:
                made.append(self._take_in(path, self._secret(sid), about))
            except (BadSeal, OSError):
                unread += 1
            except Refused as why:
                unread += 1 if why.code != "file_empty" else 0
        notes, ticket = [], bytes.fromhex(about.ticket)
        for first in range(0, max(len(made), 1 if unread else 0), MAX_FILES):
            some = tuple(made[first : first + MAX_FILES])
            event, id_ = (derived_id(sid, what, str(first)) for what in ("recording", "recording note"))
            notes.append(NoteAdd(event, id_, ticket, note_text(some, unread), attachments=some))
        return notes

    def save(self, sid: bytes, notes: Sequence[NoteAdd]) -> list[Committed]:
        """Save these notes, then remove what they are of. Raises Refused, StoreUnavailable."""
        done = [self._commit(note) for note in notes]
        if self._about(sid) is not None:  # else nobody knows where it belongs: it stays
            shutil.rmtree(self._folder / sid.hex(), ignore_errors=True)
        return done

    def _about(self, sid: bytes) -> About | None:
        try:
            raw = (self._folder / sid.hex() / _ABOUT).read_bytes()
            return About(**json.loads(AESGCM(self._secret(sid)).decrypt(raw[:_NONCE], raw[_NONCE:], sid)))
        except (OSError, InvalidTag, ValueError, TypeError):
            return None

    def _take_in(self, path: Path, secret: bytes, about: About) -> Attachment:
        found = _FILE.fullmatch(path.name)
        is_film, number = found is not None and found[1] == "part", int(path.name[-3:])
        began = dt.datetime.fromtimestamp(about.began / 1000).astimezone().strftime("%Y-%m-%d %H.%M")
        name = _("Recording {time} ({n}).mkv") if is_film else _("Picture {time} ({n}).png")
        media = "video/x-matroska" if is_film else "image/png"
        with SealedReader(path, secret) as reader:
            return self._blobs.add_stream(cast(BinaryIO, reader), name.format(time=began, n=number), media)


def note_text(files: Sequence[Attachment], unread: int) -> str:
    """Return what the note on the ticket says."""
    films = sum(1 for each in files if each.media_type.startswith("video/"))
    stills = len(files) - films
    said = []
    if films:
        said.append(ngettext("{n} recording", "{n} recordings", films).format(n=films))
    if stills:
        said.append(ngettext("{n} still picture", "{n} still pictures", stills).format(n=stills))
    lines = [_("Kept of the screen sharing, with the customer's consent: {what}.").format(what=", ".join(said))]
    if unread:
        lines.append(
            ngettext("{n} file could not be read.", "{n} files could not be read.", unread).format(n=unread)
        )  # fmt: skip
    return "\n".join(lines[0 if said else 1 :])


class RecordingDesk:
    """The store, off the GUI thread."""

    def __init__(
        self,
        store: RecordingStore,
        jobs: Jobs,
        saved: Callable[[Committed], object],
        failed: Callable[[Exception], object],
    ) -> None:
        """`saved` is told of each note, `failed` of what went wrong; both on the GUI thread."""
        self._store, self._jobs, self._saved, self._failed = store, jobs, saved, failed

    def open(self, sid: bytes, about: About, then: Callable[[tuple[Path, bytes]], object]) -> None:
        """Make a session's folder."""
        self._jobs.change(lambda: self._store.open(sid, about), then, self._not_opened)

    def _not_opened(self, why: Exception) -> None:
        self._failed(StoreUnavailable("disk_full", path="") if isinstance(why, OSError) else why)

    def hand_in(self, sid: bytes) -> None:
        """Put a session's recording on its ticket. The long part keeps nobody's words from being saved."""
        self._jobs.query(lambda: self._store.take_in(sid), lambda notes: self._save(sid, notes), self._failed)

    def _save(self, sid: bytes, notes: list[NoteAdd]) -> None:
        self._jobs.change(lambda: self._store.save(sid, notes), self._done, self._failed)

    def hand_in_left(self) -> None:
        """Put on their tickets what an earlier program could not."""
        self._jobs.query(self._store.left, self._hand_in_all, self._failed)

    def _hand_in_all(self, left: list[bytes]) -> None:
        for sid in left:
            self.hand_in(sid)

    def _done(self, notes: list[Committed]) -> None:
        for note in notes:
            self._saved(note)


class RecordingControls:
    """A session's part of it; see `app.entry.agent_session.AgentSession`."""

    info: SessionInfo
    _end_: AgentEnd | None

    def record(self, why: str = "") -> None:
        """Keep what is shown, or ask for it."""
        if self._end_ is not None and self._recordings is not None:
            self._perform(self._end_.record(why))

    def stop_recording(self) -> None:
        """Keep nothing any more."""
        if self._end_ is not None:
            self._perform(self._end_.stop_recording())

    def keep_still(self, why: str = "") -> None:
        """Keep one picture, or ask for it."""
        if self._end_ is not None and self._recordings is not None:
            self._perform(self._end_.keep_still(why))

    def _recording(self, action: act.RecordingChanged | act.RecordingWanted) -> None:
        if isinstance(action, act.RecordingChanged):
            self.info = replace(self.info, recording=action.state)
        elif self._recordings is not None:
            about = About(self._ticket.hex(), self._utc_ms())
            self._recordings.open(self.sid, about, lambda place: self._placed(*place))

    def _placed(self, folder: Path, secret: bytes) -> None:
        if self._end_ is not None:
            self._perform(self._end_.recording_place(str(folder), secret))

    def _hand_in_recording(self) -> None:
        """The child is gone: what it kept goes to the ticket."""
        if self._recordings is not None and self.sid:
            self._recordings.hand_in(self.sid)

    # --- of the session --------------------------------------------------------------------------------------------

    @property
    def _recordings(self) -> RecordingDesk | None:
        raise NotImplementedError

    @property
    def _ticket(self) -> bytes:
        raise NotImplementedError

    @property
    def sid(self) -> bytes:
        """The session's id."""
        raise NotImplementedError

    def _utc_ms(self) -> int:
        raise NotImplementedError

    def _perform(self, actions: Sequence[act.Action]) -> None:
        raise NotImplementedError
