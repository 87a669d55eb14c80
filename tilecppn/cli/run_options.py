"""The options that render and animate share: executor, workers, kernel, deadline and event log."""

import contextlib
from collections.abc import Callable, Iterator
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tilecppn.cli.common import FILE, kernel_option, with_options, workers_option
from tilecppn.cli.signals import stop_request

if TYPE_CHECKING:
    from tilecppn.run import events
    from tilecppn.run.options import RunOptions

Choices = dict[str, Any]  # option → value

_OPTIONS = {
    "executor": click.option(
        "--executor",
        type=click.Choice(["auto", "local", "ray"]),
        default="auto",
        show_default=True,
        help="Where to render: threads on this machine, or Ray actors.",
    ),
    "address": click.option("--address", help="Address of a Ray cluster [default: RAY_ADDRESS]."),
    "workers": workers_option,
    "gpus_per_worker": click.option(
        "--gpus-per-worker",
        type=click.FloatRange(0.0, 1.0, min_open=True),
        default=1.0,
        show_default=True,
        metavar="SHARE",
        help="Share of a GPU that each Ray worker reserves; 0.5 puts two on one.",
    ),
    "kernel": kernel_option,
    "deadline": click.option(
        "--deadline",
        type=click.FloatRange(0.1),
        metavar="SECONDS",
        help="Time limit for one task, after which another worker gets it [default: from the times "
        "of other tasks].",
    ),
    "log": click.option(
        "--log",
        type=FILE,
        metavar="FILE",
        help="Append events to FILE, one JSON object per line.",
    ),
}


def run_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of a run, passed to the command together as `choices`."""

    @wraps(function)
    def command(**given: Any) -> Any:
        choices = {name: given.pop(name) for name in _OPTIONS}
        return function(**given, choices=choices)

    return with_options(*reversed(_OPTIONS.values()))(command)


@contextlib.contextmanager
def opened_run(
    choices: Choices, *listeners: "events.Listener", overwrite: bool
) -> Iterator["RunOptions"]:
    """Give the options of a run, with its event log open for the block."""
    from tilecppn.run.event_log import EventLog
    from tilecppn.run.options import RunOptions
    from tilecppn.run.retry_policy import RetryPolicy

    given = dict(choices)
    log: Path | None = given.pop("log")
    policy = RetryPolicy(deadline=given.pop("deadline"))
    with contextlib.ExitStack() as stack:
        logs = [] if log is None else [stack.enter_context(EventLog(log))]
        yield RunOptions(
            **given,
            overwrite=overwrite,
            policy=policy,
            listeners=[*listeners, *logs],
            stopping=stop_request(),
        )
