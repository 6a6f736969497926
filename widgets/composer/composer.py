# SPDX-License-Identifier: GPL-3.0-or-later
"""The composer: reply and internal note are separate drafts that differ in ground, icon, label, name and button."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import QEvent, Qt, QTimer, Signal
from PySide6.QtWidgets import QFileDialog, QSizePolicy, QStackedWidget, QWidget

from app.config.i18n import _
from app.domain.attachments import Attachment, BlobDesk, BlobStatus, known_statuses
from app.domain.formatting import Look, Rich, joined
from app.domain.ids import TicketId
from app.domain.placeholders import fill, stand_ins
from app.domain.ports import Commits, Draft, DraftKind, Ground, PlannedSend, SendWhy, Template, TicketDetails
from app.services.messages import error_text, problem_text
from app.services.templates import facts_of
from app.services.texts import polite
from app.services.triage_writing import After, Stale, ground_of
from widgets.composer.sheet import Sheet
from widgets.composer.waiting import WaitingBar
from widgets.foundation import Button, ElidedButton, Panel, PlainLabel, Theme, column, commit_composition, fmt, row
from widgets.foundation.jobs import Jobs

__all__ = ["Composer"]

SAVE_MS = 600  # a draft is on disk within a second of the first unsaved key


class Composer(Panel):
    """Writes on one ticket. Nothing is preselected: empty, it offers two buttons.

    `reply_sent` gives (ticket, text, newest number seen, After, anyway, attachments, newest message seen,
    values of placeholders shown, marks of the text),
    `note_saved` (ticket, text, attachments, marks), `later_asked` (ticket, text, newest number, attachments, newest
    message, values, marks): the person wants to choose when it goes out.

    The text stays until `accepted` is called; `held` shows news above it, `refused` says why it did not go.
    """

    reply_sent = Signal(object, str, int, object, bool, object, object, object, object)
    note_saved = Signal(object, str, object, object)
    later_asked = Signal(object, str, int, object, object, object, object)
    take_back_asked = Signal(object)  # TicketId: its reply waits and is to be a draft again
    send_now_asked = Signal(object)  # TicketId
    stopped_seen = Signal(object)  # TicketId: its reply did not go out, and its author sees it now
    preview_asked = Signal(object, object, object)  # TicketId, Rich, attachments
    files_added = Signal()  # there is something to upload
    left = Signal()  # Escape
    was_left = Signal(object)  # TicketId: its drafts are saved, and the person goes on elsewhere
    folded = Signal(bool)  # True: only the two buttons show
    noticed = Signal()  # a notice above a draft came or went
    draft_changed = Signal(object)  # TicketId: its draft came or went
    typed = Signal()  # the person writes
    elsewhere_asked = Signal(object)  # TicketId: its drafts are in another window, where the person wants to go

    def __init__(
        self, theme: Theme, commits: Commits, jobs: Jobs, now_ms: Callable[[], int], blobs: BlobDesk | None = None
    ) -> None:
        super().__init__("footer")
        self._theme = theme
        self._commits = commits
        self._jobs = jobs
        self._now_ms = now_ms
        self._ticket: TicketId | None = None
        self._customer = ""
        self._seen_seq = 0
        self._began_seq = 0
        self._seen_id: bytes | None = None
        self._began_id: bytes | None = None
        self._ground: Ground | None = None  # what a reply rests on, as it shows
        self._began_on: Ground | None = None
        self._unsaved: set[DraftKind] = set()
        self._planned: dict[TicketId, PlannedSend] = {}
        self.agent_name: Callable[[], str] = lambda: ""
        self.facts: Mapping[str, str] = {}  # what placeholders stand for, as it shows
        self._asked: frozenset[str] = frozenset()  # stand-ins that the person was asked about
        self._elsewhere = self._returns = False
        self._save_soon = QTimer(self, singleShot=True, interval=SAVE_MS)
        self._save_soon.timeout.connect(self.save_now)
        self._blobs = blobs
        self.sheets = {kind: Sheet(theme, kind, jobs, now_ms, blobs) for kind in DraftKind}
        self._build(theme)
        self.retranslate()

    def _build(self, theme: Theme) -> None:
        space = theme.tokens.space
        self.reply_button = Button(theme, "", icon="reply", pressed=lambda: self.write(DraftKind.REPLY))
        self.note_button = ElidedButton(theme, "", icon="lock", pressed=lambda: self.write(DraftKind.NOTE))
        self.waiting = WaitingBar(theme)
        self.waiting.stopped.connect(lambda: self.take_back_asked.emit(self._ticket))
        self.waiting.hurried.connect(lambda: self.send_now_asked.emit(self._ticket))
        self.offer = QWidget()
        self.away = PlainLabel(tone="muted", wrap=True)
        self.go_there = Button(theme, "", icon="app-window", pressed=lambda: self.elsewhere_asked.emit(self._ticket))
        for part in (self.away, self.go_there):
            part.hide()
        buttons = row(self.reply_button, self.note_button, self.go_there, self.away, None, gap=space.small)
        buttons.setStretch(3, 8)
        self.offer.setLayout(column(self.waiting, buttons, gap=space.small))
        self.stack = QStackedWidget()
        self.stack.addWidget(self.offer)
        for kind, sheet in self.sheets.items():
            self.stack.addWidget(sheet)
            sheet.edit.textChanged.connect(lambda kind=kind: self._typed(kind))
            sheet.send_pressed.connect(lambda after, kind=kind: self._send(kind, after))
            sheet.left.connect(self.left)
            sheet.edit.departed.connect(self._leave)
            sheet.folded.connect(self._fold)
            sheet.noticed.connect(self.noticed)
            sheet.other_asked.connect(self.other)
            sheet.discarded.connect(lambda kind=kind: self.discard(kind))
            sheet.attach_asked.connect(self.attach)
            sheet.preview_asked.connect(self.preview)
            sheet.files.changed.connect(lambda kind=kind: self._files_changed(kind))
            sheet.files.dropped.connect(self._drop)
            sheet.files.late.connect(lambda ticket, made, kind=kind: self._add_late(ticket, kind, made))
            sheet.later_pressed.connect(self.send_later)
            sheet.anyway_pressed.connect(lambda kind=kind: self._send(kind, After.NOTHING, anyway=True))
        edge = (space.large, space.small, space.large, space.medium)
        self.setLayout(column(self.stack, margins=edge))
        self._show(self.offer)

    # --- what the window says --------------------------------------------------------------------------------

    def show_ticket(self, details: TicketDetails) -> None:
        """Write on this ticket. The text of another one is saved first; drafts of this one are restored."""
        line = details.row
        self._customer = details.customer.name if details.customer else line.customer_name
        self._seen_seq, self._seen_id, self._ground = details.seen_seq, details.seen_id, ground_of(details)
        self.facts = facts_of(details, self.agent_name())
        self.sheets[DraftKind.REPLY].show_facts(self.facts)
        if line.id != self._ticket:
            self._leave()
            self._ticket = line.id
            for sheet in self.sheets.values():
                sheet.load("", 0)
                sheet.files.load((), line.id)
            self._unsaved.clear()
            self._asked = frozenset()
            self.waiting.show_planned(self._planned.get(line.id), self._customer)
            self._show(self.offer)
            self._restore(line.id)
        self._tell()

    def set_elsewhere(self, *, elsewhere: bool, ticket: TicketId | None = None) -> None:
        """Another window writes on this ticket (the next to show is `ticket`), or this one may again.

        What was written here is saved before, and read again after what the other one wrote is saved.
        """
        before, self._returns = self._elsewhere, False
        if ticket is not None and ticket != self._ticket:
            self._show_elsewhere(elsewhere=elsewhere)
        elif before and not elsewhere:
            self._returns = True  # until then nothing can be begun over what is not read yet
            self._jobs.change(lambda: None, lambda _saved: self._come_back())
        elif elsewhere and not before:
            self._show_elsewhere(elsewhere=True)
            commit_composition()
            self.save_now()
            for sheet in self.sheets.values():
                sheet.load("", 0)
                sheet.files.load((), self._ticket)
            self._unsaved.clear()
            self._show(self.offer)

    def _come_back(self) -> None:
        if self._returns:
            self._returns = False
            self._show_elsewhere(elsewhere=False)
            self.read_again()

    def _show_elsewhere(self, *, elsewhere: bool) -> None:
        self._elsewhere = elsewhere
        for button in (self.reply_button, self.note_button):
            button.setVisible(not elsewhere)
        for part in (self.away, self.go_there):
            part.setVisible(elsewhere)

    def show_nothing(self) -> None:
        """No ticket is open."""
        self._leave()
        self._ticket = None
        self._show(self.offer)

    def write(self, kind: DraftKind) -> None:
        """Open a draft and put the caret into it."""
        if self._ticket is None or self._waits(kind):
            return
        sheet = self.sheets[kind]
        if not self.has_draft(kind):
            self._began_seq, self._began_id, self._began_on = self._seen_seq, self._seen_id, self._ground
        self._show(sheet)
        sheet.edit.setFocus(Qt.FocusReason.ShortcutFocusReason)

    def _waits(self, kind: DraftKind) -> bool:
        """Tell whether nothing can be written now: the draft is in another window, or its reply is about to go out.

        Then the person is led there, or the reply is taken back, to be written on.
        """
        if self._elsewhere:
            self.elsewhere_asked.emit(self._ticket)
            return True
        waits = kind is DraftKind.REPLY and self.waiting.planned() is not None
        if waits:
            self.take_back_asked.emit(self._ticket)
        return waits

    def other(self) -> None:
        """Go to the other draft; nothing is carried over."""
        self.write(DraftKind.NOTE if self.kind() is DraftKind.REPLY else DraftKind.REPLY)

    def insert(self, template: Template, language: str) -> None:
        """Put a canned reply's text where the caret is; its placeholders stay and are filled when it is sent."""
        kind = self.kind()
        if kind is None:
            if self._waits(DraftKind.REPLY):
                return
            self.write(DraftKind.REPLY)
        sheet = self.sheets[self.kind() or DraftKind.REPLY]
        commit_composition()
        body = template.body(language)
        sheet.edit.insertPlainText(body if sheet.kind is DraftKind.REPLY else fill(body, self.facts).text)
        sheet.edit.setFocus(Qt.FocusReason.ShortcutFocusReason)

    def insert_rich(self, rich: Rich) -> None:
        """Put a text with its looks where the caret is; without a draft a reply is begun."""
        kind = self.kind()
        if kind is None:
            if self._waits(DraftKind.REPLY):
                return
            self.write(DraftKind.REPLY)
        sheet = self.sheets[self.kind() or DraftKind.REPLY]
        commit_composition()
        sheet.edit.insert_rich(rich)
        sheet.edit.setFocus(Qt.FocusReason.ShortcutFocusReason)

    def note_to_reply(self) -> None:
        """Copy the note's text to the end of the reply and show the reply: nothing is sent."""
        note = self.rich(DraftKind.NOTE)
        if self._waits(DraftKind.REPLY):
            return
        self.write(DraftKind.REPLY)
        sheet = self.sheets[DraftKind.REPLY]
        before = sheet.edit.rich()
        both = joined([before, note], "\n\n") if before.text else note
        sheet.load(both.text, -1, both.marks)
        sheet.tell(_("Copied from the internal note. Read it before you send it to the customer."), "warning")
        self._typed(DraftKind.REPLY)

    def send(self, after: After = After.NOTHING) -> None:
        """Send the reply or save the note that is being written."""
        kind = self.kind()
        if kind is not None:
            self._send(kind, after if kind is DraftKind.REPLY else After.NOTHING)

    def send_later(self) -> None:
        """Let the person choose when the reply that is being written goes out."""
        ready = self._ready(DraftKind.REPLY) if self.kind() is DraftKind.REPLY else None
        if ready is not None and self._ticket is not None:
            said, files = ready
            seen = (self._began_seq, files, self._began_id, dict(self.facts))
            self.later_asked.emit(self._ticket, said.text, *seen, said.marks)

    def preview(self) -> None:
        """Ask to see the reply that is being written as its customer will; nothing is sent by it."""
        if self.kind() is DraftKind.REPLY and self._ticket is not None:
            said, files = self.rich(DraftKind.REPLY), self.sheets[DraftKind.REPLY].files.attachments()
            self.preview_asked.emit(self._ticket, said, files)

    def format(self, look: Look) -> None:
        """Make the selected letters of the draft that shows look so, or no longer."""
        if (kind := self.kind()) is not None:
            self.sheets[kind].edit.toggle(look)

    def format_lines(self, sign: str) -> None:
        """Make the selected lines of the draft that shows a list or a quote, or no longer."""
        if (kind := self.kind()) is not None:
            self.sheets[kind].edit.toggle_lines(sign)

    def insert_link(self) -> None:
        """Ask where the selected words lead."""
        if (kind := self.kind()) is not None:
            self.sheets[kind].ask_link()

    def show_planned(self, planned: Sequence[PlannedSend]) -> None:
        """Know which replies wait to go out."""
        self._planned = {each.draft.ticket: each for each in planned}
        before = self.waiting.planned()
        mine = self._planned.get(self._ticket) if self._ticket is not None else None
        self.waiting.show_planned(mine, self._customer)
        if before != self.waiting.planned() and self.kind() is None:
            self._show(self.offer)

    def taken_back(self, draft: Draft) -> None:
        """A reply goes out no more: its text, caret and files are as they were."""
        if draft.ticket != self._ticket:
            return
        sheet = self.sheets[draft.kind]
        sheet.load(draft.body, draft.caret, draft.marks)
        sheet.files.load(draft.attachments, draft.ticket)
        self._began_seq, self._began_id, self._began_on = draft.seen_seq, draft.seen_id, draft.ground
        self._show(sheet)
        sheet.edit.setFocus(Qt.FocusReason.ShortcutFocusReason)

    def stopped(self, ticket: TicketId, words: str) -> None:
        """A reply that waited did not go out: it shows again, with the reason."""
        if ticket != self._ticket:
            return
        self.waiting.show_planned(None, "")
        self.sheets[DraftKind.REPLY].tell(words, "warning")
        self._restore(ticket)

    def read_again(self) -> None:
        """A draft of this ticket may have been made elsewhere; what is typed here stays."""
        if self._ticket is not None:
            self._restore(self._ticket)

    def focus(self) -> None:
        """Take the keyboard: the draft that shows, or the first button."""
        kind = self.kind()
        (self.sheets[kind].edit if kind is not None else self.reply_button).setFocus()

    def notice_height(self) -> int:
        """Return how high the composer must be for the notice of the draft that shows, 0 where there is none."""
        kind = self.kind()
        inside = self.sheets[kind].needed_height() if kind is not None else 0
        return inside + self.height() - self.stack.height() if inside else 0

    def offer_height(self) -> int:
        """Return how high the two buttons alone are."""
        margins = self.contentsMargins()
        edges = self._theme.tokens.space.small + self._theme.tokens.space.medium
        return self.offer.minimumSizeHint().height() + margins.top() + margins.bottom() + edges + 1

    def kind(self) -> DraftKind | None:
        """Return which draft shows, or None."""
        return next((k for k, sheet in self.sheets.items() if self.stack.currentWidget() is sheet), None)

    def is_writing(self) -> bool:
        """Tell whether the caret of this window stands in a draft."""
        kind = self.kind()
        caret = self.window().focusWidget()
        return kind is not None and caret is not None and self.sheets[kind].isAncestorOf(caret)

    def text(self, kind: DraftKind) -> str:
        """Return a draft's text."""
        return self.rich(kind).text

    def rich(self, kind: DraftKind) -> Rich:
        """Return a draft's text and how it looks, the syllable being composed included."""
        commit_composition()
        return self.sheets[kind].edit.rich()

    def has_draft(self, kind: DraftKind) -> bool:
        """Tell whether there are words or files."""
        sheet = self.sheets[kind]
        return bool(sheet.edit.toPlainText()) or bool(sheet.files.attachments())

    def attach(self) -> None:
        """Choose files for the draft that shows; without one a reply is begun."""
        if self._ticket is None or self._blobs is None:
            return
        if self.kind() is None:
            if self._waits(DraftKind.REPLY):
                return
            self.write(DraftKind.REPLY)
        sheet = self.sheets[self.kind() or DraftKind.REPLY]
        dialog = QFileDialog(self, _("Attach files"))
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.setFileMode(QFileDialog.FileMode.ExistingFiles)
        dialog.filesSelected.connect(lambda names: sheet.files.add([Path(name) for name in names]))
        dialog.open()

    def attach_again(self, attachment: Attachment) -> None:
        """Let a file of the conversation hang on the draft that shows; without one a reply is begun."""
        if self._ticket is None:
            return
        if self.kind() is None:
            self.write(DraftKind.REPLY)
        if (kind := self.kind()) is not None:
            self.sheets[kind].files.attach(attachment)

    def show_blob(self, sha256: bytes, status: BlobStatus) -> None:
        """Show how an upload gets on."""
        for sheet in self.sheets.values():
            sheet.files.show_status(sha256, status)

    def accepted(self, ticket: TicketId, kind: DraftKind) -> None:
        """The text is safe in the outbox."""
        if ticket != self._ticket:
            return
        self._unsaved.discard(kind)
        self.sheets[kind].load("", 0)
        self.sheets[kind].files.clear()
        self.sheets[kind].say("")
        self._show(self.offer)
        self.draft_changed.emit(ticket)

    def held(self, ticket: TicketId, stale: Stale) -> None:
        """The reply was not sent: show what came meanwhile above it. It is known now, and stops nothing again."""
        if ticket != self._ticket:
            return
        self._seen_seq = self._began_seq = stale.seen_seq
        self._seen_id = self._began_id = stale.seen_id
        self._ground = self._began_on = stale.ground or self._ground
        self._unsaved.add(DraftKind.REPLY)
        self.sheets[DraftKind.REPLY].hold(_held_words(stale), "\n\n".join(i.body for i in stale.news))

    def refused(self, ticket: TicketId, kind: DraftKind, why: Exception) -> None:
        """It did not go; the text stays."""
        if ticket == self._ticket:
            self.sheets[kind].tell(error_text(why), "danger")

    def discard(self, kind: DraftKind) -> None:
        """Throw the draft away; Ctrl+Z in the text brings it back while the ticket is open."""
        sheet = self.sheets[kind]
        sheet.edit.selectAll()
        sheet.edit.insertPlainText("")
        sheet.tell("", "warning")
        dropped = sheet.files.attachments()
        sheet.files.clear()
        self._unsaved.add(kind)
        self.save_now()
        for attachment in dropped:
            self._drop(attachment)
        self._show(self.offer)
        if self._ticket is not None:
            self.draft_changed.emit(self._ticket)

    # --- drafts ----------------------------------------------------------------------------------------------

    def save_now(self) -> None:
        """Save what is unsaved."""
        self._save_soon.stop()
        ticket, kinds = self._ticket, tuple(self._unsaved)
        self._unsaved.clear()
        if ticket is None:
            return
        for kind in kinds:
            edit, files = self.sheets[kind].edit, self.sheets[kind].files.attachments()
            seq, caret = self._began_seq, edit.textCursor().position()
            said, now = edit.rich(), self._now_ms()
            began = (self._began_id, None, said.marks, self._began_on if kind is DraftKind.REPLY else None)
            self._save(Draft(ticket, kind, said.text, caret, seq, now, files, *began))

    def _save(self, draft: Draft) -> None:
        self._jobs.change(
            lambda: self._commits.save_draft(draft),
            then=lambda _done: self._saved(draft),
            error=lambda why: self._not_saved(draft, why),
        )

    def _saved(self, draft: Draft) -> None:
        if draft.ticket == self._ticket and (draft.body or draft.attachments):
            text = _("Draft saved {time}").format(time=fmt.time_of_day(draft.updated))
            self.sheets[draft.kind].say(text)

    def _not_saved(self, draft: Draft, why: Exception) -> None:
        if draft.ticket == self._ticket:
            self._unsaved.add(draft.kind)
            self.sheets[draft.kind].tell(error_text(why), "danger")

    def _restore(self, ticket: TicketId) -> None:
        self._jobs.query(
            lambda: self._read_drafts(ticket),
            then=lambda read: self._restored(ticket, *read),
            error=lambda why: self.refused(ticket, DraftKind.REPLY, why),
            key="drafts",
        )

    def _read_drafts(self, ticket: TicketId) -> tuple[list[Draft], Mapping[bytes, BlobStatus]]:
        found = [
            d for k in DraftKind if (d := self._commits.draft(ticket, k)) is not None and (d.body or d.attachments)
        ]
        return found, known_statuses(self._blobs, [each for draft in found for each in draft.attachments])

    def _restored(self, ticket: TicketId, drafts: Sequence[Draft], files: Mapping[bytes, BlobStatus]) -> None:
        if ticket != self._ticket or self._elsewhere:
            return
        # what waits to go out stands in its bar
        drafts = [d for d in drafts if d.send is None or d.send.why is SendWhy.STOPPED]
        for draft in drafts:
            sheet = self.sheets[draft.kind]
            if self.has_draft(draft.kind):
                continue
            sheet.load(draft.body, draft.caret, draft.marks)
            sheet.files.load(draft.attachments, ticket, files)
            sheet.say(
                _("Draft of {time}").format(time=fmt.when(draft.updated, self._now_ms()))
                if draft.updated
                else _("Draft")
            )
            if draft.kind is DraftKind.REPLY:
                self._began_seq, self._began_id, self._began_on = draft.seen_seq, draft.seen_id, draft.ground
            if draft.send is not None:
                words = _("This reply was not sent: somebody wrote first. Read that, then send it or edit it.")
                sheet.tell(words, "warning")
                self.stopped_seen.emit(ticket)
        if drafts and self.kind() is None:
            self._show(self.sheets[drafts[0].kind])
        self._tell()

    # --- inside ----------------------------------------------------------------------------------------------

    def _typed(self, kind: DraftKind) -> None:
        sheet = self.sheets[kind]
        if sheet.loading or self._ticket is None:
            return
        self._unsaved.add(kind)
        self.typed.emit()
        if not self._save_soon.isActive():
            self._save_soon.start()

    def _files_changed(self, kind: DraftKind) -> None:
        """On disk at once: what was taken in is named by a draft before anything else happens."""
        self._typed(kind)
        self.save_now()
        self.files_added.emit()
        self._tell()

    def _add_late(self, ticket: TicketId, kind: DraftKind, made: Attachment) -> None:
        """A file was taken in when another ticket showed already: it waits on the draft it was meant for."""
        commits, now = self._commits, self._now_ms()

        def save() -> None:
            draft = commits.draft(ticket, kind) or Draft(ticket, kind, "")
            commits.save_draft(replace(draft, attachments=(*draft.attachments, made), updated=now))

        self._jobs.change(save, then=lambda _done: self._late_added(ticket))

    def _late_added(self, ticket: TicketId) -> None:
        self.files_added.emit()
        self.draft_changed.emit(ticket)

    def _drop(self, attachment: Attachment) -> None:
        if self._blobs is not None:  # after the draft was saved without it: writes keep their order
            blobs = self._blobs
            self._jobs.change(lambda: blobs.drop(attachment), error=lambda _why: None)

    def _ready(self, kind: DraftKind) -> tuple[Rich, tuple[Attachment, ...]] | None:
        """Return words and files that can go, saved; None: why not stands above the text."""
        sheet = self.sheets[kind]
        said, files = self.rich(kind), sheet.files.attachments()
        if self._ticket is None:
            return None
        if sheet.files.is_busy():
            sheet.tell(_("A file is still being read. Send again in a moment."), "warning")
            return None
        if not said.text.strip() and not files:
            sheet.tell(_("There is nothing to send yet."), "warning")
            return None
        if kind is DraftKind.REPLY and not self._is_filled(sheet, said.text):
            return None
        self.save_now()
        sheet.tell("", "warning")
        return said, files

    def _is_filled(self, sheet: Sheet, text: str) -> bool:
        """Tell whether every placeholder has a value; what looks like one that was typed is asked about once."""
        missing = fill(text, self.facts).missing
        if missing:
            sheet.tell(problem_text("unfilled", {"names": ", ".join(missing)}), "warning")
            return False
        found = frozenset(stand_ins(text))
        if found <= self._asked:
            return True
        self._asked |= found
        words = _(
            "{what} looks like something that you meant to fill in. Nothing was sent yet. Send again if it is right."
        )
        sheet.tell(words.format(what=", ".join(f"“{each}”" for each in sorted(found))), "warning")
        return False

    def _send(self, kind: DraftKind, after: After, *, anyway: bool = False) -> None:
        ready = self._ready(kind)
        if ready is None or self._ticket is None:
            return
        said, files = ready
        if kind is DraftKind.NOTE:
            self.note_saved.emit(self._ticket, said.text, files, said.marks)
        else:
            seen = (self._began_seq, after, anyway, files, self._began_id, dict(self.facts))
            self.reply_sent.emit(self._ticket, said.text, *seen, said.marks)

    def _leave(self) -> None:
        """Save, and let the drafts go to the person's other computers."""
        self.save_now()
        if self._ticket is not None:
            self.was_left.emit(self._ticket)

    def _fold(self) -> None:
        self._leave()
        self._show(self.offer)
        self.reply_button.setFocus()

    def _show(self, widget: QWidget) -> None:
        ignored, wanted = QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred
        for page in (self.offer, *self.sheets.values()):  # pages behind must not ask for room
            _set_policy(page, wanted if page is widget else ignored)
        self.stack.setCurrentWidget(widget)
        self._tell()
        folded = widget is self.offer
        _set_policy(self, QSizePolicy.Policy.Maximum if folded else wanted)
        self.folded.emit(folded)

    def changeEvent(self, event: QEvent) -> None:
        """Follow the language."""
        if event.type() is QEvent.Type.LanguageChange:
            self.retranslate()
        super().changeEvent(event)

    def retranslate(self) -> None:
        """Say everything in the language spoken now."""
        self.offer.setAccessibleName(_("Write"))
        self.away.setText(_("You write on this ticket in another window."))
        self.go_there.setText(_("Go to that window"))
        self.waiting.retranslate()
        for sheet in self.sheets.values():
            sheet.retranslate(self._customer)
        self._tell()

    def _tell(self) -> None:
        """Say what differs from ticket to ticket."""
        for kind, button in ((DraftKind.REPLY, self.reply_button), (DraftKind.NOTE, self.note_button)):
            button.setText(self._offer_text(kind, self.has_draft(kind)))
        for sheet in self.sheets.values():
            sheet.tell_customer(self._customer)

    @staticmethod
    def _offer_text(kind: DraftKind, has_draft: bool) -> str:
        if kind is DraftKind.REPLY:
            return _("Continue reply") if has_draft else _("Write reply")
        return _("Continue internal note") if has_draft else _("Write internal note")


def _held_words(stale: Stale) -> str:
    if stale.reason == "customer":
        return _(
            "This ticket is {name}'s now; you began writing to somebody else. Your reply is held, not sent. Check it, "
            "then send, edit or discard."
        ).format(name=polite(stale.customer))
    if stale.reason == "on_hold":
        return _(
            "This ticket was put on hold for an incident after you began. Your reply is held, not sent. Single answers "
            "wait until the cause is known; send it anyway, edit or discard."
        )
    first = stale.news[0]
    return _(
        "{name} wrote at {time}, after you began. Your reply is held, not sent. Read the new message, then send, "
        "edit or discard."
    ).format(name=polite(first.author_name), time=fmt.time_of_day(first.at))


def _set_policy(widget: QWidget, vertical: QSizePolicy.Policy) -> None:
    """Ask for room; asking again would lay the window out anew."""
    if widget.sizePolicy().verticalPolicy() is not vertical:
        widget.setSizePolicy(QSizePolicy.Policy.Preferred, vertical)
