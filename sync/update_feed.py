# SPDX-License-Identifier: GPL-3.0-or-later
"""The reader of a signed feed of updates (TUF): what is offered, and the offered file, whole or not at all.

Nothing of a feed is believed but by the keys of the root that the organisation put on this computer. What was seen
once is kept: an older list, also one that was truly signed, is refused from then on.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import httpx
from tuf.api.exceptions import (
    BadVersionNumberError,
    DownloadError,
    DownloadHTTPError,
    DownloadLengthMismatchError,
    ExpiredMetadataError,
    RepositoryError,
)
from tuf.api.metadata import TargetFile
from tuf.ngclient import FetcherInterface, Updater

from app.domain.updates import FeedFailed, Offer, Trouble, is_newer, is_safe_feed, is_version
from sync.proxies import ProxyUnusable, proxy_to

__all__ = ["UpdateFeed"]

_TIMEOUT: Final = httpx.Timeout(20.0, connect=10.0)
_LIST_MAX: Final = 16_384
_FILE_MAX: Final = 2_000_000_000
_CHUNK: Final = 65_536
Progress = Callable[[int, int], object]  # bytes that came, bytes in all
Stopped = Callable[[], bool]


def _never() -> bool:
    return False


class _Fetcher(FetcherInterface):
    """Asks for files and says nothing of the computer or the person. `stopped` is asked before each piece."""

    def __init__(self, feed: str, trust: ssl.SSLContext, stopped: Stopped) -> None:
        self._feed = feed
        self._trust = trust
        self._stopped = stopped

    def _fetch(self, url: str) -> Iterator[bytes]:
        proxy = proxy_to(self._feed)
        headers = {"User-Agent": "Deskside", "Accept-Encoding": "identity"}
        with (
            httpx.Client(timeout=_TIMEOUT, verify=self._trust, trust_env=False, proxy=proxy) as client,
            client.stream("GET", url, headers=headers) as came,
        ):
            if came.status_code != httpx.codes.OK:
                raise DownloadHTTPError("the feed does not have it", came.status_code)
            for piece in came.iter_raw(_CHUNK):
                if self._stopped():
                    raise FeedFailed(Trouble.STOPPED)
                yield piece


class UpdateFeed:
    """One organisation's feed, read in the background. `kept` holds what was seen of it, for this person only."""

    def __init__(self, address: str, root: bytes, kept: Path) -> None:
        """`root` is the organisation's own list of keys. Raises FeedFailed for an address that may not be asked."""
        if not is_safe_feed(address):
            raise FeedFailed(Trouble.BAD_ADDRESS)
        self._address = address.rstrip("/")
        self._root = root
        # without TLS there is nobody to trust, and the system's authorities take long to load
        secure = self._address.startswith("https:")
        self._trust = httpx.create_ssl_context() if secure else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        # of another root nothing counts that was seen before: it is another feed
        self._kept = kept / hashlib.sha256(root).hexdigest()[:16]

    def offer(self, channel: str, platform: str, running: str, stopped: Stopped = _never) -> Offer | None:
        """Ask what is offered; None when nothing newer is. Raises FeedFailed."""
        with _told():
            updater = self._updater(stopped)
            info = updater.get_targetinfo(f"{channel}/{platform}.json")
            if info is None:
                return None
            if info.length > _LIST_MAX:
                raise FeedFailed(Trouble.UNSIGNED)
            content = b"".join(self._pieces(info, stopped))
            info.verify_length_and_hashes(content)
            offered = _read(content)
            return offered if is_newer(offered.version, running) else None

    def fetch(self, offer: Offer, folder: Path, progress: Progress, stopped: Stopped = _never) -> Path:
        """Fetch an offered file into a folder, under its own name only when it is whole and signed. Raises FeedFailed.

        The list is read anew: a version that was taken back meanwhile is no longer fetched.
        """
        with _told():
            updater = self._updater(stopped)
            info = updater.get_targetinfo(offer.file)
            if info is None or info.length > _FILE_MAX:
                raise FeedFailed(Trouble.UNSIGNED)
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            place = folder / offer.name
            if _is_whole(place, info):
                progress(info.length, info.length)
                return place
            part = folder / f"{offer.name}.part"
            try:
                self._write(info, part, progress, stopped)
                part.replace(place)
            finally:
                part.unlink(missing_ok=True)
            return place

    def _write(self, info: TargetFile, part: Path, progress: Progress, stopped: Stopped) -> None:
        came = 0
        part.unlink(missing_ok=True)
        handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as file:
            for piece in self._pieces(info, stopped):
                file.write(piece)
                came += len(piece)
                progress(came, info.length)
            file.flush()
            os.fsync(file.fileno())
        if came < info.length:
            raise FeedFailed(Trouble.INCOMPLETE)
        with part.open("rb") as file:
            info.verify_length_and_hashes(file)

    def _updater(self, stopped: Stopped) -> Updater:
        self._kept.mkdir(mode=0o700, parents=True, exist_ok=True)
        fetcher = _Fetcher(self._address, self._trust, stopped)
        try:
            updater = Updater(str(self._kept), f"{self._address}/metadata/", fetcher=fetcher, bootstrap=self._root)
        except RepositoryError as error:
            raise FeedFailed(Trouble.BAD_ROOT) from error
        updater.refresh()
        return updater

    def _pieces(self, info: TargetFile, stopped: Stopped) -> Iterator[bytes]:
        folder, slash, name = info.path.rpartition("/")
        url = f"{self._address}/targets/{folder}{slash}{info.hashes['sha256']}.{name}"
        left = info.length
        for piece in _Fetcher(self._address, self._trust, stopped).fetch(url):
            left -= len(piece)
            if left < 0:
                raise FeedFailed(Trouble.UNSIGNED)
            yield piece


def _read(content: bytes) -> Offer:
    """What the list of a channel says. It is signed; yet whoever made it may have made it wrongly."""
    try:
        raw = json.loads(content)
        offer = Offer(raw["version"], raw["file"])
        good = is_version(offer.version) and offer.name and not offer.name.startswith(".") and "\\" not in offer.file
    except (ValueError, KeyError, TypeError, AttributeError):
        good = False
    if not good or ".." in offer.file.split("/"):
        raise FeedFailed(Trouble.UNSIGNED)
    return offer


def _is_whole(place: Path, info: TargetFile) -> bool:
    try:
        with place.open("rb") as file:
            info.verify_length_and_hashes(file)
    except (OSError, RepositoryError):
        return False
    return True


@contextlib.contextmanager
def _told() -> Iterator[None]:
    """Every end but the good one as a FeedFailed that says which it was."""
    try:
        yield
    except FeedFailed:
        raise
    except ExpiredMetadataError as error:
        raise FeedFailed(Trouble.EXPIRED) from error
    except BadVersionNumberError as error:
        raise FeedFailed(Trouble.OLDER) from error
    except DownloadLengthMismatchError as error:
        raise FeedFailed(Trouble.UNSIGNED) from error
    except (DownloadError, httpx.HTTPError, ProxyUnusable) as error:
        cut = isinstance(error, httpx.RemoteProtocolError)
        raise FeedFailed(Trouble.INCOMPLETE if cut else Trouble.UNREACHABLE) from error
    except RepositoryError as error:
        raise FeedFailed(Trouble.UNSIGNED) from error
    except (OSError, httpx.StreamError) as error:
        raise FeedFailed(Trouble.DISK) from error
