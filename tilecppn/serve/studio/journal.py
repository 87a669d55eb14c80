"""The studio's history: every scene that was looked at, in an append-only file.

`.tilecppn/history.jsonl`, in the folder in which the studio was started, has a line for each step
with its scene and its parent step. So nothing is lost, the steps form a tree, several pages may
write at the same time, and a line cut short by a crash affects no other.
"""

import contextlib
import json
import os
import re
import secrets
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

from tilecppn import filesystem
from tilecppn.serve.studio.scenes import Text

PLACE: Final = ".tilecppn"
HISTORY: Final = "history.jsonl"
SESSION: Final = "session.json"
MOST_BYTES: Final = 64 << 20  # of the end of the file that is read
MOST_STEPS: Final = 20_000
_DIGEST: Final = re.compile("[0-9a-f]{64}")


class Step(NamedTuple):
    """A step: its name, its parent's ("" for none), a label for the change, and the scene."""

    name: str
    parent: str
    label: str
    time: float  # seconds since 1970
    scene: Text


class Journal:
    """The steps in the order in which they were made. For all threads.

    folder: the folder of the history; None, or one that is not writable, keeps it only in memory.
    """

    def __init__(self, folder: Path | None) -> None:
        self._lock = threading.Lock()
        # The folder of the history, None for none.
        self.place = None if folder is None else _own_folder(folder / PLACE)
        self.steps: dict[str, Step] = {}
        self.at = ""  # the step shown last
        self.pinned: set[str] = set()
        for line in self._lines():
            self._take(line)

    @property
    def is_kept(self) -> bool:
        """Whether the history outlives this process."""
        return self.place is not None

    def add(self, parent: str, label: str, scene: Text, network: bytes | None) -> Step:
        """Add a step, and a weights file if its scene has one; the step is shown from now on."""
        step = Step(secrets.token_hex(6), parent, label[:200], time.time(), scene)
        if scene.network is not None and network is not None and self.place is not None:
            path = self.place / f"{scene.network}.safetensors"
            if not path.exists():
                filesystem.write_atomic(path, network)
        record: dict[str, Any] = step._asdict()
        self._append({**record, "scene": scene._asdict()})
        return step

    def show(self, name: str) -> bool:
        """Record that a step is shown; return whether it exists."""
        return name in self.steps and self._append({"at": name})

    def pin(self, name: str, pinned: bool) -> bool:
        """Pin or unpin a step; return whether it exists."""
        return name in self.steps and self._append({"pin": name, "on": pinned})

    def network(self, digest: str) -> bytes | None:
        """Return the bytes of a kept weights file, by the digest of its network."""
        if self.place is None or _DIGEST.fullmatch(digest) is None:
            return None
        with contextlib.suppress(OSError):
            return (self.place / f"{digest}.safetensors").read_bytes()
        return None

    def session(self) -> tuple[str, int]:
        """Return token and port of the last session, or a new token and 0, for any free port.

        A page that is still open thus continues to work after the studio is restarted.
        """
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError, AttributeError):
            if self.place is not None:
                kept = json.loads((self.place / SESSION).read_bytes()[:1000])
                token, port = kept["token"], kept["port"]
                if re.fullmatch("[A-Za-z0-9_-]{32}", token) and type(port) is int:
                    return token, port if 0 <= port <= 65535 else 0
        return secrets.token_urlsafe(24), 0

    def keep_session(self, token: str, port: int) -> None:
        """Save token and port for the next session, readable only by the user."""
        if self.place is None:
            return
        with contextlib.suppress(OSError):
            path = self.place / SESSION
            path.unlink(missing_ok=True)
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "w") as file:
                json.dump({"token": token, "port": port}, file)

    def _append(self, record: dict[str, Any]) -> bool:
        line = json.dumps(record).encode() + b"\n"
        with self._lock:
            self._take(record)
            if self.place is not None:
                path = self.place / HISTORY
                # On a full disk the session continues in memory.
                with contextlib.suppress(OSError), path.open("ab") as file:
                    file.write(line)
        return True

    def _take(self, record: Any) -> None:
        """Apply a line; one that is damaged is skipped."""
        with contextlib.suppress(KeyError, TypeError, ValueError):
            if "at" in record:
                self.at = record["at"] if record["at"] in self.steps else self.at
            elif "pin" in record:
                (self.pinned.add if record["on"] else self.pinned.discard)(str(record["pin"]))
            else:
                network = record["scene"]["network"]
                text = Text(str(record["scene"]["toml"]), network and str(network))
                name = str(record["name"])
                self.steps[name] = Step(
                    name, str(record["parent"]), str(record["label"]), float(record["time"]), text
                )
                self.at = name
                while len(self.steps) > MOST_STEPS:
                    del self.steps[next(iter(self.steps))]

    def _lines(self) -> Iterator[Any]:
        if self.place is None:
            return
        with contextlib.suppress(OSError), (self.place / HISTORY).open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - MOST_BYTES))
            for line in file.read(MOST_BYTES).split(b"\n"):
                with contextlib.suppress(ValueError, RecursionError):
                    yield json.loads(line)


def _own_folder(path: Path) -> Path | None:
    """Return the folder, created if necessary; None if it is not writable, or a symbolic link."""
    try:
        path.mkdir(exist_ok=True)
        if path.is_symlink() or (path / HISTORY).is_symlink():
            return None
        if not (path / ".gitignore").exists():
            (path / ".gitignore").write_text("*\n")
        with (path / HISTORY).open("ab") as file:
            if file.tell() and not _ends_a_line(path / HISTORY):
                file.write(b"\n")
    except OSError:
        return None
    return path


def _ends_a_line(path: Path) -> bool:
    with path.open("rb") as file:
        file.seek(-1, os.SEEK_END)
        return file.read(1) == b"\n"
