"""All errors of the package, with the exit codes of the command line.

Exception
└── TilecppnError
    ├── AddressError (TypeError)             2   a bucket's address where only a disk is supported
    ├── InvalidRequestError (ValueError)     2   nothing was done, because
    │   ├── SceneError                   the scene is wrong: file, key, value, what is allowed
    │   ├── WeightsError                 the weights file is damaged or not from tilecppn
    │   ├── DataError                    the training images are missing or damaged
    │   ├── CheckpointError              the checkpoint is damaged or of another training run
    │   ├── PlanError                    the work does not fit on this machine
    │   ├── StoreError                   the store is missing, foreign, different or locked
    │   └── ExportError                  the export is not possible as requested
    └── RenderError (RuntimeError)           1   work began and could not be finished
        ├── NoWorkersError               no worker is left, or none could start
        └── TrainingDivergedError        a training loss became NaN or grew without bound
KeyboardInterrupt
└── Interrupted                            130   Ctrl-C, SIGTERM or SIGHUP; finished work is kept

`Interrupted` is not an Exception, so `except Exception` does not swallow Ctrl-C.
"""

import contextlib
import re
from collections.abc import Iterator, Sequence

_OPTION = re.compile(
    # A command to run is left as it is.
    r"(?P<command>(?:tilecppn|ray|pip) [a-z]+[^,;]*(?:, or [a-z]+ --[a-z]+)?)"
    r"|--set (?P<override>)"
    r"|--(?P<choice>kernel|device|model|even) (?P<word>[a-z]+)"
    r"|(?<![\w-])--(?P<name>[a-z][a-z-]*)(?![\w.-]*/)(?: (?P<value>-?\d[\w.]*|nan|inf|[A-Z]+\b))?"
)
_FLAGS = {"overwrite", "partial", "repair", "lab", "live", "marks", "orbit"}
_ARGUMENTS = {"from": "start", "to": "stop", "no-scene": "show_scene=False"}
_on_command_line = False


class _Spelled(BaseException):
    """Base of errors whose text names options of the command line, as `--max-size 2048`.

    Except on the command line, they are shown as arguments of functions, `max_size=2048`.
    """

    def __str__(self) -> str:
        text = super().__str__()
        if _on_command_line:
            return text
        place, colon, said = text.partition(": ")  # a path may have any words
        if not colon or place.startswith(("--", "(")):
            place, colon, said = "", "", text
        return place + colon + _OPTION.sub(_as_argument, said)


class TilecppnError(_Spelled, Exception):
    """Base of all errors of this package; the text is one line with the cause and the remedy."""

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
    """Let errors in the block, a whole command, name options instead of arguments."""
    global _on_command_line
    before, _on_command_line = _on_command_line, True
    try:
        yield
    finally:
        _on_command_line = before


class AddressError(TilecppnError, TypeError):
    """An address like s3://bucket/key is invalid, or given where only a path on a disk can be.

    Not a ValueError, which the methods of `Path` take as a missing file.
    """

    exit_code = 2


class InvalidRequestError(TilecppnError, ValueError):
    """The request is wrong or impossible; nothing was done."""

    exit_code = 2


class SceneError(InvalidRequestError):
    """The scene is wrong: the text names file, key, value and what is allowed.

    Attributes for programs: `keys`, as "canvas.width", of the wrong values, several if they exclude
    each other; `value`, the value of the first; `allowed`, what it may be. They are empty or None
    if the error is of another kind.
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
        """The first of `keys`; None if there are none."""
        return self.keys[0] if self.keys else None

    def at(self, place: str) -> "SceneError":
        """Return this error with a place, a file or an option, in front of its text."""
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
    """Ctrl-C, SIGTERM or SIGHUP stopped the work; finished work is kept."""

    exit_code = 130
