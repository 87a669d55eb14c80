"""What the page can ask for beside pictures: scenes and their changes, history, files."""

import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tilecppn.errors import InvalidRequestError
from tilecppn.film.timeline.timeline import Timeline
from tilecppn.serve.studio.answering import Asked, number, text, whole
from tilecppn.serve.studio.films import MOST_KEYFRAMES, Films, Knot, timeline
from tilecppn.serve.studio.folder import Folder, read_dropped
from tilecppn.serve.studio.jobs import Jobs
from tilecppn.serve.studio.journal import Journal, Step
from tilecppn.serve.studio.orders import Order, film_order, order
from tilecppn.serve.studio.planning import planned
from tilecppn.serve.studio.record import record
from tilecppn.serve.studio.scenes import Scenes, checked_changes, from_text, label_of
from tilecppn.serve.studio.variations import children, variations


class Desk:
    """The studio's scenes, history and folder, and what can be done with them.

    file: the name of the scene file that the studio was started with, "" for none. Each method
    below takes a JSON object and returns one; it raises InvalidRequestError.
    """

    def __init__(self, folder: Folder, journal: Journal, file: str = "") -> None:
        self.folder, self.journal, self.file = folder, journal, file
        self.scenes = Scenes(journal.network)
        self.films = Films()
        self.jobs = Jobs(folder.root, journal.place)
        for step in journal.steps.values():
            self.scenes.keep(step.scene)

    @property
    def posts(self) -> dict[str, Callable[[Asked], Any]]:
        """The routes that take a JSON object."""
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
        """The name of the scene that is shown first."""
        return self.scenes.keep(self.journal.steps[self.journal.at].scene)

    def close(self) -> None:
        """Stop what is being rendered."""
        self.jobs.close()

    # ---- scenes ----------------------------------------------------------------------------------

    def shown(self, name: str) -> dict[str, Any]:
        """All of a scene by its name, or that of a variation."""
        own = self.scenes.own_name(name)
        return record(self.scenes.scene(own), own)

    def change(self, asked: Asked) -> dict[str, Any]:
        """The scene of a `toml`, or of `changes` to the scene `base`."""
        if "toml" in asked:
            scene = from_text(text(asked, "toml"), "scene")
            return self.shown(self.scenes.add(scene))
        changes = checked_changes(asked.get("changes"))
        found = self.shown(self.scenes.derive(text(asked, "base"), changes))
        return {**found, "label": label_of(changes)}

    def vary(self, asked: Asked) -> dict[str, Any]:
        """Variations of the scene `base`, `count` of a `kind` from `start` on.

        With `parents`, names of two scenes or more, their children.
        """
        start, count = whole(asked, "start", 0), whole(asked, "count", 24)
        parents = asked.get("parents")
        if parents is not None:
            if not isinstance(parents, list) or not all(isinstance(p, str) for p in parents[:17]):
                raise InvalidRequestError('"parents" must be names of scenes')
            base = parents[0] if parents else ""
            found = children([self.scenes.scene(name) for name in parents[:17]], start, count)
        else:
            base = text(asked, "base")
            amount = number(asked, "amount", 0.1)
            found = variations(self.scenes.scene(base), text(asked, "kind"), start, count, amount)
        made = [
            {"label": label, "id": self.scenes.derive(base, changes)} for label, changes in found
        ]
        return {"variations": made, "more": len(made) == count}

    # ---- history ---------------------------------------------------------------------------------

    def session(self) -> dict[str, Any]:
        """What the page begins with: the history, where it is, and the scene there."""
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
            return self.shown(self.first)
        except InvalidRequestError:  # of which the page is told when it asks for it
            return None

    def add_step(self, asked: Asked) -> dict[str, Any]:
        """Keep the scene `id` as a step after `parent`."""
        parent = text(asked, "parent", "")
        if parent and parent not in self.journal.steps:
            raise InvalidRequestError("there is no such step")
        scene = self.scenes.text(text(asked, "id"))
        network = None if scene.network is None else self.scenes.network(scene.network)
        return self._step(self.journal.add(parent, text(asked, "label", ""), scene, network))

    def show_step(self, asked: Asked) -> dict[str, Any]:
        """Remember that the step `name` is shown."""
        return {"known": self.journal.show(text(asked, "name"))}

    def pin_step(self, asked: Asked) -> dict[str, Any]:
        """Remember whether somebody likes the step `name`."""
        return {"known": self.journal.pin(text(asked, "name"), asked.get("on") is True)}

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
        """What may be opened."""
        return {"files": self.folder.files()}

    def open(self, asked: Asked) -> dict[str, Any]:
        """The scene of the file `name` below the folder."""
        return self.shown(self.scenes.add(self.folder.open(asked.get("name"))))

    def cover(self, name: str) -> str:
        """The name of the scene in a file below the folder, for its thumbnail."""
        return self.scenes.add(self.folder.glance(name))

    def save(self, asked: Asked) -> dict[str, Any]:
        """Write the scene `id` as the file `name`; over one that is there only with `overwrite`."""
        scene = self.scenes.scene(text(asked, "id"))
        return {"name": self.folder.save(scene, asked.get("name"), asked.get("overwrite") is True)}

    def dropped(self, name: str, path: Path) -> dict[str, Any]:
        """The scene in a file that was called `name`, or the main `colours` of a picture.

        It may be renamed.
        """
        found = read_dropped(name, path)
        if isinstance(found, list):
            return {"colours": found}
        return self.shown(self.scenes.add(found))

    # ---- films and renders -----------------------------------------------------------------------

    def film(self, asked: Asked) -> dict[str, Any]:
        """The film through some pictures, by its name, and how many frames it has."""
        film = self._timeline(asked)
        return {"id": self.films.keep(film), "frames": film.frames}

    def _timeline(self, asked: Asked) -> Timeline:
        """The film of `knots`: each has a scene `id`, a `time` and an `easing`."""
        knots = asked.get("knots")
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
        seconds, fps = number(asked, "seconds", 10.0), whole(asked, "fps", 12)
        return timeline(made, seconds, fps, asked.get("loop") is True)

    def _order(self, asked: Asked) -> Order:
        if "knots" in asked:
            return film_order(self._timeline(asked), asked)
        return order(self.scenes.scene(text(asked, "id")), asked)

    def plan(self, asked: Asked) -> dict[str, Any]:
        """What it takes to render the scene `id`, or a film of `knots`, and the command lines."""
        found = self._order(asked)
        lines = [shlex.join(["tilecppn", *line]) for line in found.lines]
        said = [found.remark] if found.remark else []
        said.append(planned(found, self.folder.root))
        return {"plan": "\n".join(said), "commands": lines}

    def render(self, asked: Asked) -> dict[str, Any]:
        """Render the scene `id`, or a film of `knots`, after what is being rendered already.

        Its scene or timeline file is written first; one that is there must hold the same.
        """
        found = self._order(asked)
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
        """All renders of this session, and how far they are."""
        return {"renders": self.jobs.told()}

    def cancel(self, asked: Asked) -> dict[str, Any]:
        """Stop render `number`; what is finished of it stays."""
        self.jobs.cancel(whole(asked, "number", -1))
        return self.renders()

    def resume(self, asked: Asked) -> dict[str, Any]:
        """Go on with render `number`."""
        self.jobs.resume(whole(asked, "number", -1))
        return self.renders()
