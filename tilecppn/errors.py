"""Every error a user can meet, each with the exit code of the command line.

Exception
└── TilecppnError
    ├── AddressError (TypeError)             2   an address in a bucket where none can be
    ├── InvalidRequestError (ValueError)     2   nothing was done, because
    │   ├── SceneError                   the scene is wrong: file, key, value, what is allowed
    │   ├── WeightsError                 the weights file is damaged or not one of ours
    │   ├── DataError                    the training images are missing or damaged
    │   ├── CheckpointError              the checkpoint is damaged or of another training run
    │   ├── PlanError                    the work does not fit on this machine
    │   ├── StoreError                   the store is missing, foreign, different or locked
    │   └── ExportError                  the export is not possible as requested
    └── RenderError (RuntimeError)           1   work began and could not be finished
        ├── NoWorkersError               no worker is left, or none could start
        └── TrainingDivergedError        a training loss became NaN or grew without bound
KeyboardInterrupt
└── Interrupted                            130   Ctrl-C or SIGTERM; finished work is kept

`Interrupted` is not an Exception, so `except Exception` does not swallow Ctrl-C.
"""

import contextlib
import re
from collections.abc import Iterator, Sequence

_OPTION = re.compile(
    # A command to run stays as it is.
    r"(?P<command>(?:tilecppn|ray|pip) [a-z]+[^,;]*(?:, or [a-z]+ --[a-z]+)?)"
    r"|--set (?P<override>)"
    r"|--(?P<choice>kernel|device|model|even) (?P<word>[a-z]+)"
    r"|(?<![\w-])--(?P<name>[a-z][a-z-]*)(?: (?P<value>-?\d[\w.]*|nan|inf|[A-Z]+\b))?"
)
_FLAGS = {"overwrite", "partial", "repair", "lab", "orbit"}
_ARGUMENTS = {"from": "start", "to": "stop", "no-scene": "show_scene=False"}
_on_command_line = False


class _Spelled(BaseException):
    """Written with options, `--max-size 2048`; shown with arguments of functions, `max_size=2048`,
    but where the command line shows it.
    """

    def __str__(self) -> str:
        text = super().__str__()
        return text if _on_command_line else _OPTION.sub(_as_argument, text)


class TilecppnError(_Spelled, Exception):
    """Base of all errors of this package; the text is one line that says what to do."""

    exit_code = 1


def _as_argument(found: re.Match[str]) -> str:
    if found["command"] or found["override"] is not None:
        return found["command"] or ""
    if found["choice"]:
        return f'{found["choice"]}="{found["word"]}"'
    name = found["name"]
    argument = _ARGUMENTS.get(name, name.replace("-", "_"))
    value = "True" if name in _FLAGS else found["value"]
    return f"{argument}={value}" if value else argument


@contextlib.contextmanager
def naming_options() -> Iterator[None]:
    """In the block, which is the whole of a command, errors name options of the command line."""
    global _on_command_line
    before, _on_command_line = _on_command_line, True
    try:
        yield
    finally:
        _on_command_line = before


class AddressError(TilecppnError, TypeError):
    """An address, as s3://bucket/key, is not one, or stands where only a path on a disk can.

    No ValueError, which the methods of `Path` take for a file that is not there.
    """

    exit_code = 2


class InvalidRequestError(TilecppnError, ValueError):
    """Nothing was done, because what was asked for is wrong or impossible."""

    exit_code = 2


class SceneError(InvalidRequestError):
    """The scene is wrong: the text names file, key, value and what is allowed.

    For programs, which need not read the text: `keys`, as "canvas.width", of the values at fault,
    more than one where they exclude each other; `value`, what the first has; `allowed`, what it
    may be. They are empty or None where the fault is another.
    """

    def __init__(
        self,
        text: str,
        *,
        keys: Sequence[str] = (),
        value: object = None,
        allowed: str | None = None,
    ) -> None:
        super().__init__(text)
        self.keys = tuple(keys)
        self.value = value
        self.allowed = allowed

    @property
    def key(self) -> str | None:
        """The first of `keys`."""
        return self.keys[0] if self.keys else None

    def at(self, place: str) -> "SceneError":
        """This error with a place in front of its text: a file, or an option."""
        return SceneError(
            f"{place}: {self}", keys=self.keys, value=self.value, allowed=self.allowed
        )


class WeightsError(InvalidRequestError):
    """The weights file is damaged, or not a tilecppn weights file."""


class DataError(InvalidRequestError):
    """The training images are missing or damaged."""


class CheckpointError(InvalidRequestError):
    """The checkpoint is damaged, or belongs to another training run."""


class PlanError(InvalidRequestError):
    """The work does not fit into this machine's memory or disk."""


class StoreError(InvalidRequestError):
    """The store is missing, foreign, of another picture, or locked."""


class ExportError(InvalidRequestError):
    """The export is not possible as requested."""


class RenderError(TilecppnError, RuntimeError):
    """Work began and could not be finished; finished work is kept."""


class NoWorkersError(RenderError):
    """No worker is left, or none could start."""


class TrainingDivergedError(RenderError):
    """A training loss became NaN or grew without bound."""


class Interrupted(_Spelled, KeyboardInterrupt):
    """Ctrl-C or SIGTERM stopped the work; finished work is kept."""

    exit_code = 130


# Names of version 0.1, kept for programs that import them.
Refused = InvalidRequestError
Failed = RenderError
Stopped = Interrupted
