# SPDX-License-Identifier: GPL-3.0-or-later
"""A control and the edit that removes it: a few words of a function's source, changed in memory and compiled anew.

Words of a page for browsers are changed in the copy that its tests serve.

Nothing on the disk changes. An edit whose words are not exactly once in the function fails: the control has moved, and
a person looks again at what holds the attack back now.
"""

from __future__ import annotations
import __future__

import importlib
import inspect
import re
import sys
import textwrap
import types
from dataclasses import dataclass
from typing import Any

from tests.fakes import edited_files

__all__ = ["Control", "Edit", "StaleEdit", "apply", "edit"]

_SOURCE = "_source_when_loaded"
_PAGES = "resources/"
_PRODUCT = ("app.", "widgets.", "remote_assist.", "sync.", "tests.")


class StaleEdit(Exception):
    """The words of an edit are not in the product any more."""


@dataclass(frozen=True, slots=True)
class Edit:
    """In `target` the words `old` become `new`.

    A target is "module:function", "module:Class.method", or a file of a page, named from the repository's root.
    """

    target: str
    old: str
    new: str

    def __str__(self) -> str:
        return f"{self.target}: {' '.join(self.old.split())!r} becomes {' '.join(self.new.split())!r}"


@dataclass(frozen=True, slots=True)
class Control:
    """One thing that holds back the attack of `row`.

    Without it each of `tests` must fail, with words in which `says` (a regular expression) is found. `in_child`: works
    in a session child, a process of its own.
    """

    row: int
    what: str
    tests: tuple[str, ...]
    edits: tuple[Edit, ...]
    says: str
    in_child: bool = False
    spoils: str = ""  # the name of a recorded source of a library

    @property
    def id(self) -> str:
        """A short name for the command line."""
        return f"{self.row}-" + re.sub(r"[^a-z0-9]+", "-", self.what.lower()).strip("-")[:48]


def edit(target: str, old: str, new: str) -> tuple[Edit, ...]:
    """One edit."""
    return (Edit(target, old, new),)


def check(one: Edit) -> None:
    """Raise StaleEdit unless the edit could be applied."""
    if one.target.startswith(_PAGES):
        count = (edited_files.ROOT / one.target).read_text("utf-8").count(one.old)
        if count != 1:
            raise StaleEdit(f"{one.target} has {one.old!r} {count} times")
        return
    _, _, found = _find(one.target)
    _source(found, one)


def apply(one: Edit) -> None:
    """Change the function in this process, wherever it was imported to; a page in the copies made from now on."""
    if one.target.startswith(_PAGES):
        check(one)
        edited_files.remove(one.target, one.old, one.new)
        return
    owner, name, found = _find(one.target)
    function = _function(found)
    made = _compiled(function, _source(found, one))
    if isinstance(owner, type):
        setattr(owner, name, made)
        return
    for module in list(sys.modules.values()):
        if module is None or not module.__name__.startswith(_PRODUCT):
            continue
        for key, value in list(vars(module).items()):
            if value is found:
                setattr(module, key, made)


def _find(target: str) -> tuple[Any, str, Any]:
    module_name, _, path = target.partition(":")
    *outer, name = path.split(".")
    owner: Any = importlib.import_module(module_name)
    try:
        for part in outer:
            owner = getattr(owner, part)
        return owner, name, vars(owner)[name]
    except (AttributeError, KeyError) as error:
        raise StaleEdit(f"there is no {target}") from error


def _function(found: Any) -> types.FunctionType:
    inner: Any = found.fget if isinstance(found, property) else getattr(found, "__func__", found)
    inner = inspect.unwrap(inner)
    if not isinstance(inner, types.FunctionType):
        raise StaleEdit(f"{found!r} is no function")
    return inner


def _source(found: Any, one: Edit) -> str:
    function = _function(found)
    source: str = getattr(function, _SOURCE, "") or textwrap.dedent(inspect.getsource(function))
    setattr(function, _SOURCE, source)  # the file may change while this process runs
    if source.count(one.old) != 1:
        raise StaleEdit(f"{one.target} has {one.old!r} {source.count(one.old)} times")
    return source.replace(one.old, one.new)


def _compiled(function: types.FunctionType, source: str) -> Any:
    """Return what the source defines, with the function's own globals and, for `super()`, its own class."""
    cells = dict(zip(function.__code__.co_freevars, function.__closure__ or (), strict=True))
    if set(cells) - {"__class__"}:
        raise StaleEdit(f"{function.__qualname__} is a closure")
    indented = textwrap.indent(source, "    ")
    module = f"def _make(__class__):\n{indented}\n    return {function.__name__}\n"
    flags = __future__.annotations.compiler_flag
    scope: dict[str, Any] = {}
    exec(compile(module, function.__code__.co_filename, "exec", flags, dont_inherit=True), function.__globals__, scope)  # noqa: S102  # source of our own
    made = scope["_make"](cells["__class__"].cell_contents if "__class__" in cells else None)
    setattr(_function(made), _SOURCE, source)  # a second edit of the same function begins here
    return made
