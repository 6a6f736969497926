# SPDX-License-Identifier: GPL-3.0-or-later
"""`BlobDesk` in memory."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path

from app.domain.attachments import Attachment, BlobState, BlobStatus, accepted
from app.domain.errors import Refused


class FakeBlobs:
    """Remembers contents, and what was dropped; `states` overrides what is shown."""

    def __init__(self) -> None:
        self.contents: dict[bytes, bytes] = {}
        self.states: dict[bytes, BlobStatus] = {}
        self.dropped: list[Attachment] = []
        self.saved: list[Path] = []

    def add(self, path: Path) -> Attachment:
        """Take a file in."""
        if not path.exists():
            raise Refused("file_missing", file=path.name)
        return self.add_content(path.read_bytes(), path.name, "")

    def add_content(self, content: bytes, filename: str, media_type: str) -> Attachment:
        """Take content in."""
        sha256 = hashlib.sha256(content).digest()
        self.contents[sha256] = content
        return accepted([Attachment(sha256, filename, media_type, len(content))])[0]

    def statuses(self, attachments: Sequence[Attachment]) -> Mapping[bytes, BlobStatus]:
        """How they stand."""
        return {a.sha256: self._status(a) for a in attachments}

    def _status(self, attachment: Attachment) -> BlobStatus:
        usual = BlobState.WAITING if attachment.sha256 in self.contents else BlobState.ABSENT
        return self.states.get(attachment.sha256, BlobStatus(usual, 0, attachment.size_bytes))

    def drop(self, attachment: Attachment) -> None:
        """Not wanted any more."""
        self.dropped.append(attachment)

    def save_as(self, attachment: Attachment, target: Path) -> None:
        """Write it."""
        if attachment.sha256 not in self.contents:
            raise Refused("not_here_yet", file=attachment.filename)
        target.write_bytes(self.contents[attachment.sha256])
        self.saved.append(target)

    def open_copy(self, attachment: Attachment) -> Path:
        """Pretend."""
        return Path("/copies") / attachment.filename
