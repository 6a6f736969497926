# SPDX-License-Identifier: GPL-3.0-or-later
"""The form of an announcement: text in Korean and English, where it shows, from when and until when, how urgent."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QCheckBox, QWidget

from app.config.i18n import _
from app.domain.announcements import DESKTOP, Announcement
from app.services.publications import AnnouncementDraft
from widgets.foundation import PlainEdit, Theme, column, read_text, row
from widgets.foundation.flow import Flow
from widgets.foundation.form_window import FormWindow

__all__ = ["AnnouncementForm"]

_DAY_MS = 86_400_000


class AnnouncementForm(FormWindow):
    """`agreed` gives the announcement before (None: a new one) and an AnnouncementDraft."""

    agreed = Signal(object, object)

    def __init__(self, theme: Theme, before: Announcement | None, now_ms: int, parent: QWidget | None) -> None:
        title = _("New announcement") if before is None else _("Change the announcement")
        super().__init__(theme, parent, title=title, deed=_("Save"), wide=theme.tokens.space.vast * 11)
        self._before = before
        draft = AnnouncementDraft.of(before) if before is not None else AnnouncementDraft(
            {}, frozenset({"portal", "companion", DESKTOP}), now_ms // 60_000 * 60_000
        )  # fmt: skip
        self._kept = draft.places - {"portal", "companion", DESKTOP}
        self.text_ko, self.text_en = PlainEdit(name=_("Text in Korean")), PlainEdit(name=_("Text in English"))
        for edit, lang in ((self.text_ko, "ko"), (self.text_en, "en")):
            edit.setPlainText(draft.texts.get(lang, ""))
            edit.setMinimumHeight(theme.tokens.space.vast * 2)
        self.portal, self.companion = QCheckBox(_("Pages in the browser")), QCheckBox(_("Companion"))
        self.desktop = QCheckBox(_("This program, for staff"))
        self.desktop.setChecked(DESKTOP in draft.places)
        self.portal.setChecked("portal" in draft.places)
        self.companion.setChecked("companion" in draft.places)
        self.urgent = QCheckBox(_("Urgent: stands out"))
        self.urgent.setChecked(draft.urgency == "urgent")
        self.start = self.moment(draft.from_at)
        self.ends = QCheckBox(_("It ends by itself"))
        self.end = self.moment(draft.until_at if draft.until_at is not None else now_ms + _DAY_MS)
        self.end.setAccessibleName(_("Shows until"))
        self.ends.setChecked(draft.until_at is not None)
        self.end.setEnabled(draft.until_at is not None)
        self.ends.toggled.connect(self.end.setEnabled)
        space = theme.tokens.space
        self.body.addLayout(self.field(_("Text in Korean"), self.text_ko))
        self.body.addLayout(self.field(_("Text in English"), self.text_en))
        sides = (self.field(_("Shows from"), self.start), column(self.ends, self.end, gap=space.tiny))
        times = row(*sides, gap=space.medium)
        for place, side in enumerate(sides):  # on one line, though a tick is higher than a name
            times.setAlignment(side, Qt.AlignmentFlag.AlignBottom)
            times.setStretch(place, 1)
        self.body.addLayout(times)
        self.body.addLayout(Flow(space.large, self.portal, self.companion, self.desktop, self.urgent))
        self.text_ko.setFocus()

    def draft(self) -> AnnouncementDraft:
        """Return what the form says."""
        boxes = (("portal", self.portal), ("companion", self.companion), (DESKTOP, self.desktop))
        places = {name for name, box in boxes if box.isChecked()}
        until = self.end.dateTime().toMSecsSinceEpoch() if self.ends.isChecked() else None
        return AnnouncementDraft(
            {"ko": read_text(self.text_ko), "en": read_text(self.text_en)}, frozenset(places | self._kept),
            self.start.dateTime().toMSecsSinceEpoch(), until, "urgent" if self.urgent.isChecked() else "",
        )  # fmt: skip

    def submit(self) -> None:
        """Save it, or say what is missing."""
        draft = self.draft()
        problems = {
            "text": (_("Write the text in one language at least."), self.text_ko),
            "places": (_("Choose where it shows."), self.portal),
            "until_at": (_("It would end before it begins. Choose a later end."), self.end),
        }
        missing = draft.missing()
        if missing:
            self.tell(*problems[missing])
            return
        self.agreed.emit(self._before, draft)
