"""The requests of the studio's page other than pictures: scenes and changes, history, files,
renders.
"""

import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tilecppn.errors import InvalidRequestError
from tilecppn.film.timeline.timeline import Timeline
from tilecppn.serve.studio.drawing import Levels, StudioPainter
from tilecppn.serve.studio.endpoints import Body, number, text, whole
from tilecppn.serve.studio.films import MOST_KEYFRAMES, Films, Knot, timeline
from tilecppn.serve.studio.folder import Folder, read_dropped
from tilecppn.serve.studio.glimpses import Glimpses
from tilecppn.serve.studio.jobs import Jobs
from tilecppn.serve.studio.journal import Journal, Step
from tilecppn.serve.studio.orders import Order, film_order, order
from tilecppn.serve.studio.planning import planned
from tilecppn.serve.studio.record import record
from tilecppn.serve.studio.scenes import Scenes, checked_changes, from_text, label_of
from tilecppn.serve.studio.variations import children, variations


class Api:
    """The studio's scenes, history and folder, and the operations on them.

    file: the name of the scene file with which the studio was started, "" for none. Methods that
    take `body`, a JSON object, return one; they raise InvalidRequestError.
    """

    def __init__(self, folder: Folder, journal: Journal, file: str = "") -> None:
        self.folder, self.journal, self.file = folder, journal, file
        self.scenes = Scenes(journal.network)
        self.films = Films()
        self._levels = Levels(self.scenes)
        self._glimpses = Glimpses(self.painter())
        self.jobs = Jobs(folder.root, journal.place)
        for step in journal.steps.values():
            self.scenes.keep(step.scene)

    @property
    def posts(self) -> dict[str, Callable[[Body], Any]]:
        """The POST routes, each with its method."""
        return {
            "/scenes": self.change,
            "/variations": self.vary,
            "/steps": self.add_step,
            "/steps/at": self.show_step,
            "/steps/pin": self.pin_step,
            "/open": self.open,
            "/save": self.save,
            "/films": self.film,
            "/plan": self.plan,
            "/renders": self.render,
            "/renders/cancel": self.cancel,
            "/renders/resume": self.resume,
        }

    @property
    def first(self) -> str:
        """The id of the scene that is shown first."""
        return self.scenes.keep(self.journal.steps[self.journal.at].scene)

    def painter(self) -> StudioPainter:
        """Return a painter for one thread."""
        return StudioPainter(self.scenes, self._levels, self.films)

    def close(self) -> None:
        """Stop running renders."""
        self.jobs.close()

    # ---- scenes ----------------------------------------------------------------------------------

    def record_of(self, name: str) -> dict[str, Any]:
        """Return the full record of a scene or variation, by its id."""
        own = self.scenes.own_name(name)
        return record(self.scenes.scene(own), own, self.scenes.text(own).toml)

    def change(self, body: Body) -> dict[str, Any]:
        """Return the scene of a `toml`, or of `changes` to the scene `base`, this one with
        `glimpses` at these places.
        """
        if "toml" in body:
            scene = from_text(text(body, "toml"), "scene")
            return self.record_of(self.scenes.add(scene))
        changes = checked_changes(body.get("changes"))
        found = self.record_of(self.scenes.derive(text(body, "base"), changes))
        glimpses = self._glimpses.of(found["id"], body.get("glimpses", []))
        return {**found, "label": label_of(changes), "glimpses": glimpses}

    def vary(self, body: Body) -> dict[str, Any]:
        """Return variations of the scene `base`, `count` of a `kind` from `start` on.

        With `parents`, the ids of two or more scenes, return their children.
        """
        start, count = whole(body, "start", 0), whole(body, "count", 24)
        parents = body.get("parents")
        if parents is not None:
            if not isinstance(parents, list) or not all(isinstance(p, str) for p in parents[:17]):
                raise InvalidRequestError('"parents" must be names of scenes')
            base = parents[0] if parents else ""
            found = children([self.scenes.scene(name) for name in parents[:17]], start, count)
        else:
            base = text(body, "base")
            amount = number(body, "amount", 0.1)
            found = variations(self.scenes.scene(base), text(body, "kind"), start, count, amount)
        made = [
            {"label": label, "id": self.scenes.derive(base, changes)} for label, changes in found
        ]
        return {"variations": made, "more": len(made) == count}

    # ---- history ---------------------------------------------------------------------------------

    def session(self) -> dict[str, Any]:
        """Return the initial data of the page: the history, the current step, and its scene."""
        steps = [self._step(step) for step in self.journal.steps.values()]
        return {
            "scene": self._scene_shown(),
            "steps": steps,
            "at": self.journal.at,
            "pinned": sorted(self.journal.pinned),
            "kept": self.journal.is_kept,
            "folder": str(self.folder.root),
            "file": self.file,
        }

    def _scene_shown(self) -> dict[str, Any] | None:
        try:
            return self.record_of(self.first)
        except InvalidRequestError:  # the page learns the reason when it requests the scene
            return None

    def add_step(self, body: Body) -> dict[str, Any]:
        """Add the scene `id` to the history after the step `parent`."""
        parent = text(body, "parent", "")
        if parent and parent not in self.journal.steps:
            raise InvalidRequestError("there is no such step")
        scene = self.scenes.text(text(body, "id"))
        network = None if scene.network is None else self.scenes.network(scene.network)
        return self._step(self.journal.add(parent, text(body, "label", ""), scene, network))

    def show_step(self, body: Body) -> dict[str, Any]:
        """Record that the step `name` is shown."""
        return {"known": self.journal.show(text(body, "name"))}

    def pin_step(self, body: Body) -> dict[str, Any]:
        """Pin or unpin the step `name`."""
        return {"known": self.journal.pin(text(body, "name"), body.get("on") is True)}

    def _step(self, step: Step) -> dict[str, Any]:
        name = self.scenes.keep(step.scene)
        return {
            "name": step.name,
            "parent": step.parent,
            "label": step.label,
            "time": step.time,
            "id": name,
        }

    # ---- files -----------------------------------------------------------------------------------

    def files(self) -> dict[str, Any]:
        """Return the files that can be opened."""
        return {"files": self.folder.files()}

    def open(self, body: Body) -> dict[str, Any]:
        """Return the scene in the file `name` below the folder."""
        return self.record_of(self.scenes.add(self.folder.open(body.get("name"))))

    def cover(self, name: str) -> str:
        """Return the id of the scene in a file below the folder, for its thumbnail."""
        return self.scenes.add(self.folder.open_for_thumbnail(name))

    def save(self, body: Body) -> dict[str, Any]:
        """Write the scene `id` to the file `name`; replace an existing one only with
        `overwrite`.
        """
        scene = self.scenes.scene(text(body, "id"))
        return {"name": self.folder.save(scene, body.get("name"), body.get("overwrite") is True)}

    def dropped(self, name: str, path: Path) -> dict[str, Any]:
        """Return the scene in a dropped file that was called `name`, or the main `colours` of a
        picture.

        The file may be renamed.
        """
        found = read_dropped(name, path)
        if isinstance(found, list):
            return {"colours": found}
        return self.record_of(self.scenes.add(found))

    # ---- films and renders -----------------------------------------------------------------------

    def film(self, body: Body) -> dict[str, Any]:
        """Return the id of the film through some pictures, and its number of frames."""
        film = self._timeline(body)
        return {"id": self.films.keep(film), "frames": film.frames}

    def _timeline(self, body: Body) -> Timeline:
        """Return the film of `knots`: each has a scene `id`, a `time` and an `easing`."""
        knots = body.get("knots")
        if not isinstance(knots, list) or not all(isinstance(knot, dict) for knot in knots):
            raise InvalidRequestError('"knots" must be a list of objects')
        made = [
            Knot(
                self.scenes.scene(text(knot, "id")),
                number(knot, "time", 0.0),
                text(knot, "easing", "linear"),
            )
            for knot in knots[: MOST_KEYFRAMES + 1]
        ]
        seconds, fps = number(body, "seconds", 10.0), whole(body, "fps", 12)
        return timeline(made, seconds, fps, body.get("loop") is True)

    def _order(self, body: Body) -> Order:
        if "knots" in body:
            return film_order(self._timeline(body), body)
        return order(self.scenes.scene(text(body, "id")), body)

    def plan(self, body: Body) -> dict[str, Any]:
        """Return the estimate and the commands for rendering the scene `id`, or a film of
        `knots`.
        """
        found = self._order(body)
        lines = [shlex.join(["tilecppn", *line]) for line in found.lines]
        said = [found.remark] if found.remark else []
        said.append(planned(found, self.folder.root))
        return {"plan": "\n".join(said), "commands": lines}

    def render(self, body: Body) -> dict[str, Any]:
        """Queue a render of the scene `id`, or of a film of `knots`.

        Its scene or timeline file is written first; an existing one must be identical.
        """
        found = self._order(body)
        own = self.scenes.add(found.scene)
        name, line = f"{found.name}.toml", found.timeline
        film = None if line is None else (self.films.keep(line), line.frames)
        if found.purpose == "timeline" and line is not None:
            self.folder.write(name, line.to_toml())
            return {"number": self.jobs.add(found, own, film)}
        try:
            self.folder.save(found.scene, name, overwrite=False)
        except FileExistsError:
            there = self.folder.open(name)
            if self.scenes.add(there) != own:
                raise InvalidRequestError(f"{name} is another scene; choose another name") from None
        return {"number": self.jobs.add(found, own, film)}

    def renders(self) -> dict[str, Any]:
        """Return all renders of this session with their progress."""
        return {"renders": self.jobs.records()}

    def cancel(self, body: Body) -> dict[str, Any]:
        """Stop render `number`; its finished parts are kept."""
        self.jobs.cancel(whole(body, "number", -1))
        return self.renders()

    def resume(self, body: Body) -> dict[str, Any]:
        """Resume render `number`."""
        self.jobs.resume(whole(body, "number", -1))
        return self.renders()
