"""What a render will take, as `tilecppn plan` says it."""

import subprocess
import sys
import tempfile
from pathlib import Path

from tilecppn.errors import InvalidRequestError
from tilecppn.serve.studio.orders import Order

SECONDS = 60.0  # that it may take


def planned(order: Order, root: Path) -> str:
    """Return what `tilecppn plan` says of an order, of a film without encoding; several lines.

    Raises InvalidRequestError with what it says where the render does not fit.
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
