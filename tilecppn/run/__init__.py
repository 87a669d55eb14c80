"""Runs the tasks of a still or a film on workers, and handles failures.

`RunOptions` and `RetryPolicy` configure a run, listeners receive `events`, and a run returns a
`RunResult`.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tilecppn.run import events
    from tilecppn.run.options import RunOptions
    from tilecppn.run.retry_policy import RetryPolicy
    from tilecppn.run.task_queue import RunResult

__all__ = ["RetryPolicy", "RunOptions", "RunResult", "events"]

# Name → module; loaded on first use, since every command imports this package.
_FACE = {"RetryPolicy": "retry_policy", "RunOptions": "options", "RunResult": "task_queue"}


def __getattr__(name: str) -> Any:
    if name in _FACE:
        return getattr(import_module(f"tilecppn.run.{_FACE[name]}"), name)
    if name == "events":
        return import_module("tilecppn.run.events")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
