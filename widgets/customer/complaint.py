# SPDX-License-Identifier: GPL-3.0-or-later
"""The complaint guide in the details: seven steps that suggest, and one that is needed before the ticket is solved."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from PySide6.QtCore import QDateTime, QObject, Qt, Signal
from PySide6.QtWidgets import QButtonGroup, QCheckBox, QComboBox, QDateTimeEdit, QRadioButton, QSizePolicy, QWidget

from app.config.i18n import _
from app.domain.complaints import CAUSES, Ask, Closing, Step, missing_for_solved, names_situation
from app.domain.complaints import COMPLAINT as KIND
from app.domain.ids import UserId
from app.domain.ports import Choices
from app.services.complaints import (
    ASKS,
    CAUSE_NAMES,
    PHRASES,
    STEP_NAMES,
    Guide,
    check_words,
    question_words,
    spoken,
)
from widgets.customer.survey import answer_row, newest
from widgets.foundation import Button, Chip, Look, PlainLabel, Theme, Words, clear, column
from widgets.foundation.flow import Flow

__all__ = ["ComplaintGuide", "EmpathyBox", "FollowUpBox", "GreetBox", "ListenBox", "QuestionsBox", "StepBox"]

Block = tuple[str, str, list[Callable[[], QWidget]]]
_WEEK_MS = 7 * 86_400_000
_SAID_CHARS = 600


class ComplaintGuide(QObject):
    """Makes the block and keeps it true without making it anew, so that the keyboard stays where it is."""

    insert_asked = Signal(str, object)  # text for the reply, Step
    stepped = Signal(object, bool)  # Step, whether it is done
    marked = Signal(str, str)  # fact or feeling, words
    promise_asked = Signal()
    call_asked = Signal()  # what one may always grant: a call
    answers_asked = Signal()  # those to the two questions are to be written down
    closed = Signal(object)  # Closing

    def __init__(self, theme: Theme, parent: QObject) -> None:
        super().__init__(parent)
        self._theme = theme
        self.guide: Guide | None = None
        self.boxes: dict[Step, StepBox] = {}
        self.draft = ""
        self.unsaved: Closing | None = None  # chosen in step 7 and not saved yet
        self._choices, self._now_ms = Choices(), 0
        self._me: UserId | None = None

    def know(self, guide: Guide | None, choices: Choices, me: UserId | None, now_ms: int) -> bool:
        """Know the complaint; tell whether the block has to be made anew."""
        before, self.guide = self.guide, guide
        self._choices, self._me, self._now_ms = choices, me, now_ms
        fresh = (before.ticket if before else None) != (guide.ticket if guide else None)
        if fresh:
            self.boxes = {}
            self.draft = ""
            self.unsaved = None
        elif guide is not None:
            for box in self.boxes.values():
                box.show_guide(guide)
        return fresh

    def blocks(self) -> list[Block]:
        """Return the block of a complaint; none for other tickets."""
        guide = self.guide
        if guide is None:
            return []
        return [("complaint", _("Complaint guide"), [partial(self._make, step, guide) for step in Step])]

    def show_draft(self, text: str) -> None:
        """Know what is being written: step 4 looks at its first paragraph."""
        self.draft = text
        box = self.boxes.get(Step.EMPATHY)
        if box is not None and self.guide is not None:
            box.show_guide(self.guide)

    def focus(self) -> bool:
        """Put the keyboard on the first step that is open; tell whether there is one."""
        for step, box in self.boxes.items():
            if self.guide is not None and step not in self.guide.done:
                box.focus()
                return True
        return False

    def _make(self, step: Step, guide: Guide) -> QWidget:
        parts: Mapping[Step, type[StepBox]] = {
            Step.GREET: GreetBox, Step.LISTEN: ListenBox, Step.ASK: QuestionsBox, Step.EMPATHY: EmpathyBox,
            Step.ACT: ActBox, Step.CHECK: CheckBox, Step.FOLLOW_UP: FollowUpBox,
        }  # fmt: skip
        box = parts[step](self._theme, self, step)
        self.boxes[step] = box
        box.show_guide(guide)
        return box

    @property
    def choices(self) -> Choices:
        """Who can follow up."""
        return self._choices

    @property
    def me(self) -> UserId | None:
        """Who works here."""
        return self._me

    @property
    def now_ms(self) -> int:
        """When the block was made."""
        return self._now_ms


class StepBox(QWidget):
    """One step: a tick with its name, and what it offers."""

    def __init__(self, theme: Theme, guide: ComplaintGuide, step: Step) -> None:
        super().__init__()
        self.theme, self.owner, self.step = theme, guide, step
        space = theme.tokens.space
        n = list(Step).index(step) + 1
        self.tick = QCheckBox(f"{n}  {_(STEP_NAMES[step])}")
        self.tick.clicked.connect(lambda on: guide.stepped.emit(step, on))
        self.body = column(gap=space.tiny, margins=(space.large, 0, 0, space.small))
        self.setLayout(column(self.tick, self.body, gap=space.tiny))
        self.build()

    def build(self) -> None:
        """Make what the step offers."""

    def show_guide(self, guide: Guide) -> None:
        """Show how the step stands."""
        self.tick.setChecked(self.step in guide.done)

    def focus(self) -> None:
        """Take the keyboard."""
        self.tick.setFocus()

    def button(self, text: str, pressed: Callable[[], object], icon: str = "") -> Button:
        """Return a button no wider than its words."""
        made = Button(self.theme, text, icon=icon, pressed=pressed)
        made.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
        return made

    def phrase(self, text: str, shown: str) -> Button:
        """Return a link that puts a text into the reply."""
        made = Button(self.theme, "", look=Look.LINK, pressed=lambda: self.owner.insert_asked.emit(text, self.step))
        made.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        room = self.theme.tokens.space.vast * 4 + self.theme.tokens.space.wide
        made.setText(made.fontMetrics().elidedText(shown, Qt.TextElideMode.ElideRight, room))
        made.setToolTip(text)
        made.setAccessibleName(_("Put into the reply: {text}").format(text=shown))
        return made


class GreetBox(StepBox):
    """Name and honorific, and what was written before."""

    def build(self) -> None:
        """Make what the step offers."""
        self.line = Words()
        self.earlier = Words(tone="muted")
        self.put = self.button(_("Put into the reply"), self._insert)
        for widget in (self.line, self.earlier, self.put):
            self.body.addWidget(widget)

    def show_guide(self, guide: Guide) -> None:
        """Show how the step stands."""
        super().show_guide(guide)
        self.line.setText(guide.greeting)
        count = _("Earlier tickets: {n}, the last {ticket}").format(n=guide.earlier, ticket=guide.earlier_label)
        self.earlier.setText(count if guide.earlier else _("No earlier tickets"))

    def _insert(self) -> None:
        if self.owner.guide is not None:
            self.owner.insert_asked.emit(f"{self.owner.guide.greeting}\n\n", self.step)


class ListenBox(StepBox):
    """The customer's words, to be marked."""

    def build(self) -> None:
        """Make what the step offers."""
        self.said = PlainLabel(wrap=True, selectable=True)
        self.marks = PlainLabel(type="caption", tone="muted", wrap=True)
        self.fact = self.button(_("Mark as fact"), lambda: self._mark("fact"))
        self.feeling = self.button(_("Mark as feeling"), lambda: self._mark("feeling"))
        buttons = Flow(self.theme.tokens.space.tiny)
        buttons.addWidget(self.fact)
        buttons.addWidget(self.feeling)
        self.body.addWidget(self.said)
        self.body.addWidget(self.marks)
        self.body.addLayout(buttons)
        hint = _("Select words first; without a selection all of them count.")
        for each in (self.fact, self.feeling):
            each.setToolTip(hint)

    def show_guide(self, guide: Guide) -> None:
        """Show how the step stands."""
        super().show_guide(guide)
        if self.said.text() != guide.said[:_SAID_CHARS]:
            self.said.setText(guide.said[:_SAID_CHARS])
        names = {"fact": _("Fact"), "feeling": _("Feeling")}
        self.marks.setText("\n".join(f"{names.get(mark, mark)}: “{text}”" for mark, text in guide.marks))
        self.marks.setVisible(bool(guide.marks))

    def _mark(self, mark: str) -> None:
        words = self.said.selectedText() or self.said.text()
        if words.strip():
            self.owner.marked.emit(mark, words)


class QuestionsBox(StepBox):
    """Questions whose answers are not known."""

    def build(self) -> None:
        """Make what the step offers."""
        self.chips = column(gap=self.theme.tokens.space.tiny)
        self.body.addLayout(self.chips)
        self._topics: tuple[str, ...] | None = None

    def show_guide(self, guide: Guide) -> None:
        """Show how the step stands."""
        super().show_guide(guide)
        topics = tuple(question.topic for question in guide.questions)
        if topics == self._topics:
            return
        self._topics = topics
        clear(self.chips)
        for ask in Ask:
            found = [question for question in guide.questions if question.ask is ask]
            if found:
                self.chips.addWidget(PlainLabel(_(ASKS[ask]), type="caption", tone="muted"))
            for question in found:
                self.chips.addWidget(self.phrase(question_words(question, guide.language), question_words(question)))
        if not topics:
            self.chips.addWidget(Words(_("Everything worth asking is known."), tone="muted"))


class EmpathyBox(StepBox):
    """A look at the first paragraph, and phrases."""

    def build(self) -> None:
        """Make what the step offers."""
        self.state = Chip()
        self.body.addWidget(self.state)
        self.phrases = column(gap=self.theme.tokens.space.tiny)
        self.body.addLayout(self.phrases)
        guide = self.owner.guide
        for text in PHRASES if guide is not None else ():
            self.phrases.addWidget(self.phrase(spoken(text, guide.language if guide else "ko"), _(text)))

    def show_guide(self, guide: Guide) -> None:
        """Show how the step stands."""
        super().show_guide(guide)
        draft = self.owner.draft
        named = names_situation(draft, guide.all_said)
        good = _("The first paragraph names the situation")
        self.state.setText(good if named else _("The first paragraph does not name the situation yet"))
        self.state.set_kind("success" if named else "neutral")
        self.state.setVisible(bool(draft.strip()))


class ActBox(StepBox):
    """A promised time."""

    def build(self) -> None:
        """Make what the step offers."""
        self.body.addWidget(Words(_("Say what happened, what you do now, and by when."), tone="muted"))
        self.body.addWidget(self.button(_("Promise a time…"), self.owner.promise_asked.emit, "calendar"))
        self.body.addWidget(self.button(_("Offer a call…"), self.owner.call_asked.emit, "phone"))


class CheckBox(StepBox):
    """The two questions."""

    def build(self) -> None:
        """Make what the step offers."""
        guide = self.owner.guide
        self.words = Words(check_words(guide.language if guide else "ko"), tone="muted")
        self.body.addWidget(self.words)
        self.body.addWidget(self.button(_("Put into the reply"), self._insert))
        self.body.addWidget(self.button(_("Write down the answers…"), self.owner.answers_asked.emit))
        self.answers = column(gap=self.theme.tokens.space.tiny)
        self.body.addLayout(self.answers)
        self._shown: object = None

    def show_guide(self, guide: Guide) -> None:
        """Show how the step stands, and what was answered."""
        super().show_guide(guide)
        if guide.answers != self._shown:
            self._shown = guide.answers
            clear(self.answers)
            for each in newest(guide.answers):
                self.answers.addWidget(answer_row(self.theme, each))

    def _insert(self) -> None:
        if self.owner.guide is not None:
            self.owner.insert_asked.emit(f"\n{check_words(self.owner.guide.language)}\n", self.step)


class FollowUpBox(StepBox):
    """The class of the cause and the follow-up: the one step that is needed."""

    def build(self) -> None:
        """Make what the step offers."""
        self.tick.setEnabled(False)  # done when nothing is missing, and not by a click
        self._shown: Closing | None = None
        self.missing = Chip(kind="warning")
        self.cause = QComboBox()
        self.cause.setAccessibleName(_("Class of the cause"))
        self.cause.addItem(_("Choose the cause…"), "")
        for cause in CAUSES:
            self.cause.addItem(_(CAUSE_NAMES[cause]), cause)
        self.nobody = QRadioButton(_("No follow-up"))
        self.planned = QRadioButton(_("Follow up on"))
        self._how = QButtonGroup(self)
        for button in (self.nobody, self.planned):
            self._how.addButton(button)
        self.at = QDateTimeEdit(QDateTime.fromMSecsSinceEpoch(self.owner.now_ms + _WEEK_MS))
        self.at.setDisplayFormat("yyyy-MM-dd HH:mm")
        self.at.setCalendarPopup(True)
        self.at.setAccessibleName(_("Day and time of the follow-up"))
        self.who = QComboBox()
        self.who.setAccessibleName(_("Who follows up"))
        users = sorted(self.owner.choices.users.items(), key=lambda pair: (pair[0] != self.owner.me, pair[1]))
        for user, name in users:
            self.who.addItem(name, user)
        for box in (self.cause, self.who):
            box.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.save = self.button(_("Save the decision"), self._save)
        for widget in (self.missing, self.cause, self.nobody, self.planned, self.at, self.who, self.save):
            self.body.addWidget(widget)
        self.planned.toggled.connect(self._follow)
        self._follow(False)
        for changed in (self.cause.activated, self.who.activated, self.nobody.clicked, self.planned.clicked):
            changed.connect(lambda _what: self._keep())
        self.at.editingFinished.connect(self._keep)

    def focus(self) -> None:
        """Take the keyboard."""
        self.cause.setFocus()

    def _follow(self, on: bool) -> None:
        self.at.setVisible(on)
        self.who.setVisible(on)

    def show_guide(self, guide: Guide) -> None:
        """Show how the step stands."""
        super().show_guide(guide)
        code = missing_for_solved(KIND, guide.closing)
        words = {
            "root_cause_needed": _("Needed before it is solved: the cause"),
            "follow_up_needed": _("Needed before it is solved: follow up or not"),
        }
        self.missing.setText(words.get(code, ""))
        self.missing.setVisible(bool(code))
        if guide.closing == self._shown:
            return
        self._shown, show = guide.closing, self.owner.unsaved or guide.closing
        self.cause.setCurrentIndex(max(0, self.cause.findData(show.cause)))
        self.nobody.setChecked(show.follow_up == "none")
        self.planned.setChecked(show.follow_up == "planned")
        if show.at is not None and show.at != self.at.dateTime().toMSecsSinceEpoch():
            self.at.setDateTime(QDateTime.fromMSecsSinceEpoch(show.at))
        if show.owner is not None:
            self.who.setCurrentIndex(max(0, self.who.findData(show.owner)))

    def _keep(self) -> None:
        self.owner.unsaved = self._chosen()

    def _save(self) -> None:
        self.owner.unsaved = None
        self.owner.closed.emit(self._chosen())

    def _chosen(self) -> Closing:
        follow_up = "planned" if self.planned.isChecked() else "none" if self.nobody.isChecked() else ""
        owner = self.who.currentData()
        at = self.at.dateTime().toMSecsSinceEpoch()
        return Closing(self.cause.currentData(), follow_up, at, owner)
