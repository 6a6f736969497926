# SPDX-License-Identifier: GPL-3.0-or-later
"""The maker of a signed feed of updates: static files that any web server can hold, and the keys that sign them.

Three keys: `root` says which keys count and stays in a safe, `release` signs what is offered, `freshness` only says
that nothing newer exists. So the machine that renews the feed every day cannot offer anything.
"""

from __future__ import annotations

import json
import os
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from securesystemslib.signer import CryptoSigner
from tuf.api.metadata import Metadata, MetaFile, Root, Snapshot, TargetFile, Targets, Timestamp

from app.domain.updates import is_version

__all__ = ["FRESHNESS", "RELEASE", "ROOT", "FeedMaker", "FeedRefused"]

ROOT, RELEASE, FRESHNESS = "root", "release", "freshness"
_KEY_OF: Final = {Root.type: ROOT, Targets.type: RELEASE, Snapshot.type: RELEASE, Timestamp.type: FRESHNESS}
_ROOT_DAYS: Final = 1825
_RELEASE_DAYS: Final = 365


class FeedRefused(Exception):
    """A wish that was not fulfilled; `code` says why. The feed is as it was."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class FeedMaker:
    """A feed in a folder and its keys in another. The file that readers ask first is always written last."""

    def __init__(self, folder: Path, keys: Path, now: datetime, days: int) -> None:
        """`days` is for how long readers believe that nothing newer exists; renew before."""
        self._metadata, self._targets = folder / "metadata", folder / "targets"
        self._keys = keys
        self._now = now
        self._days = days

    def create(self) -> Path:
        """Make keys and an empty feed; returns the root that goes to the computers. Raises FeedRefused, OSError."""
        if self._metadata.exists() or any((self._keys / f"{name}.pem").exists() for name in set(_KEY_OF.values())):
            raise FeedRefused("exists")
        self._metadata.mkdir(parents=True)
        self._targets.mkdir(parents=True)
        self._keys.mkdir(mode=0o700, parents=True, exist_ok=True)
        signers = {name: CryptoSigner.generate_ed25519() for name in (ROOT, RELEASE, FRESHNESS)}
        for name, signer in signers.items():
            handle = os.open(self._keys / f"{name}.pem", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(handle, "wb") as file:
                file.write(signer.private_bytes)
        root = Root(expires=self._until(_ROOT_DAYS), consistent_snapshot=True)
        for role, name in _KEY_OF.items():
            root.add_key(signers[name].public_key, role)
        place = self._sign(Metadata(root), "1.root.json")
        targets = Metadata(Targets(expires=self._until(_RELEASE_DAYS)))
        self._release(targets, Metadata(Snapshot(expires=self._until(_RELEASE_DAYS))), None)
        return place

    def publish(self, file: Path, channel: str, platform: str, version: str) -> None:
        """Offer a file as the version of a channel for one kind of computer. Raises FeedRefused, OSError."""
        if not is_version(version):
            raise FeedRefused("version")
        if not file.is_file():
            raise FeedRefused("no_file")
        targets, snapshot, timestamp = self._now_offered()
        path = f"{channel}/{version}/{platform}/{file.name}"
        added = TargetFile.from_file(path, str(file), ["sha256"])
        before = targets.signed.targets.get(path)
        if before is not None and before.hashes != added.hashes:
            raise FeedRefused("other_bytes")  # who has fetched it would not know that it is another one
        listed = json.dumps({"version": version, "file": path}, sort_keys=True).encode()
        index = TargetFile.from_data(f"{channel}/{platform}.json", listed, ["sha256"])
        _put(self._place(added), file.read_bytes())
        _put(self._place(index), listed)
        targets.signed.targets[added.path] = added
        targets.signed.targets[index.path] = index
        targets.signed.version += 1
        targets.signed.expires = self._until(_RELEASE_DAYS)
        snapshot.signed.version += 1
        snapshot.signed.expires = self._until(_RELEASE_DAYS)
        self._release(targets, snapshot, timestamp)

    def renew(self) -> list[str]:
        """Sign again what the keys that are here may sign; returns their names. Raises FeedRefused, OSError."""
        done = [name for name in (ROOT, RELEASE, FRESHNESS) if (self._keys / f"{name}.pem").is_file()]
        if FRESHNESS not in done:
            raise FeedRefused("no_key")
        timestamp = self._timestamp()
        if ROOT in done:
            root = Metadata[Root].from_file(str(self._newest(Root.type)))
            root.signed.version += 1
            root.signed.expires = self._until(_ROOT_DAYS)
            self._sign(root, f"{root.signed.version}.root.json")
        if RELEASE in done:
            targets, snapshot, timestamp = self._now_offered()
            for part in (targets.signed, snapshot.signed):
                part.version += 1
                part.expires = self._until(_RELEASE_DAYS)
            self._release(targets, snapshot, timestamp)
        else:
            self._stamp(timestamp, timestamp.signed.snapshot_meta.version)
        return done

    def _place(self, target: TargetFile) -> Path:
        folder, _slash, name = target.path.rpartition("/")
        return self._targets / folder / f"{target.hashes['sha256']}.{name}"

    def _release(
        self, targets: Metadata[Targets], snapshot: Metadata[Snapshot], stamp: Metadata[Timestamp] | None
    ) -> None:
        self._sign(targets, f"{targets.signed.version}.targets.json")
        snapshot.signed.meta["targets.json"] = MetaFile(targets.signed.version)
        self._sign(snapshot, f"{snapshot.signed.version}.snapshot.json")
        self._stamp(stamp, snapshot.signed.version)

    def _stamp(self, before: Metadata[Timestamp] | None, snapshot: int) -> None:
        stamp = before or Metadata(Timestamp())
        stamp.signed.version += 1 if before else 0
        stamp.signed.expires = self._until(self._days)
        stamp.signed.snapshot_meta = MetaFile(snapshot)
        self._sign(stamp, "timestamp.json")

    def _sign(self, metadata: Metadata[Any], name: str) -> Path:
        metadata.sign(self._signer(metadata.signed.type))
        place = self._metadata / name
        _put(place, metadata.to_bytes())
        return place

    def _signer(self, role: str) -> CryptoSigner:
        """The key of a role, if it is the one that the root names: another one's signature helps nobody."""
        place = self._keys / f"{_KEY_OF[role]}.pem"
        if not place.is_file():
            raise FeedRefused("no_key")
        try:
            key = load_pem_private_key(place.read_bytes(), None)
        except (ValueError, TypeError) as error:
            raise FeedRefused("bad_key") from error
        if not isinstance(key, Ed25519PrivateKey):
            raise FeedRefused("bad_key")
        signer = CryptoSigner(key)
        if any(self._metadata.glob("*.root.json")) and role != Root.type:
            root = Metadata[Root].from_file(str(self._newest(Root.type))).signed
            if signer.public_key.keyid not in root.roles[role].keyids:
                raise FeedRefused("bad_key")
        return signer

    def _newest(self, role: str) -> Path:
        found = [path for path in self._metadata.glob(f"*.{role}.json") if path.name.partition(".")[0].isdecimal()]
        if not found:
            raise FeedRefused("no_feed")
        return max(found, key=lambda path: int(path.name.partition(".")[0]))

    def _timestamp(self) -> Metadata[Timestamp]:
        place = self._metadata / "timestamp.json"
        if not place.is_file():
            raise FeedRefused("no_feed")
        return Metadata[Timestamp].from_file(str(place))

    def _now_offered(self) -> tuple[Metadata[Targets], Metadata[Snapshot], Metadata[Timestamp]]:
        """What readers see now; what a command that broke off has left beside it does not count."""
        stamp = self._timestamp()
        number = stamp.signed.snapshot_meta.version
        snapshot = Metadata[Snapshot].from_file(str(self._metadata / f"{number}.snapshot.json"))
        number = snapshot.signed.meta["targets.json"].version
        return Metadata[Targets].from_file(str(self._metadata / f"{number}.targets.json")), snapshot, stamp

    def _until(self, days: int) -> datetime:
        return (self._now + timedelta(days=days)).replace(microsecond=0)


def _put(place: Path, content: bytes) -> None:
    """Write whole or not at all: a web server may be reading. Files of a feed are for everybody."""
    place.parent.mkdir(parents=True, exist_ok=True)
    part = place.with_name(f".{place.name}.part")
    part.write_bytes(content)
    part.chmod(0o644)
    part.replace(place)
