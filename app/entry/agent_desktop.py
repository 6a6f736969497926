# SPDX-License-Identifier: GPL-3.0-or-later
"""The agent's program in the desktop: notices, the icon in the tray, the badge, and going on with the window closed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final

from PySide6.QtCore import QObject, QTimer

from app.config import settings as conf
from app.config.i18n import _
from app.config.logs import get_logger
from app.desktop.lock_watch import LockWatch
from app.desktop.motion import MotionWatch
from app.desktop.notices import DesktopNotices
from app.desktop.pace import Pace
from app.domain.ids import TicketId
from app.domain.notices import Moment, Notice, NoticeEvent, Standing
from app.domain.ports import SyncPhase, TicketRow
from app.entry.agent_app import AgentApp
from app.entry.agent_links import bring_to_front
from app.entry.sync_codec import wall_ms
from app.services.notice_desk import NoticeDesk
from app.services.texts_notices import notice_words, spoken
from widgets.foundation import announce, fmt
from widgets.shell.tray import Tray

__all__ = ["AgentDesktop"]

_log = get_logger("agent.desktop")
_SOON_MS: Final = 500  # rows come in bursts
_LOOK_EVERY_MS: Final = 30_000  # for what time alone brings, and for what a lost message did not tell
_SNOOZE_MS: Final = 3_600_000
_OFFLINE: Final = frozenset({SyncPhase.OFFLINE, SyncPhase.WORKER_DOWN, SyncPhase.SIGNED_OUT})


class AgentDesktop(QObject):
    """GUI thread. Make it before `AgentApp.start`; it begins when the window shows and ends with the program."""

    def __init__(
        self, app: AgentApp, notices: DesktopNotices | None = None, tray: Tray | None = None,
        set_badge: Callable[[int], object] | None = None,
    ) -> None:  # fmt: skip
        super().__init__(app)
        self._app = app
        self.notices = notices or DesktopNotices(self)
        self.tray = tray or Tray(app.theme, self)
        self._set_badge = set_badge or app.qt.setBadgeNumber
        self._standing: Standing | None = None
        self._unread = 0
        self._screen_locked = False
        self._told_of_tray = self._hidden = False
        ways = [self._by_desktop, self._by_tray, self._by_window]
        self._desk = NoticeDesk(ways, self._moment, self._settle, self._speak)
        self._lock_watch = LockWatch(self)
        self._soon = Pace(self._look, _SOON_MS, self)
        self._always = QTimer(self, interval=_LOOK_EVERY_MS)
        self._always.timeout.connect(self._look)
        self._began = False
        self.motion = MotionWatch(self)
        self.motion.changed.connect(lambda _reduced: self._show_motion())
        self.motion.start()
        self._stop_watching = app.settings.watch(self._setting_changed)
        self._show_motion()
        app.ready.connect(self._begin)
        app.left.connect(self.close)
        app.stays = self._stays

    def _begin(self) -> None:
        app = self._app
        if self._began or app.window is None or app.link is None:
            return
        self._began = True
        window = app.window
        app.link.rows_changed.connect(lambda _types, _ids: self._soon.ask())
        app.link.status_changed.connect(lambda _status: self._soon.ask())
        window.desk.details_loaded.connect(lambda _details: self._soon.ask())
        window.strip.session_told.connect(lambda _text: self._show_standing())
        app.qt.focusWindowChanged.connect(lambda _window: self._soon.ask())
        self._lock_watch.locked.connect(self._lock)
        self._lock_watch.start()
        self.notices.acted.connect(self._acted)
        self.tray.notice_pressed.connect(lambda key: self._acted(key, "open"))
        self.tray.open_wanted.connect(self._open)
        self.tray.quit_wanted.connect(app.leave)
        self._always.start()
        self._soon.ask()
        self._show_standing()

    def close(self) -> None:
        """End all of it. Idempotent."""
        self._always.stop()
        self._soon.stop()
        self._lock_watch.stop()
        self._stop_watching()
        self.motion.close()
        self.notices.close()
        self.tray.close()

    def _show_motion(self) -> None:
        self._app.theme.set_still(self._app.settings.get(conf.MOTION).is_still(self.motion.reduced))

    def _setting_changed(self, key: str) -> None:
        if key == conf.MOTION.key:
            self._show_motion()
        elif key == conf.STAY_IN_TRAY.key:
            self._show_standing()

    # --- notices ----------------------------------------------------------------------------------------------------

    def _look(self) -> None:
        app = self._app
        profile = app.profile
        if profile is None or app.window is None:
            return
        loaded = app.status.phase is SyncPhase.LIVE
        log = profile.notices

        def read() -> tuple[Sequence[NoticeEvent], int]:
            return log.collect(loaded=loaded), log.unread()

        app.jobs.query(read, lambda found: self.take(*found), self._failed, key="notices")

    def take(self, events: Sequence[NoticeEvent], unread: int) -> None:
        """Tell what is due of the events that wait, and show how things stand."""
        self._unread = unread
        if self._app.settings.get(conf.NOTICES_ON):
            self._desk.take(events)
        else:
            self._desk.pass_over(events)
        front = self._front()
        if front is not None:
            self.notices.withdraw(front)
        self._show_standing()

    def _settle(self, events: Sequence[NoticeEvent]) -> None:
        profile = self._app.profile
        if profile is not None and events:
            log = profile.notices
            self._app.jobs.change(lambda: log.settle(events), error=self._failed)

    def _speak(self, events: Sequence[NoticeEvent]) -> None:
        """What happened to the ticket in front shows there; who does not see it hears it."""
        if self._app.window is not None:
            announce(self._app.window, spoken(events, time_of_day=fmt.time_of_day))

    @staticmethod
    def _failed(why: Exception) -> None:
        _log.warning("notices", error=type(why).__name__, code=getattr(why, "code", ""))

    def _moment(self) -> Moment:
        now = wall_ms()
        local = datetime.fromtimestamp(now / 1000).astimezone()
        quiet = self._app.settings.get(conf.QUIET_HOURS).span
        return Moment(now, local.hour * 60 + local.minute, quiet, self._front())

    def _front(self) -> TicketId | None:
        window = self._app.window.windows.front() if self._app.window is not None else None
        if window is None or self._screen_locked or not window.isActiveWindow() or window.isMinimized():
            return None
        return window.front_ticket()

    def _by_desktop(self, notice: Notice, done: Callable[[bool], object]) -> None:
        hide = self._screen_locked or self._app.settings.get(conf.HIDE_NOTICE_TEXT)
        words = notice_words(notice, hide=hide, time_of_day=fmt.time_of_day)
        self.notices.show(notice.ticket, words.title, words.body, words.buttons, replaces=notice.replaces, done=done)

    def _by_tray(self, notice: Notice, done: Callable[[bool], object]) -> None:
        hide = self._screen_locked or self._app.settings.get(conf.HIDE_NOTICE_TEXT)
        words = notice_words(notice, hide=hide, time_of_day=fmt.time_of_day)
        done(self.tray.tell(notice.ticket, words.title, words.body))

    def _by_window(self, notice: Notice, done: Callable[[bool], object]) -> None:
        window = self._app.window
        shows = window is not None and window.isVisible() and not window.is_covered()
        if window is not None and shows:
            words = notice_words(notice, hide=False, time_of_day=fmt.time_of_day)
            window.toast.tell(f"{words.title}: {' '.join(words.body.split())}")
        done(shows)

    def _acted(self, key: object, deed: str) -> None:
        if not isinstance(key, bytes) or self._app.profile is None:
            return
        ticket = TicketId(key)
        if deed == "open":
            self._open()
            if self._app.window is not None and not self._app.window.is_covered():
                self._app.window.read_ticket(ticket)
            return
        queries = self._app.profile.queries
        self._app.jobs.query(lambda: queries.rows([ticket]), lambda rows: self._do(deed, list(rows.values())))

    def _do(self, deed: str, rows: Sequence[TicketRow]) -> None:
        window = self._app.window
        if window is None or window.is_covered() or not rows:
            return
        if deed == "assign":
            window.desk.set_owner(rows, window.desk.me)
        elif deed == "snooze":
            until = wall_ms() + _SNOOZE_MS
            window.desk.snooze(rows, until, fmt.time_of_day(until))

    def _lock(self, on: bool) -> None:
        self._screen_locked = on
        self._soon.ask()

    # --- tray, badge, and a window that may go ----------------------------------------------------------------------

    def _show_standing(self) -> None:
        app = self._app
        if app.window is None:
            return
        status = app.window.strip.status()
        sharing = app.window.strip.session_text()
        standing = Standing(self._unread, status.needs_you, app.status.phase in _OFFLINE, sharing)
        if app.settings.get(conf.STAY_IN_TRAY):
            self.tray.show_standing(standing)
        else:
            self.tray.close()
        if self._standing is None or standing.badge != self._standing.badge:
            self._set_badge(standing.badge)
        self._standing = standing
        if not app.window.isVisible() and self._hidden and not self.tray.is_there():
            self._open()  # the tray went away: nobody would find the program

    def _stays(self) -> bool:
        """Whether the program goes on when its window is closed."""
        self._hidden = self._app.settings.get(conf.STAY_IN_TRAY) and self.tray.is_there()
        if self._hidden and not self._told_of_tray:
            self._told_of_tray = True
            text = _("Deskside goes on here. Quit ends it.")
            self.tray.tell(None, "Deskside", text)
            if self._app.window is not None:
                announce(self._app.window, text)
        return self._hidden

    def _open(self) -> None:
        self._hidden = False
        if self._app.window is not None:
            self._app.show_window()
            bring_to_front(self._app.window)
