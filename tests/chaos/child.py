"""Renders in processes that are forked from one that has imported all: they start at once."""

import ctypes
import functools
import multiprocessing
import os
import random
import sys
from multiprocessing import forkserver
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any, NamedTuple

import obstore  # noqa: F401
import pytest

from tests import wrong_clock
from tests.run.slowed import Slowed
from tilecppn import filesystem
from tilecppn.cli import main
from tilecppn.cli import render as command  # noqa: F401
from tilecppn.kernels.llvm import kernel  # noqa: F401
from tilecppn.run import render
from tilecppn.run.render_job import RenderJob
from tilecppn.storage import bucket_storage, lease  # noqa: F401

LEASE = 3.0  # seconds: whoever follows a killed process need not wait for half a minute
NEW_NETWORK = 0x40000000  # Linux's CLONE_NEWNET


class Setting(NamedTuple):
    """What a render runs in.

    said: the file for what it prints. slow: seconds that each shard takes longer. host: the network
    namespace. error, share, seed, made: which share of the writes of files fails with what number,
    and a file that gets a byte for each.
    """

    environment: dict[str, str]
    said: str
    slow: float
    host: str = ""
    error: int = 0
    share: float = 0.0
    seed: int = 0
    made: str = ""


def begin(arguments: list[str], setting: Setting) -> BaseProcess:
    """Begin to run the command."""
    process: BaseProcess = _context().Process(target=_run, args=(arguments, setting), daemon=True)
    process.start()
    return process


@functools.cache
def _context() -> Any:
    """Processes whose clocks jump, see `wrong_clock`; this one's does not."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    with pytest.MonkeyPatch.context() as patch:
        for name, value in wrong_clock.environment().items():
            patch.setenv(name, value)
        forkserver.ensure_running()
    return context


def _run(arguments: list[str], setting: Setting) -> None:
    os.environ.pop("LD_PRELOAD", None)  # what it starts has this machine's clock
    os.environ.update(setting.environment)
    descriptor = os.open(setting.said, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(descriptor, 1)
    os.dup2(descriptor, 2)
    if setting.host:
        with open(f"/run/netns/{setting.host}") as namespace:
            failed = ctypes.CDLL(None, use_errno=True).setns(namespace.fileno(), NEW_NETWORK)
            assert not failed, os.strerror(ctypes.get_errno())
    chance, write = random.Random(setting.seed), filesystem.write_atomic

    def shaky(path: Path, *given: Any, **named: Any) -> None:
        if chance.random() < setting.share:
            with open(setting.made, "a") as file:
                file.write("x")
            raise OSError(setting.error, os.strerror(setting.error), str(path))
        write(path, *given, **named)

    def slowed(*given: Any, **named: Any) -> Slowed:
        return Slowed(RenderJob(*given, **named), setting.slow)

    filesystem.write_atomic = shaky
    vars(render)["RenderJob"] = slowed
    lease.LEASE, lease.POLL = LEASE, 0.1
    sys.argv = ["tilecppn", *arguments]
    main()
