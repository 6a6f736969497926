# SPDX-License-Identifier: GPL-3.0-or-later
"""The entries that wait and what is decided about them: reads and writes in the background, signals tell what came."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from PySide6.QtCore import QElapsedTimer, QObject, Signal

from app.config.i18n import _
from app.domain.needs import NeedDetail, NeedItem, NeedsYouStore
from app.domain.ports import Commits, SyncLink
from app.services.messages import error_text
from app.services.needs_you import Action, NeedsYou, Settled
from app.services.texts_needs import settled_words
from widgets.foundation.jobs import Jobs

__all__ = ["UNDO_MS", "NeedsDesk"]

UNDO_MS = 30_000
_EDIT_KEY = "needs.edit."


class NeedsDesk(QObject):
    """GUI thread. Signals follow when the work is on disk."""

    entries_loaded = Signal(object)  # Sequence[NeedItem]
    detail_loaded = Signal(object)  # NeedDetail
    edit_loaded = Signal(bytes, str)  # entry, the text begun earlier
    done = Signal(str, object)  # what was decided in words, Settled when it can be taken back
    failed = Signal(str)
    rows_changed = Signal(object)  # frozenset of row ids

    def __init__(self, store: NeedsYouStore, commits: Commits, link: SyncLink, jobs: Jobs) -> None:
        super().__init__()
        self._store, self._commits, self._link, self._jobs = store, commits, link, jobs
        self._service = NeedsYou(commits, store)
        self._last: Settled | None = None
        self._since = QElapsedTimer()
        self.entries: Sequence[NeedItem] = ()

    # --- reading ------------------------------------------------------------------------------------------------------

    def load(self) -> None:
        """Read what waits."""
        self._jobs.query(self._store.entries, self._loaded, self._fail, key="needs.entries")

    def open(self, item: NeedItem) -> None:
        """Read an entry with all that is needed to decide."""
        self._jobs.query(
            lambda: self._store.detail(item.id), lambda found: self._opened(found), self._fail, key="needs.detail"
        )

    def load_edit(self, entry: bytes) -> None:
        """Read the text begun for an entry."""
        key = _EDIT_KEY + entry.hex()
        self._jobs.query(
            lambda: self._commits.ui_state(key) or "", lambda text: self.edit_loaded.emit(entry, text), self._fail,
            key="needs.edit",
        )  # fmt: skip

    def save_edit(self, entry: bytes, text: str) -> None:
        """Keep a text that is being put together, so that a crash does not take it."""
        key = _EDIT_KEY + entry.hex()
        self._jobs.change(lambda: self._commits.save_ui_state(key, text), error=self._fail)

    def _loaded(self, entries: Sequence[NeedItem]) -> None:
        self.entries = entries
        self.entries_loaded.emit(entries)

    def _opened(self, detail: NeedDetail | None) -> None:
        if detail is not None:
            self.detail_loaded.emit(detail)

    # --- deciding -----------------------------------------------------------------------------------------------------

    def decide(self, action: Action, items: Sequence[NeedItem]) -> None:
        """Do the same with all of these; actions that need a text or are read one by one have calls of their own."""
        service = self._service
        work: dict[Action, Callable[[], Settled]] = {
            Action.MINE: partial(service.keep, items, mine=True),
            Action.THEIRS: partial(service.keep, items, mine=False),
            Action.RESTORE: partial(service.restore, items),
            Action.AGAIN: partial(service.send_again, items),
            Action.DISCARD: partial(service.discard, items),
        }
        if items and action in work:
            self._run(work[action])

    def release(self, detail: NeedDetail, body: str | None = None) -> None:
        """Send a held reply."""
        self._run(lambda: self._service.release(detail.item, detail.seen_seq, body, detail.seen_id))

    def edited(self, item: NeedItem, text: str) -> None:
        """Let a text stand that was put together by hand."""
        self._run(lambda: self._service.edited(item, text))

    def undo(self, settled: Settled | None = None) -> bool:
        """Take the last decision back within half a minute; tell whether there was one."""
        wanted = settled or self._last
        if wanted is None or wanted is not self._last or self._since.elapsed() > UNDO_MS:
            return False
        self._last = None
        self._jobs.change(lambda: self._service.undo(wanted), self._undone, self._fail)
        return True

    def _run(self, work: Callable[[], Settled]) -> None:
        self._jobs.change(work, self._settled, self._fail)

    def _settled(self, settled: Settled) -> None:
        self._tell(settled)
        n = len(settled.entries)
        if n:
            self._last = settled if settled.can_undo else None
            self._since.start()
            self.done.emit(settled_words(n, settled.choice), self._last)

    def _undone(self, settled: Settled) -> None:
        self._tell(settled)
        self.done.emit(_("Taken back: it waits for you again"), None)

    def _tell(self, settled: Settled) -> None:
        if settled.mid:
            self._link.poke(settled.mid)
        self.load()
        self.rows_changed.emit(settled.ids)
        if settled.refused:
            self.failed.emit(error_text(settled.refused[0][1]))

    def _fail(self, why: Exception) -> None:
        self.failed.emit(error_text(why))
