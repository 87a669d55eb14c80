"""The estimate of a render, from `tilecppn plan`."""

import subprocess
import sys
import tempfile
from pathlib import Path

from tilecppn.errors import InvalidRequestError
from tilecppn.serve.studio.orders import Order

SECONDS = 60.0  # time limit


def planned(order: Order, root: Path) -> str:
    """Return the lines of `tilecppn plan` for an order; a film's are without encoding.

    Raises InvalidRequestError with its message if the render does not fit.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "scene.toml")
        order.scene.save(path)
        if order.timeline is not None:
            path.write_text(order.timeline.to_toml(), encoding="utf-8")
        command = [sys.executable, "-m", "tilecppn", "plan", str(path), "-o", str(root)]
        try:
            done = subprocess.run(
                command,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise InvalidRequestError("there is no estimate in a minute") from None
    if done.returncode != 0:
        last = (done.stderr.strip().splitlines() or ["there is no estimate"])[-1]
        raise InvalidRequestError(last.removeprefix("error: "))
    return done.stdout.strip()
