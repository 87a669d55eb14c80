"""Start the studio: its first scene, token and port."""

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from tilecppn.errors import ExportError
from tilecppn.kernels import require
from tilecppn.scene.scene import Scene
from tilecppn.serve.guard import LOOPBACK
from tilecppn.serve.server import Server, listen
from tilecppn.serve.studio.api import Api
from tilecppn.serve.studio.app import studio_app
from tilecppn.serve.studio.folder import Folder
from tilecppn.serve.studio.gate import Gate
from tilecppn.serve.studio.journal import PLACE, Journal
from tilecppn.serve.studio.scenes import Text

MOST_DROPPED: Final = 256 << 20  # most bytes of a file dropped onto the page
FIRST: Final = {"preset": "silk"}  # the first scene if there is no history


def studio(
    scene: str | Path | None = None,
    *,
    folder: str | Path = ".",
    port: int = 0,
    overrides: Sequence[str] = (),
    warn: Callable[[str], object] = lambda text: None,
) -> Server:
    """Return a server for the studio, on this machine only; the caller runs `serve_forever`.

    scene: the first scene, as `Scene.load` takes it; None continues the last session in `folder`.
    folder: where scenes are opened and saved, and the history is kept. port: 0 takes that of the
    last session, or a free one. warn: called with what will not work. Raises InvalidRequestError.
    """
    require("auto", "exact")
    where = Folder(Path(folder))
    if not where.root.is_dir():
        raise ExportError(f"{folder}: is no folder")
    begun = None if scene is None else Scene.load(scene, overrides)
    if port:
        listen(LOOPBACK, port).close()  # refused before there is a history
    journal = Journal(where.root)
    if not journal.is_kept:
        no_more = "" if os.access(where.root, os.W_OK | os.X_OK) else "; nothing can be saved here"
        warn(
            f"{where.root / PLACE}: cannot be written to{no_more}; the history ends with this "
            "session; start the studio in a folder of yours"
        )
    file = ""
    if scene is not None:
        path = Path(scene).resolve()
        if path.is_relative_to(where.root):
            file = path.relative_to(where.root).as_posix()
    api = Api(where, journal, file)
    if begun is not None:
        _begin(api, begun, f"opened {Path(str(scene)).name}")
    elif not journal.steps:
        _begin(api, Scene.of(cppn=FIRST), "a new scene")
    token, last = journal.session()
    app = Gate(studio_app(api), token)
    server = _listening(app, port, last)
    journal.keep_session(token, server.port)
    server.url += f"{token}/"
    return server


def _begin(api: Api, scene: Scene, label: str) -> None:
    """Add a scene to the history, unless it is the one shown last."""
    name = api.scenes.add(scene)
    text: Text = api.scenes.text(name)
    last = api.journal.steps.get(api.journal.at)
    if last is None or last.scene != text:
        api.add_step({"parent": "", "id": name, "label": label})


def _listening(app: Gate, port: int, last: int) -> Server:
    if port == 0 and last:
        try:
            return Server(app, port=last, most_body=MOST_DROPPED)
        except ExportError:  # used by another studio, or another program
            pass
    return Server(app, port=port, most_body=MOST_DROPPED)
