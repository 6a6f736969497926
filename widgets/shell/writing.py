# SPDX-License-Identifier: GPL-3.0-or-later
"""What the window does with texts on their way: replies that wait and their times, canned replies, macros."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, cast

from PySide6.QtCore import QObject, QPoint, Qt
from PySide6.QtWidgets import QWidget

from app.config.i18n import _, language, ngettext
from app.domain.attachments import Attachment
from app.domain.calendars import Span
from app.domain.formatting import Mark, Rich
from app.domain.ids import TicketId, UserId
from app.domain.ports import Draft, DraftKind, PlannedSend, SendWhy, Template, TicketRow
from app.services.finished_reply import finish
from app.services.macros import Macros, macro_words
from app.services.messages import error_text
from app.services.picked import Picked
from app.services.send_times import send_times
from app.services.templates import Templates, language_of
from app.services.triage import Done
from app.services.triage_writing import Shown, Stale
from widgets.composer.carry import DraftCarrier
from widgets.composer.later import OTHER, ChooseTime, later_options
from widgets.composer.preview import PreviewWindow
from widgets.composer.templates_window import TemplatesWindow
from widgets.foundation import Question, Theme, fmt
from widgets.foundation.chooser import Chooser, Option
from widgets.shell.frame import Ports
from widgets.shell.sends import SendDesk

if TYPE_CHECKING:
    from widgets.shell.window import AgentWindow

__all__ = ["WritingPart"]

_REFUSALS = 8  # so many of what a macro could not do are named


class WritingPart(QObject):
    """GUI thread. Connects composer, outbox and toast with what waits."""

    def __init__(self, window: AgentWindow, theme: Theme, ports: Ports) -> None:
        super().__init__(window)
        self._window, self._theme, self._ports = window, theme, ports
        main = window.windows.main if window.side is not None else None
        self.sends: SendDesk = main.writing.sends if main is not None else SendDesk(window.desk, ports, self)
        self.carrier = DraftCarrier(ports.commits, ports.jobs, ports.now_ms, ports.link.poke, self)
        self.time: ChooseTime | None = None
        self.templates: TemplatesWindow | None = None
        self.question: Question | None = None
        self.preview: PreviewWindow | None = None
        window.ticket.composer.agent_name = self._agent_name
        self._connect()

    def _connect(self) -> None:
        sends, composer, outbox = self.sends, self._window.ticket.composer, self._window.outbox
        composer.reply_sent.connect(sends.send_reply)
        composer.later_asked.connect(self._ask_when)
        composer.preview_asked.connect(self._preview_reply)
        composer.was_left.connect(self.carrier.left)
        composer.take_back_asked.connect(sends.take_back)
        composer.send_now_asked.connect(sends.send_now)
        composer.stopped_seen.connect(sends.seen)
        sends.planned.connect(self._tell_planned)
        sends.taken_back.connect(self._was_taken_back)
        sends.stopped.connect(self._tell_stopped)
        sends.changed.connect(self._show_planned)
        outbox.take_back_asked.connect(sends.take_back)
        outbox.send_now_asked.connect(sends.send_now)

    def _agent_name(self) -> str:
        desk = self._window.desk
        return desk.choices.users.get(desk.me, "") if desk.me is not None else ""

    def start(self) -> None:
        """Read what waited when the program ended."""
        self.sends.start()

    def show_waiting(self) -> None:
        """Show what waits already, in a window that came later."""
        self._show_planned(self.sends.all())

    def look_for_news(self, ids: frozenset[bytes]) -> None:
        """Rows changed; empty: any may have."""
        self.sends.look_for_news(ids)

    def close(self) -> None:
        """The window goes: what was sent leaves now, and what was typed goes to one's other computers."""
        self.sends.flush()
        self.carrier.flush()

    def undo(self) -> bool:
        """Take the newest reply back while its seconds run; tell whether there was one."""
        return self.sends.take_back_last()

    # --- what waits ------------------------------------------------------------------------------------------

    def _tell_planned(self, planned: PlannedSend) -> None:
        """The sheet is empty again; for some seconds one press brings everything back."""
        ticket, order = planned.draft.ticket, planned.order
        self._window.ticket.composer.accepted(ticket, planned.draft.kind)
        if not self._window.windows.speaks(self._window, ticket):
            return
        if order.why is SendWhy.UNDO:
            words, left = _("The reply on {ticket} goes out in a moment"), order.at - self._ports.now_ms()
        else:
            words, left = _("The reply on {ticket} goes out on {when}"), 0
        text = words.format(ticket=planned.label, when=fmt.moment(order.at))
        self._window.toast.tell(text, lambda: self.sends.take_back(ticket), left)

    def _show_planned(self, planned: tuple[PlannedSend, ...]) -> None:
        self._window.ticket.composer.show_planned(planned)
        self._window.views.show_planned(len(planned))
        self._window.outbox.show_planned(planned)

    def _was_taken_back(self, draft: Draft) -> None:
        if not self._window.windows.speaks(self._window, draft.ticket):
            return
        details = self._window.desk.details
        if details is not None and details.row.id == draft.ticket:
            self._window.ticket.composer.taken_back(draft)
        else:
            self._window.open_ticket(draft.ticket)  # and with it the draft
        self._window.toast.tell(_("Taken back: the reply is a draft again"))

    def _tell_stopped(self, ticket: TicketId, stale: Stale | None, words: str) -> None:
        self._window.ticket.composer.stopped(ticket, words)
        if stale is not None and self._window.desk.details is not None:
            self._window.desk.reload(frozenset({ticket}))
        self._window.toast.tell(words)

    # --- a time for later ------------------------------------------------------------------------------------

    def _ask_when(
        self, ticket: TicketId, text: str, seen_seq: int, files: tuple[Attachment, ...], seen_id: bytes | None,
        shown: Shown, marks: tuple[Mark, ...],
    ) -> None:  # fmt: skip
        details = self._window.desk.details
        if details is None or details.row.id != ticket:
            return

        def send(at: int) -> None:
            self.sends.send_later(ticket, text, seen_seq, at, files, seen_id, shown, marks)

        team, queries = details.team, self._ports.queries
        self._ports.jobs.query(
            lambda: queries.open_spans(team), lambda spans: self._offer(spans, send), lambda _why: self._offer([], send)
        )

    def _offer(self, spans: Sequence[Span], send: Callable[[int], None]) -> None:
        chooser = Chooser(self._theme, _("Send later"), self._window)
        chooser.set_nothing(_("Nothing fits."))
        chooser.show_options(later_options(send_times(spans, self._ports.now_ms())))
        chooser.chosen.connect(lambda value: self._other_time(send) if value == OTHER else send(cast("int", value)))
        anchor = self._window.ticket.composer.sheets[DraftKind.REPLY].send
        chooser.open_at(anchor.mapToGlobal(QPoint(0, anchor.height() + self._theme.tokens.space.tiny)))

    def _other_time(self, send: Callable[[int], None]) -> None:
        self.time = ChooseTime(self._theme, self._ports.now_ms(), self._window)
        self.time.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.time.chosen.connect(send)
        self.time.open()

    # --- canned replies and macros ---------------------------------------------------------------------------

    def runs(self) -> dict[str, Callable[[], object]]:
        """Return what each command does."""
        return {
            "composer.canned": lambda: self._read_templates(self._offer_canned),
            "composer.templates": lambda: self._read_templates(self._open_templates),
            "ticket.macro": lambda: self._read_templates(self._offer_macros),
        }

    def _read_templates(self, then: Callable[[Sequence[Template]], object]) -> None:
        self._ports.jobs.query(self._ports.queries.templates, then, self._fail)

    def _fail(self, why: Exception) -> None:
        self._window.desk.failed.emit(error_text(why))

    def _preview_reply(self, ticket: TicketId, said: Rich, files: tuple[Attachment, ...]) -> None:
        """Show it as it would go out now; Send in the preview is Send in the composer, with the same guards."""
        desk = self._window.desk
        if desk.details is None or desk.details.row.id != ticket:
            return
        finished = finish(desk.details, said, self._agent_name(), desk.choices.signature)
        window = self.preview = PreviewWindow(self._theme, desk.details, finished, files, self._window)
        composer = self._window.ticket.composer
        window.agreed.connect(composer.send)
        window.finished.connect(lambda _result: composer.focus())
        window.open()

    def _offer_canned(self, templates: Sequence[Template]) -> None:
        details, composer = self._window.desk.details, self._window.ticket.composer
        if details is None:
            return
        spoken = language_of(details)
        found = [t for t in templates if t.kind == "canned"]
        options = [_option(t, spoken) for t in found]
        kind = composer.kind()
        anchor = composer.sheets[kind].edit if kind is not None else composer.reply_button
        self._choose(_("Insert canned reply"), options, anchor, lambda t: composer.insert(cast("Template", t), spoken))

    def _offer_macros(self, templates: Sequence[Template]) -> None:
        picked = self._window.deeds.picked()
        if picked:
            options = [_option(t, language()) for t in templates if t.kind == "macro"]
            anchor = (
                self._window.ticket.header
                if len(picked) == 1 and self._window.ticket.is_open()
                else self._window.inbox.title
            )
            self._choose(_("Run macro"), options, anchor, lambda t: self._preview(cast("Template", t), picked))

    def _choose(
        self, name: str, options: Sequence[Option], anchor: QWidget, chosen: Callable[[object], object]
    ) -> None:
        chooser = Chooser(self._theme, name, self._window, wide=self._theme.tokens.space.vast * 8)
        chooser.set_nothing(_("Nothing fits. “Canned replies and macros” in the menu makes new ones."))
        chooser.show_options(options)
        chooser.chosen.connect(chosen)
        chooser.open_at(anchor.mapToGlobal(QPoint(0, 0)))

    def _preview(self, macro: Template, picked: Picked) -> None:
        """Say what it does before it does it."""
        lines = macro_words(macro, self._window.desk.choices)
        many = ngettext("On {n} ticket", "On {n} tickets", len(picked)).format(n=fmt.number(len(picked)))
        one = picked.one()
        where = one.label if one is not None else many
        self.question = Question(
            self._theme, _("Run “{name}”?").format(name=macro.name(language())), "\n".join([where, *lines]),
            safe=_("Cancel"), deed=_("Run"), parent=self._window,
            answered=lambda yes: self._run_macro(macro, picked) if yes else None,
        )  # fmt: skip
        self.question.open()

    def _run_macro(self, macro: Template, picked: Picked) -> None:
        desk, labels = self._window.desk, dict[TicketId, str]()
        macros = Macros(self._ports.queries, self._ports.commits, desk.me or UserId(b""))
        self._window.ticket.composer.save_now()  # what is typed there is a draft that the macro leaves alone

        def run(part: Sequence[TicketRow]) -> Done:
            labels.update({row.id: row.label for row in part})
            return macros.run(macro, part, desk.choices)

        desk.each(picked, run, lambda done: self._macro_ran(done, labels))

    def _macro_ran(self, done: Done, labels: Mapping[TicketId, str]) -> None:
        self._window.desk.finish(replace(done, refused=()))
        if done.refused:
            told = list(dict.fromkeys(f"{labels.get(i, '')}: {error_text(why)}" for i, why in done.refused))
            more = len(told) - _REFUSALS
            if more > 0:
                told[_REFUSALS:] = [_("and {n} more").format(n=fmt.number(more))]
            self._window.desk.failed.emit("\n".join(told))
        self._window.ticket.composer.read_again()

    def _open_templates(self, templates: Sequence[Template]) -> None:
        window = self.templates = TemplatesWindow(
            self._theme, self._window.desk.choices, self._window.identity, self._window
        )
        window.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        use = Templates(self._ports.commits)
        window.show_templates(templates)
        window.saved.connect(
            lambda old, draft: self._change_templates(
                (lambda: use.edit(old, draft)) if old is not None else (lambda: use.create(draft, len(templates)))
            )
        )
        window.deleted.connect(lambda old: self._change_templates(lambda: use.delete(old)))
        window.ordered.connect(lambda order: self._change_templates(lambda: use.order(order)))
        window.destroyed.connect(lambda: setattr(self, "templates", None))
        window.open()

    def _change_templates(self, work: Callable[[], Done]) -> None:
        self._ports.jobs.change(work, self._templates_changed, self._template_refused)

    def _templates_changed(self, done: Done) -> None:
        self._window.desk.do(lambda: done)
        if self.templates is not None:
            self.templates.was_saved()
            self._read_templates(lambda found: self.templates.show_templates(found) if self.templates else None)

    def _template_refused(self, why: Exception) -> None:
        if self.templates is not None:
            self.templates.refused(error_text(why))


def _option(template: Template, spoken: str) -> Option:
    icon = "play" if template.kind == "macro" else "reply"
    words = " ".join([*template.names.values(), *template.bodies.values()])
    return Option(template, template.name(spoken), icon, detail=template.folder, also=words)
