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

from collections.abc import Sequence


class TilecppnError(Exception):
    """Base of all errors of this package; the text is one line that says what to do."""

    exit_code = 1


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


class Interrupted(KeyboardInterrupt):
    """Ctrl-C or SIGTERM stopped the work; finished work is kept."""

    exit_code = 130


# Names of version 0.1, kept for programs that import them.
Refused = InvalidRequestError
Failed = RenderError
Stopped = Interrupted
