"""`render --view`: shows a store while it is rendered, by a separate process."""

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from threading import Thread
from typing import Self

from tilecppn.cancellation import ShouldStop
from tilecppn.run.events import Event
from tilecppn.storage.metadata import attributes

PATIENCE = 10.0  # seconds to wait for the viewer's end


class LiveView:
    """A listener that starts `tilecppn view` as soon as the store exists; a context manager.

    The viewer ends with the block. note: called with a line that has the page's address.
    """

    def __init__(self, store: Path, note: Callable[[str], None]) -> None:
        self.store, self.note = store, note
        self.process: subprocess.Popen[str] | None = None

    def __call__(self, event: Event) -> None:
        """Start the viewer, unless it runs or the store does not exist yet."""
        self.start()

    def start(self) -> None:
        """Start the viewer if it does not run and the store exists."""
        if self.process is None and attributes(self.store) is not None:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "tilecppn", "view", str(self.store)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
            )
            Thread(target=self._read, args=[self.process], daemon=True).start()

    def _read(self, process: "subprocess.Popen[str]") -> None:
        assert process.stdout is not None
        for line in process.stdout:
            self.note(f"{self.store} is shown at {line.strip()}")

    def wait(self, stopping: ShouldStop) -> None:
        """Wait until Ctrl-C, or the end of the viewer."""
        self.start()
        self.note("the page stays up until Ctrl-C")
        while self.process is not None and self.process.poll() is None and not stopping():
            time.sleep(0.1)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        if self.process is not None:
            self.process.terminate()
            try:
                self.process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                self.process.kill()
