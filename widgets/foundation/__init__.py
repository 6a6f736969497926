# SPDX-License-Identifier: GPL-3.0-or-later
"""What every window is built from: tokens, theme, labels, buttons, lists, states. Import from here."""

from widgets.foundation import format as fmt
from widgets.foundation.buttons import Button, CopyButton, ElidedButton, IconButton, Look
from widgets.foundation.dialogs import Question
from widgets.foundation.focus import FocusRing
from widgets.foundation.icons import icon_pixmap, paint_icon
from widgets.foundation.labels import Chip, ElidedLabel, PlainLabel, Words, plain_tooltip, restyle
from widgets.foundation.layout import Card, Fold, Panel, Section, clear, column, fit, grow_with_words, line, row, scroll
from widgets.foundation.lists import Index, Ink, RowDelegate, RowList
from widgets.foundation.marks import Form, drawn_form, pointer_form, thinned
from widgets.foundation.roles import ASKS, WINDOW, install_roles
from widgets.foundation.states import BusyStrip, EmptyState, Notice, Toast, announce
from widgets.foundation.text import EnterFilter, PlainEdit, commit_composition, read_text
from widgets.foundation.theme import Theme, ThemeMode
from widgets.foundation.ticks import WrappedTick
from widgets.foundation.tokens import Scheme, Tokens, contrast, load_tokens

__all__ = [
    "ASKS",
    "WINDOW",
    "BusyStrip",
    "Button",
    "Card",
    "Chip",
    "CopyButton",
    "ElidedButton",
    "ElidedLabel",
    "EmptyState",
    "EnterFilter",
    "FocusRing",
    "Fold",
    "Form",
    "IconButton",
    "Index",
    "Ink",
    "Look",
    "Notice",
    "Panel",
    "PlainEdit",
    "PlainLabel",
    "Question",
    "RowDelegate",
    "RowList",
    "Scheme",
    "Section",
    "Theme",
    "ThemeMode",
    "Toast",
    "Tokens",
    "Words",
    "WrappedTick",
    "announce",
    "clear",
    "column",
    "commit_composition",
    "contrast",
    "drawn_form",
    "fit",
    "fmt",
    "grow_with_words",
    "icon_pixmap",
    "install_roles",
    "line",
    "load_tokens",
    "paint_icon",
    "plain_tooltip",
    "pointer_form",
    "read_text",
    "restyle",
    "row",
    "scroll",
    "thinned",
]
