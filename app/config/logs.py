# SPDX-License-Identifier: GPL-3.0-or-later
"""Logs: JSON lines without personal data, one file a program, 10 MB x 3."""

from __future__ import annotations

import logging
import logging.handlers
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Final


@contextmanager
def _as_if_missing(package: str) -> Iterator[None]:
    """Let what is imported in the block do without a package that it could use. Not for threads."""
    before = sys.modules.pop(package, None)
    sys.modules[package] = None  # type: ignore[assignment]  # Python's own way to say so
    try:
        yield
    finally:
        del sys.modules[package]
        if before is not None:
            sys.modules[package] = before


# structlog would load rich for coloured logs on a terminal, which we do not write: 40 ms of each start
with _as_if_missing("rich"):
    import structlog
    from structlog.typing import EventDict, Processor, WrappedLogger

MAX_BYTES: Final = 10_000_000
FILES: Final = 3

# texts under these names are words of the program itself; every other text may be a person's and is left out
OWN_WORDS: Final = frozenset(
    {
        "event", "level", "timestamp", "logger", "process", "code", "kind", "state", "status", "method", "route",
        "reason", "result", "phase", "step", "mutation", "entity", "scope", "version", "peer_version", "error",
        "signal", "codec", "source", "where", "service", "setting",
    }
)  # fmt: skip


def _without_personal_data(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Keep numbers, flags, ids as hex and our own words; of any other text only its length remains."""
    kept: EventDict = {}
    for name, value in event.items():
        if name in OWN_WORDS or isinstance(value, bool | int | float | type(None)):
            kept[name] = value
        elif isinstance(value, bytes) and len(value) == 16:
            kept[name] = value.hex()
        elif name == "exception" and isinstance(value, list):
            kept[name] = value
        else:
            kept[name] = f"<{type(value).__name__} {len(value)}>" if hasattr(value, "__len__") else "<left out>"
    return kept


def _exception_places(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Replace an exception by its types and places: its message may quote what people typed."""
    info = event.pop("exc_info", None)
    if info is True:
        info = sys.exc_info()
    error = info[1] if isinstance(info, tuple) else info
    if isinstance(error, BaseException):
        event["error"] = type(error).__name__
        event["exception"] = [
            f"{frame.filename}:{frame.lineno} {frame.name}" for frame in traceback.extract_tb(error.__traceback__)
        ]
    return event


def _foreign(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Of a library's record keep the constant part of its text, not what was filled in."""
    if not event.pop("positional_args", None):
        event["event"] = "library message"
    return event


def _shared(process: str) -> list[Processor]:
    def name_process(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        event["process"] = process
        return event

    return [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        name_process,
    ]


class Logs:
    """The open log of this process. `close` is idempotent."""

    def __init__(self, handlers: list[logging.Handler]) -> None:
        self._handlers = handlers
        for handler in handlers:
            logging.getLogger().addHandler(handler)

    def close(self) -> None:
        """Stop writing and close the file."""
        for handler in self._handlers:
            logging.getLogger().removeHandler(handler)
            handler.close()
        self._handlers = []

    def __enter__(self) -> Logs:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def configure(folder: Path, process: str, *, to_stderr: bool = False, level: int = logging.INFO) -> Logs:
    """Start this process's log, `folder/<process>.log`. Raises OSError when the folder cannot be written."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    shared = _shared(process)
    structlog.configure(
        processors=[structlog.stdlib.filter_by_level, *shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[_foreign, *shared],
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            _exception_places,
            _without_personal_data,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        use_get_message=False,
        pass_foreign_args=True,
    )
    rotating = logging.handlers.RotatingFileHandler(
        folder / f"{process}.log", maxBytes=MAX_BYTES, backupCount=FILES - 1, encoding="utf-8"
    )
    handlers: list[logging.Handler] = [rotating]
    if to_stderr:
        handlers.append(logging.StreamHandler())
    for handler in handlers:
        handler.setFormatter(formatter)
    logging.getLogger().setLevel(level)
    logging.getLogger("alembic").setLevel(max(level, logging.WARNING))  # two lines a start that say nothing
    return Logs(handlers)


def get_logger(name: str) -> structlog.stdlib.BoundLogger:
    """A logger. Events are short constant words; values go by keyword: `log.info("push answered", mutations=3)`."""
    return structlog.stdlib.get_logger(name)
