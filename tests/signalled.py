"""A process that gets its signal at a place in its work, not at a time."""

import sys

from tilecppn.run.events import Event, Listener

_PROGRAM = """
import itertools, os, sys
from importlib import import_module
from tilecppn.cli import main
where, last, number = sys.argv[1:4]
del sys.argv[1:4]
module, owner, name = where.rsplit(".", 2)
kind = getattr(import_module(module), owner)
function, calls = getattr(kind, name), itertools.count(1)
def counting(*arguments):
    if next(calls) == int(last):
        os.kill(os.getpid(), int(number))
    return function(*arguments)
setattr(kind, name, counting)
main()
"""


def signalled(where: str, call: int, number: int, *arguments: object) -> list[str]:
    """The command `tilecppn ARGUMENTS …`, which gets the signal `number` as the given call begins.

    where: a method, as in "tilecppn.storage.store.Store.write"; call: from 1 up.
    """
    words = (where, call, int(number), *arguments)
    return [sys.executable, "-c", _PROGRAM, *map(str, words)]


def interrupting(kind: type[Event]) -> Listener:
    """A listener that stops its run, as Ctrl-C does, at the first event of a kind."""

    def listen(event: Event) -> None:
        if isinstance(event, kind):
            raise KeyboardInterrupt

    return listen
