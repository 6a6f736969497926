# SPDX-License-Identifier: GPL-3.0-or-later
"""The consent windows: the warning of the first use, and the request itself. Silence and every default mean no."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QCloseEvent, QImage, QKeyEvent
from PySide6.QtWidgets import QVBoxLayout, QWidget

from app.config.i18n import _, ngettext
from app.domain.assist import PromptInfo, TargetChoice
from app.domain.masking import Box
from app.services.texts import scope_kinds
from widgets.companion.masks import hide_label, kept_text
from widgets.companion.preview import Preview
from widgets.companion.targets import TargetChooser
from widgets.companion.texts import ticket_label
from widgets.foundation import (
    ASKS,
    Button,
    Card,
    ElidedLabel,
    Look,
    Notice,
    Panel,
    PlainLabel,
    Theme,
    announce,
    column,
    fit,
    fmt,
    grow_with_words,
    line,
    row,
)

__all__ = ["ConsentButton", "RequestWindow", "ScamWindow"]

SCAM_WAIT_MS = 5000
ALLOW_WAIT_MS = 1000
_SPOKEN_S = (60, 30, 10)
_TICK_MS = 250


class ConsentButton(Button):
    """A button that gives a consent: only a click or Space on it presses it, Enter never does."""

    def enter_presses(self) -> bool:
        """No."""
        return False

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Swallow both Enter keys."""
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            event.accept()
            return
        super().keyPressEvent(event)


def _even(region: Box) -> tuple[int, int]:
    return region[2] + region[2] % 2, region[3] + region[3] % 2


class ScamWindow(QWidget):
    """Before the first request: what support never asks. Cannot be skipped; its button wakes after five seconds."""

    spoken_role = ASKS

    understood = Signal()
    refused = Signal()

    def __init__(self, theme: Theme, wait_ms: int = SCAM_WAIT_MS, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        space = theme.tokens.space
        self._answered = False
        self.setProperty("panel", "window")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setWindowTitle(_("Before you share your screen"))
        self.setWindowFlag(Qt.WindowType.WindowStaysOnTopHint)
        self.no = Button(theme, _("Something is odd, do not share"), pressed=self._refuse)
        self.yes = ConsentButton(theme, _("I have read this"), look=Look.PRIMARY, pressed=self._understand)
        self.yes.setEnabled(False)
        title = PlainLabel(_("Before you share your screen"), type="heading", wrap=True)
        first = _("Did somebody you do not know call you and bring you here? Then it is very likely a fraud. Say no.")
        card = Card(theme, kind="card")
        for text in (
            _("Support never asks for passwords, bank sign-in, card numbers or payment."),
            _("Support never calls unasked about a virus, a refund or your account."),
            _("Close windows with your bank, mail or private pictures before you share."),
            _("You choose what is shown. You can stop at any time, also by Ctrl+Alt+End."),
        ):
            mark = PlainLabel()
            theme.set_label_icon(mark, "shield-check", "success.fg", theme.tokens.icon_normal)
            line_ = row(mark, PlainLabel(text, wrap=True), gap=space.medium)
            line_.setStretch(1, 1)
            line_.setAlignment(mark, Qt.AlignmentFlag.AlignTop)
            card.body.addLayout(line_)
        self.wait = PlainLabel(type="caption", tone="muted")
        edge = (space.huge, space.huge, space.huge, space.wide)
        buttons = row(self.no, None, self.yes, gap=space.small)
        self.setLayout(
            column(
                title,
                Notice(theme, first, kind="danger"),
                card,
                None,
                self.wait,
                buttons,
                gap=space.medium,
                margins=edge,
            )
        )
        fit(self, space.vast * 12, space.vast * 8)
        self._left_ms = wait_ms
        self._timer = QTimer(self, interval=_TICK_MS)
        self._timer.timeout.connect(self._count)
        self._timer.start()
        self._count()
        self.no.setFocus()

    def _count(self) -> None:
        if self._left_ms <= 0:
            self._timer.stop()
            self.yes.setEnabled(True)
            self.wait.setText("")
            return
        seconds = -(-self._left_ms // 1000)
        text = ngettext("Please read. {n} second left.", "Please read. {n} seconds left.", seconds)
        self.wait.setText(text.format(n=seconds))
        self._left_ms -= _TICK_MS

    def _understand(self) -> None:
        self._answered = True
        self.understood.emit()
        self.close()

    def _refuse(self) -> None:
        if not self._answered:
            self._answered = True
            self.refused.emit()
            self.close()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Escape refuses."""
        if event.key() == Qt.Key.Key_Escape:
            self._refuse()
            return
        super().keyPressEvent(event)

    def closeEvent(self, event: QCloseEvent) -> None:
        """Closing the window refuses."""
        self._timer.stop()
        if not self._answered:
            self._answered = True
            self.refused.emit()
        super().closeEvent(event)


class RequestWindow(QWidget):
    """Who asks for what, with a preview. `allowed`, `refused`, `target_chosen` (id, kind).

    `region_wanted`: a region is to be drawn in that target; answer with `use_region`. `masks_wanted`: hide parts.
    """

    spoken_role = ASKS

    allowed = Signal()
    refused = Signal()
    target_chosen = Signal(str, str)
    region_wanted = Signal(str, str)
    masks_wanted = Signal()
    targets_wanted = Signal()

    def __init__(
        self,
        theme: Theme,
        prompt: PromptInfo,
        monotonic_ms: Callable[[], int],
        preview: Callable[[], QImage | None],
        *,
        hotkey_works: bool = True,
        parent: QWidget | None = None,
    ) -> None:
        """`prompt.expires_ms` is on the clock `monotonic_ms`; `preview` is read at each `picture_arrived`."""
        super().__init__(parent)
        self._theme = theme
        self._space = theme.tokens.space
        self._prompt = prompt
        self._monotonic_ms = monotonic_ms
        self._read_preview = preview
        self._opened_ms = monotonic_ms()
        self._answered = False
        self._targets: tuple[TargetChoice, ...] = ()
        self._spoken: set[int] = set()
        self._chosen = ""
        self._drawing = False
        self.setProperty("panel", "window")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setWindowTitle(_("Screen sharing request"))
        self.setWindowFlag(Qt.WindowType.WindowStaysOnTopHint)
        self._build(hotkey_works)
        self._timer = QTimer(self, interval=_TICK_MS)
        self._timer.timeout.connect(self._count)
        self._timer.start()
        self._count()
        self.no.setFocus()

    # --- building --------------------------------------------------------------------------------------------

    def _build(self, hotkey_works: bool) -> None:
        space = self._space
        self.problem = Notice(self._theme, kind="danger")
        self.problem.hide()
        edge = (space.wide, space.large, space.wide, space.large)
        body = column(self._who(), line(), self._chooser(), self.problem, gap=space.medium, margins=edge)
        self.preview = Preview(self._theme)
        self.preview.show_picture(None, _("Waiting for the picture…"))
        body.addWidget(self.preview, 1)
        self.kept = PlainLabel(tone="warning", wrap=True)
        self.hide_parts = Button(self._theme, hide_label(0), pressed=self.masks_wanted.emit)
        self.hide_parts.setAccessibleName(_("Hide parts of what is shared"))
        self.hide_parts.setEnabled(False)
        kept = row(self.kept, self.hide_parts, gap=space.small)
        kept.setStretch(0, 1)
        body.addLayout(kept)
        body.addLayout(self._limits(hotkey_works))
        no, yes = self._answers()
        self.no = Button(self._theme, no, look=Look.NORMAL, big=True, pressed=self._refuse)
        self.yes = ConsentButton(self._theme, yes, look=Look.PRIMARY, icon="eye", big=True, pressed=self._allow)
        self.yes.setEnabled(False)
        self.time = PlainLabel(tone="muted", wrap=True)
        self.time.setFont(self._theme.font("body", tabular=True))
        foot = row(self.no, self.time, self.yes, gap=space.large, margins=edge)
        foot.setStretch(1, 1)
        self.time.setAlignment(Qt.AlignmentFlag.AlignCenter)
        top = QWidget()
        top.setLayout(body)
        outer = column(top, Panel("footer", foot))
        outer.setStretch(0, 1)
        self.setLayout(outer)
        fit(self, space.vast * 13, space.vast * 15)
        grow_with_words(self)

    def _answers(self) -> tuple[str, str]:
        """What the two buttons say: no first."""
        return _("Don't allow"), _("Allow looking")

    def _time_text(self, left_s: int) -> str:
        return _("No answer within {time} means no.").format(time=fmt.clock(left_s))

    def _who(self) -> QWidget:
        prompt, space = self._prompt, self._space
        picture = PlainLabel()
        self._theme.set_label_icon(picture, "scan-eye", "fg.link", self._theme.tokens.icon_large)
        name = PlainLabel(
            _("{name}, {organisation}").format(name=prompt.agent_name, organisation=prompt.organisation),
            type="title",
            wrap=True,
        )
        badge = PlainLabel()
        self._theme.set_label_icon(badge, "badge-check", "success.fg")
        mark = ElidedLabel(_("Verified key {mark}").format(mark=prompt.key_mark), type="caption", tone="success")
        ticket = PlainLabel(
            _("Your ticket {number} “{subject}”").format(number=ticket_label(prompt.ticket_no), subject=prompt.subject),
            wrap=True,
        )
        wish = PlainLabel(_("would like to LOOK AT your screen. You choose what is shown."), type="strong", wrap=True)
        key = row(badge, mark, gap=space.tiny)
        key.setStretch(1, 1)
        texts = column(name, key, ticket, wish, gap=space.tiny)
        head = row(picture, texts, gap=space.medium)
        head.setStretch(1, 1)
        head.setAlignment(picture, Qt.AlignmentFlag.AlignTop)
        widget = QWidget()
        widget.setLayout(head)
        widget.setAccessibleName(" ".join((name.text(), mark.text(), ticket.text(), wish.text())))
        return widget

    def _chooser(self) -> QWidget:
        self.targets = TargetChooser(self._theme)
        self.targets.chosen.connect(self._choose)
        self.targets.region_wanted.connect(self._want_region)
        self.one_window, self.whole_screen = self.targets.one_window, self.targets.whole_screen
        self.windows, self.screens = self.targets.windows, self.targets.screens
        return self.targets

    def _limits(self, hotkey_works: bool) -> QVBoxLayout:
        space = self._space
        minutes = self._prompt.hard_limit_s // 60
        stop = _("You can stop at any time: the red bar, or Ctrl+Alt+End.")
        if not hotkey_works:
            stop = _("You can stop at any time by the red bar. The key Ctrl+Alt+End does not work on this system.")
        texts = [
            _("NOT included: control, clipboard, files, recording. Each would be asked separately."),
            ngettext("Ends after {n} minute at the latest.", "Ends after {n} minutes at the latest.", minutes).format(
                n=minutes
            )
            + " "
            + stop,
        ]
        icons = ["ban", "octagon-x"]
        if self._prompt.forbidden:
            never = _("Policy on this computer forbids in every session: {what}. Nobody can ask you for it.")
            texts.insert(1, never.format(what=scope_kinds(self._prompt.forbidden)))
            icons.insert(1, "lock")
        if self._prompt.hidden:
            kept = _("Policy on this computer keeps windows back that are named: {words}.")
            texts.insert(1, kept.format(words=", ".join(self._prompt.hidden)))
            icons.insert(1, "lock")
        box = column(gap=space.tiny)
        for icon, text in zip(icons, texts, strict=True):
            mark = PlainLabel()
            self._theme.set_label_icon(mark, icon, "fg.muted")
            part = row(mark, PlainLabel(text, wrap=True), gap=space.small)
            part.setStretch(1, 1)
            part.setAlignment(mark, Qt.AlignmentFlag.AlignTop)
            box.addLayout(part)
        warning = _("Nobody from support asks for passwords, bank sign-in or payment. A stranger called you? Say no.")
        box.addSpacing(space.tiny)
        box.addWidget(Notice(self._theme, warning, kind="warning"))
        return box

    @property
    def prompt(self) -> PromptInfo:
        """Who asks, for what."""
        return self._prompt

    def chosen_target(self) -> TargetChoice | None:
        """Return what would be shared now."""
        return next((target for target in self._targets if target.id == self._chosen), None)

    # --- what the owner tells --------------------------------------------------------------------------------

    def show_targets(self, targets: Sequence[TargetChoice]) -> None:
        """Fill the choosers; what was chosen stays chosen when it is still there."""
        self._targets = tuple(targets)
        self.targets.show_targets(self._targets)
        if not self._targets:
            self.show_problem(_("There is nothing that can be shown on this computer."))

    def picture_arrived(self) -> None:
        """A newer preview picture is in the memory: draw it."""
        image = self._read_preview()
        region = self.targets.region
        if image is None or self._drawing or (region is not None and _even(region) != (image.width(), image.height())):
            return
        self.problem.hide()
        shown = self.targets.title()
        text = _("Preview: {what}, {width} by {height}. {name} would see exactly this and nothing else.")
        self.preview.show_picture(
            image, text.format(what=shown, width=image.width(), height=image.height(), name=self._prompt.agent_name)
        )
        self._count()

    def show_problem(self, text: str) -> None:
        """Say why there is no picture; nothing can be allowed then."""
        self.problem.tell(text, "danger")
        self.problem.show()
        self.preview.show_picture(None, _("No picture"))
        fit(self, self.width(), self.height())
        self._count()

    def end(self) -> None:
        """Close without an answer: time is up or the request is gone."""
        self._answered = True
        self.close()

    # --- inside ----------------------------------------------------------------------------------------------

    def _choose(self, target: str, kind: str) -> None:
        self._wait(_("Waiting for the picture…"))
        self.target_chosen.emit(target, kind)

    def _want_region(self, target: str, kind: str) -> None:
        """Nothing can be allowed before the region is drawn: the picture then is not what would be sent."""
        self._drawing = True
        self._wait(_("Draw the region first."))
        self.region_wanted.emit(target, kind)

    def use_region(self, region: Box) -> None:
        """The region was drawn; the next picture is of it alone."""
        self.targets.use_region(region)
        self._wait(_("Waiting for the picture…"))

    def _wait(self, text: str) -> None:
        chosen = self.targets.target
        self._drawing = self.targets.a_region.isChecked() and self.targets.region is None
        self._chosen = chosen.id if chosen is not None else ""
        self.hide_parts.setEnabled(bool(self._chosen) and not self._drawing)
        self.preview.show_picture(None, text)
        self._count()

    def show_kept(self, count: int, why: str) -> None:
        """Say how much is hidden, and why nothing shows."""
        self.hide_parts.setText(hide_label(count))
        self.kept.setText(kept_text(why))
        fit(self, self.width(), self.height())  # nothing else may be squeezed by it, the warning least of all

    def _count(self) -> None:
        now = self._monotonic_ms()
        left_s = max(0, -(-(self._prompt.expires_ms - now) // 1000))
        self.time.setText(self._time_text(left_s))
        awake = now - self._opened_ms >= ALLOW_WAIT_MS and self.preview.has_picture() and left_s > 0
        if self.yes.isEnabled() != awake:
            self.yes.setEnabled(awake)
        for mark in _SPOKEN_S:
            if left_s <= mark and mark not in self._spoken:
                self._spoken.add(mark)
                announce(self, self.time.text(), urgent=mark == _SPOKEN_S[-1])
                break

    def _allow(self) -> None:
        if not self._answered and self.yes.isEnabled():
            self._answered = True
            self._timer.stop()
            self.allowed.emit()
            self.close()

    def _refuse(self) -> None:
        if not self._answered:
            self._answered = True
            self.refused.emit()
            self.close()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Escape refuses; Enter outside the refusing button does nothing."""
        if event.key() == Qt.Key.Key_Escape:
            self._refuse()
            return
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            return
        super().keyPressEvent(event)

    def closeEvent(self, event: QCloseEvent) -> None:
        """Closing the window refuses."""
        self._timer.stop()
        if not self._answered:
            self._answered = True
            self.refused.emit()
        super().closeEvent(event)
