"""Writes a run's events as JSON lines to a file, for other programs to follow."""

import json
from collections.abc import Callable
from dataclasses import fields
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import IO, Any, Self

from tilecppn.errors import InvalidRequestError
from tilecppn.run.events import LOGGER, Event, RunStarted

UTC_NOW = partial(datetime.now, UTC)


class EventLog:
    """A listener that appends a line for each event to `path`; a context manager.

    A line is one object: `time` (UTC), `event` (its class) and its fields; a task is given by its
    name, and a TaskDone has seconds, pixels and bytes. An error of the disk ends the log, not the
    run.

    Raises InvalidRequestError if the file cannot be opened.
    """

    def __init__(self, path: Path, clock: Callable[[], datetime] = UTC_NOW) -> None:
        self.path = path
        self._clock = clock
        try:
            self._file: IO[str] | None = path.open("a", encoding="utf-8", buffering=1)
        except OSError as error:
            raise InvalidRequestError(
                f"--log {path}: cannot be written: {error.strerror or error}"
            ) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._close()

    def __call__(self, event: Event) -> None:
        if self._file is None:
            return
        try:
            line = {"time": self._clock().isoformat(), **record(event)}
            self._file.write(f"{json.dumps(line)}\n")
        except OSError as error:
            LOGGER.warning("%s: no further events are logged: %s", self.path, error)
            self._close()

    def _close(self) -> None:
        file, self._file = self._file, None
        if file is not None:
            try:
                file.close()
            except OSError as error:
                LOGGER.warning("%s: %s", self.path, error)


def record(event: Event) -> dict[str, Any]:
    """Return an event as a JSON object."""
    found: dict[str, Any] = {"event": type(event).__name__}
    if isinstance(event, RunStarted):
        return found | {
            "executor": event.executor,
            "workers": event.workers,
            "threads": event.threads,
            "tasks": event.plan.tasks,
            "pixels": event.plan.pixels,
            "arithmetic": event.arithmetic._asdict(),
        }
    for field in fields(event):
        value = getattr(event, field.name)
        if field.name == "task":
            found |= {"task": value.name, "kind": value.kind}
        elif field.name == "stats":
            found |= {**value._asdict(), "stages": dict(value.stages)}
        else:
            found[field.name] = value
    return found
