"""Every error a user can meet, each with the exit code of the command line.

TilecppnError
├── Refused            2    nothing was done, because
│   ├── SceneError          the scene is wrong (file, key, value, what is allowed)
│   ├── WeightsError        the weights file is not one of ours, or damaged
│   ├── DataError           the images to learn from are missing or damaged
│   ├── CheckpointError     the checkpoint is damaged, or of another training
│   ├── PlanError           the work cannot fit on this machine
│   ├── StoreError          the store is missing, foreign, different or busy
│   └── ExportError         the export is not possible as asked
├── Failed             1    work began and could not be finished
│   ├── WorkersLost         no worker is left, or none could start
│   └── Diverged            a training's loss became NaN or grew without bound
└── Stopped          130    Ctrl-C or SIGTERM; what is finished stays
"""


class TilecppnError(Exception):
    """Base of all; its text is one line that says what to do."""

    exit_code = 1


class Refused(TilecppnError):
    exit_code = 2


class SceneError(Refused):
    pass


class WeightsError(Refused):
    pass


class DataError(Refused):
    pass


class CheckpointError(Refused):
    pass


class PlanError(Refused):
    pass


class StoreError(Refused):
    pass


class ExportError(Refused):
    pass


class Failed(TilecppnError):
    exit_code = 1


class WorkersLost(Failed):
    pass


class Diverged(Failed):
    pass


class Stopped(TilecppnError):
    exit_code = 130
