"""The scene: everything a person decides about the picture, and its TOML."""

import hashlib
import json
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tilecppn import cppn as networks
from tilecppn.cppn.latents import load_latents
from tilecppn.errors import SceneError, WeightsError
from tilecppn.names import suggestion
from tilecppn.scene import sections
from tilecppn.scene.sections import LAYOUT, SECTIONS, Canvas, Latent, Output, View
from tilecppn.scene.validation import Section, format_value
from tilecppn.scene.view import Grid

TIMELINE = ("film", "keyframe", "keyframes")  # what only timelines have, and a common slip
EMBEDDED = "weights.safetensors"  # the name under which a store keeps the weights file


@dataclass(frozen=True)
class Scene:
    """One picture. `cppn` and `z` are the network and latent (z_dim,) that the sections name.

    Make one with `Scene.load`, `Scene.parse` or `Scene.of`; change one with `replace`.
    """

    source: sections.CPPN
    latent: Latent
    canvas: Canvas
    view: View
    output: Output
    cppn: networks.CPPN

    @classmethod
    def load(cls, path: str | Path, overrides: Sequence[str] = ()) -> "Scene":
        """Read a scene file; `overrides` are texts like `canvas.width=4096`.

        `none` takes out what may be left out, as in `view.mirror=none`.

        Paths in it are relative to the file. Raises SceneError, or WeightsError.
        """
        path = Path(path)
        text = read_text(path, "a scene")
        return cls.parse(text, name=str(path), folder=path.parent, overrides=overrides)

    @classmethod
    def parse(
        cls,
        text: str,
        *,
        name: str = "scene",
        folder: str | Path = ".",
        overrides: Sequence[str] = (),
        embedded: bytes | None = None,
    ) -> "Scene":
        """Read a scene from its TOML text; `name` stands in front of every error.

        With `embedded`, the bytes of a weights file, the network is theirs, whatever the text
        says, and no path in it is followed.
        """
        try:
            values = tomllib.loads(text)
        except (ValueError, RecursionError) as error:
            raise SceneError(f"{name}: not TOML: {error}") from None
        _check_names(values, name)
        for override in overrides:
            section, key, value = _override(override)
            _check_names({section: {key: value}}, f"--set {override}")
            here = values.setdefault(section, {})
            if value == "none" and getattr(SECTIONS[section], key, "") is None:
                here.pop(key, None)  # what may be left out is taken out
            else:
                here[key] = value
        try:
            return cls._build(values, Path(folder), embedded)
        except SceneError as error:
            raise SceneError(f"{name}: {error}") from None

    @classmethod
    def of(cls, **values: Mapping[str, Any]) -> "Scene":
        """A scene from sections as mappings: `Scene.of(canvas={"width": 4096})`."""
        _check_names(values, "scene")
        return cls._build(values, Path(), None)

    @classmethod
    def _build(
        cls, values: Mapping[str, Mapping[str, Any]], folder: Path, embedded: bytes | None
    ) -> "Scene":
        source = sections.CPPN(**values.get("cppn", {}))
        output = Output(**values.get("output", {}))
        if source.channels is None and source.weights is None:
            own = networks.PRESETS[source.preset].palette
            if own is not None and not {"color", "palette"} & values.get("output", {}).keys():
                output = replace(output, palette=own)
            source = replace(source, channels=output.network_channels)
        cppn = _network(source, folder, embedded)
        return cls._of_parts(
            source,
            _latent(Latent(**values.get("latent", {})), folder, follow=embedded is None),
            Canvas(**values.get("canvas", {})),
            replace(_own_view(cppn, source), **values.get("view", {})),
            output,
            cppn,
        )

    @classmethod
    def _of_parts(
        cls,
        source: sections.CPPN,
        latent: Latent,
        canvas: Canvas,
        view: View,
        output: Output,
        cppn: networks.CPPN,
    ) -> "Scene":
        latent = _latent(latent, Path())
        z_dim = cppn.structure.z_dim
        if latent.z is not None and len(latent.z) != z_dim:
            raise SceneError(
                f"latent.z has {len(latent.z)} values: must have {z_dim}, the network's z_dim"
            )
        if output.network_channels not in (None, cppn.channels):
            name = "color" if output.palette is None else "palette"
            raise SceneError(
                f"output.{name} = {format_value(getattr(output, name))}: needs cppn.channels = "
                f"{output.network_channels}; this network has {cppn.channels}"
            )
        Grid.of(view, canvas)
        source = replace(source, channels=cppn.channels)
        return cls(source, latent, canvas, view, output, cppn)

    def replace(self, **changes: Any) -> "Scene":
        """This scene with other sections: whole ones, or mappings of the keys that change.

        `cppn` also takes a CPPN: `scene.replace(cppn=net, canvas={"width": 4096})`.
        """
        parts: dict[str, Any] = {f.name: getattr(self, f.name) for f in fields(self)}
        for name, change in changes.items():
            if name == "cppn" and isinstance(change, networks.CPPN):
                parts["cppn"] = change
                parts["source"] = sections.CPPN(weights=EMBEDDED)
                continue
            if isinstance(change, Mapping):
                _check_names({name: change}, "replace")
                part = "source" if name == "cppn" else name
                if "weights" in change:
                    change = {"channels": None, **change}  # the file has its own
                parts[part] = replace(parts[part], **change)
            elif name in SECTIONS and isinstance(change, SECTIONS[name]):
                parts["source" if name == "cppn" else name] = change
            else:
                raise SceneError(f"replace: {name} takes a section or a mapping of its keys")
            if name == "cppn":
                # The weights file that the scene has is not read again; one that is named is.
                kept = self.source.weights is not None and (
                    "weights" not in change
                    if isinstance(change, Mapping)
                    else change is self.source
                )
                embedded = self.cppn.to_bytes() if kept else None
                parts["cppn"] = _network(parts["source"], Path(), embedded)
        return self._of_parts(**parts)

    @cached_property
    def z(self) -> NDArray[np.float64]:
        """The latent (z_dim,), before the network's own scale; read only."""
        if isinstance(self.latent.z, tuple):
            z = np.array(self.latent.z, np.float64)
        else:
            z = self.cppn.seeded_latent(self.latent.seed)
        z.setflags(write=False)
        return z

    @property
    def channels(self) -> int:
        """Of the picture: the network's, or 3 for a palette."""
        return self.cppn.channels if self.output.palette is None else 3

    @property
    def grid(self) -> Grid:
        return Grid.of(self.view, self.canvas)

    def to_toml(self) -> str:
        """The whole scene as TOML; a weights file is named as a store keeps it."""
        import tomli_w

        embedded = {"weights": EMBEDDED}
        source = _given(self.source) if self.source.weights is None else embedded
        latent = _given(self.latent)
        if self.latent.z is not None:
            del latent["seed"]
        return tomli_w.dumps(
            {
                "cppn": source,
                "latent": latent,
                "canvas": _given(self.canvas),
                "view": _given(self.view),
                "output": _given(self.output),
            }
        )

    def differences(self, other: "Scene") -> list[str]:
        """`canvas.width: 512 there, 1024 here`, this scene there and `other` here."""
        there, here = (tomllib.loads(scene.to_toml()) for scene in (self, other))
        return [
            f"{section}.{key}: {_shown(old)} there, {_shown(new)} here"
            for section in there
            for key in sorted(there[section].keys() | here[section].keys())
            if (old := there[section].get(key)) != (new := here[section].get(key))
        ]

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 over what decides the pixels: scene without layout, latent, weights' bytes.

        Values at their default are left out, so that a key that later versions add does not
        change the fingerprint of a picture that does not use it.
        """
        record: dict[str, Any] = {"z": [v.hex() for v in self.z.tolist()]}
        for name in ("canvas", "view", "output"):
            section: Section = getattr(self, name)
            record[name] = {
                f.name: getattr(section, f.name)
                for f in fields(section)
                if getattr(section, f.name) != f.default and f.name not in LAYOUT
            }
        digest = hashlib.sha256(json.dumps(record, sort_keys=True).encode())
        digest.update(self.cppn.to_bytes())
        return digest.hexdigest()


def read_text(path: Path, what: str) -> str:
    """The text of the TOML file of `what`, "a scene". Raises SceneError."""
    try:
        return path.read_text(encoding="utf-8-sig")  # some editors begin with a mark
    except UnicodeDecodeError:
        raise SceneError(f"{path}: not a text file; {what} is a TOML file") from None
    except OSError as error:
        raise SceneError(f"{path}: cannot be read: {error.strerror}") from None
    except ValueError as error:  # a NUL in the name
        raise SceneError(f"{path}: cannot be read: {error}") from None


def _network(source: sections.CPPN, folder: Path, embedded: bytes | None) -> networks.CPPN:
    """The CPPN that [cppn] names."""
    for key in ("width", "depth", "z_dim", "activations", "inputs", "residual"):
        if source.weights is not None and getattr(source, key) is not None:
            raise SceneError(f"cppn.{key}: not together with cppn.weights, which has its own")
    if embedded is not None:
        cppn = networks.CPPN.from_bytes(embedded, EMBEDDED)
    elif source.weights is not None:
        cppn = networks.CPPN.load(folder / source.weights)
    else:
        return networks.CPPN.from_preset(
            source.preset,
            seed=source.seed,
            channels=source.channels,
            z_dim=source.z_dim,
            width=source.width,
            depth=source.depth,
            activations=source.activations,
            inputs=source.inputs,
            residual=source.residual,
        )
    if source.channels not in (None, cppn.channels):
        raise SceneError(
            f"cppn.channels = {source.channels}: the weights file has {cppn.channels} channels"
        )
    return cppn


def _latent(latent: Latent, folder: Path, follow: bool = True) -> Latent:
    """With its values, where [latent] says in which file they are."""
    if not isinstance(latent.z, str):
        return latent
    if not follow:
        raise SceneError(f'latent.z = "{latent.z}": a stored scene has values here, not a path')
    file, _, name = latent.z.partition("#")
    named = load_latents(folder / file)
    if not name and len(named) == 1:
        (name,) = named
    if name not in named:
        known = ", ".join(list(named)[:20])
        raise SceneError(f'latent.z = "{latent.z}": must end in # and one of {known}')
    return replace(latent, z=tuple(named[name].tolist()))


def _own_view(cppn: networks.CPPN, source: sections.CPPN) -> View:
    """The view where the scene says nothing: the preset's or weights file's own."""
    own = dict(cppn.structure.view)
    try:
        return View(**own)
    except (SceneError, TypeError) as error:
        raise WeightsError(f"{source.weights}: its own view is not allowed ({error})") from None


def _shown(value: Any) -> str:
    return "none" if value is None else format_value(value)


def _given(section: Any) -> dict[str, Any]:
    return {k: v for k, v in asdict(section).items() if v is not None}


def _check_names(values: Mapping[str, Any], name: str) -> None:
    for section, keys in values.items():
        if section in TIMELINE:
            raise SceneError(
                f"{name}: [{section}] makes it a timeline, not a scene: tilecppn animate draws it, "
                "and its --contact shows it at once"
            )
        if section not in SECTIONS:
            raise SceneError(f'{name}: unknown key "{section}"; {suggestion(SECTIONS, section)}')
        if not isinstance(keys, Mapping):
            raise SceneError(f"{name}: {section} must be a section: [{section}]")
        known = [f.name for f in fields(SECTIONS[section])]
        for key in keys:
            if key not in known:
                raise SceneError(f'{name}: unknown key "{section}.{key}"; {suggestion(known, key)}')


def _override(text: str) -> tuple[str, str, Any]:
    """`section.key=value`; the value is TOML, or else a text without its quotes."""
    name, equals, value = text.partition("=")
    section, dot, key = name.strip().partition(".")
    if not equals or not dot:
        raise SceneError(f"--set {text}: must be section.key=value, as in canvas.width=4096")
    try:
        parsed = tomllib.loads(f"value = {value}")
    except tomllib.TOMLDecodeError:
        return section, key, value.strip()
    except (ValueError, RecursionError) as error:
        raise SceneError(f"--set {section}.{key}: not a TOML value: {error}") from None
    if list(parsed) != ["value"]:
        raise SceneError(f"--set {section}.{key}: must be one value")
    return section, key, parsed["value"]
