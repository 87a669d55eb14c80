"""The scene: everything that decides a picture, read from TOML and written to it."""

import hashlib
import json
import os
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tilecppn import cppn as networks
from tilecppn import filesystem
from tilecppn.addresses import AnyPath, as_path
from tilecppn.errors import InvalidRequestError, SceneError, WeightsError
from tilecppn.scene import sections, toml_text
from tilecppn.scene.parsing import (
    COLOURS,
    LIGHT,
    Given,
    check_keys,
    merged,
    parse_override,
    parse_toml,
    read_text,
    without_preset,
)
from tilecppn.scene.picture_palette import with_colours
from tilecppn.scene.readers import read_embedded
from tilecppn.scene.resolve import (
    check_no_paths,
    check_weights,
    latent_values,
    mutated,
    network_of,
    own_view,
)
from tilecppn.scene.sections import LAYOUT, SECTIONS, About, Canvas, Latent, Output, View
from tilecppn.scene.validation import Section, format_value
from tilecppn.scene.view import Grid

EMBEDDED = "weights.safetensors"  # the name under which a store keeps the weights file


@dataclass(frozen=True, repr=False)
class Scene:
    """One picture, at one size. Frozen: `replace` returns a changed copy.

    Create one with `Scene.load`, `Scene.parse` or `Scene.of`. `source`, `latent`, `canvas`,
    `view`, `output` and `about` are its sections; `cppn` is the network and `z` the latent
    (z_dim,) that they describe.
    """

    source: sections.CPPN
    latent: Latent
    canvas: Canvas
    view: View
    output: Output
    about: About
    cppn: networks.CPPN
    # The values that the user gave, by section and key. `replace` takes all others again from the
    # preset or the weights file.
    given: Given = field(compare=False)

    @classmethod
    def load(cls, path: AnyPath, overrides: Sequence[str] = ()) -> "Scene":
        """Read a scene file, or the scene of a store, an export or an image made by tilecppn.

        `overrides` are strings like `canvas.width=4096`; `view.mirror=none` removes an optional
        key. Paths in a scene file and in its overrides are relative to the file; in overrides of a
        store, export or image, to the current folder. Raises SceneError, WeightsError, or
        StoreError for a damaged store.
        """
        path = as_path(path)
        found: Scene | None = read_embedded("scene", path, overrides)
        if found is not None:
            return found
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
        whole: bool = False,
    ) -> "Scene":
        """Read a scene from its TOML text; errors begin with `name`, or with the wrong override.

        With `embedded`, the bytes of a weights file, the network is read from them, whatever the
        text says. `whole`: the text has every value, as `to_toml` writes it, so that values of the
        user and of the preset cannot be told apart. With either, no path in the text is followed.
        Raises SceneError or WeightsError.
        """
        values = parse_toml(text, name)
        if whole or embedded is not None:
            check_no_paths(values, name)
        values = without_preset(values) if whole else values
        options: dict[str, str] = {}  # key → the override that set it
        for override in overrides:
            section, key, value = parse_override(override)
            check_keys({section: {key: value}}, f"--set {override}")
            values = merged(values, {section: {key: value}})
            options[f"{section}.{key}"] = f"--set {override}"
        own_network = values.get("cppn", {}).get("weights") is None or "cppn.weights" in options
        if whole and embedded is None and not own_network:
            raise SceneError(
                f"{name}: its network is a weights file, which it does not hold; give its store, "
                "or --set cppn.weights=FILE"
            )
        network = None if embedded is None else networks.CPPN.from_bytes(embedded, EMBEDDED)
        try:
            return cls._build(values, Path(folder), network)
        except SceneError as error:
            raise error.at(next((options[k] for k in error.keys if k in options), name)) from None
        except WeightsError as error:
            raise WeightsError(f"{options.get('cppn.weights', name)}: {error}") from error

    @classmethod
    def of(cls, **values: Mapping[str, Any]) -> "Scene":
        """Create a scene from sections as mappings: `Scene.of(canvas={"width": 4096})`.

        A key whose value is None counts as missing. Raises SceneError or WeightsError.
        """
        check_keys(values, "scene")
        return cls._build(merged({}, values), Path())

    @classmethod
    def _build(
        cls,
        given: Given,
        folder: Path,
        network: networks.CPPN | None = None,
        *,
        previous: "Scene | None" = None,
    ) -> "Scene":
        """Complete the given values with those of the preset or the weights file.

        `network` is used if given; else that of `previous` may save drawing the same weights.
        """
        given = with_colours(given, folder)
        source = sections.CPPN(**given.get("cppn", {}))
        output = Output(**given.get("output", {}))
        free = not {"color", "palette"} & given.get("output", {}).keys()
        if source.channels is None and source.weights is None:
            source, output = _with_preset(source, output, free)
        if network is None:
            known = (previous.source, previous.cppn) if previous else None
            network = network_of(source, folder, known)
        check_weights(source, network)
        if source.weights is not None and source.mutations:
            # The network contains them from now on, and is not read again.
            network, source = mutated(network, source.mutations), replace(source, mutations=None)
            given = merged(given, {"cppn": {"mutations": None}})
        latent = latent_values(Latent(**given.get("latent", {})), network, folder)
        made_of = networks.PRESETS.get(network.structure.preset)
        if free and output.palette is None and network.channels == 2 and made_of is not None:
            output = _with_own_colours(output, made_of)
        _check_colours(output, network.channels)
        canvas = Canvas(**given.get("canvas", {}))
        view = replace(own_view(network, source), **given.get("view", {}))
        Grid.of(view, canvas)
        source = replace(source, channels=network.channels)
        if latent.z is not None:  # a file of latents is read once, a formula evaluated
            latent = Latent(z=latent.z)
            given = merged(given, {"latent": {"z": latent.z, "seed": None, "sum": None}})
        about = About(**given.get("about", {}))
        return cls(source, latent, canvas, view, output, about, network, given)

    def replace(self, **changes: Any) -> "Scene":
        """Return this scene with other sections: whole ones, or mappings of the keys that change.

        It is the same as changing these keys in the scene's file: another preset brings its own
        palette and view, unless they were given. A key whose value is None is removed. `cppn` also
        takes a CPPN: `scene.replace(cppn=net, canvas={"width": 4096})`. Paths are relative to the
        current folder. Raises SceneError or WeightsError.
        """
        given = self.given
        network = self.cppn if self.source.weights is not None else None  # is not read again
        for name, change in changes.items():
            if name == "cppn" and isinstance(change, networks.CPPN):
                network = change
                given = {**given, name: {"weights": EMBEDDED}}
                continue
            if name == "cppn" and change is not self.source:
                renamed = not isinstance(change, Mapping) or "weights" in change
                network = None if renamed else network
            if isinstance(change, Mapping):
                check_keys({name: change}, "replace")
                given = merged(given, {name: change})
            elif name in SECTIONS and isinstance(change, SECTIONS[name]):
                given = {**given, name: change.values()}
            else:
                raise SceneError(f"replace: {name} takes a section or a mapping of its keys")
        return self._build(given, Path(), network, previous=self)

    def with_all_given(self) -> "Scene":
        """Return this scene with all its values given, so that another network changes none."""
        given = {
            name: (self.source if name == "cppn" else getattr(self, name)).values()
            for name in SECTIONS
        }
        return replace(self, given=given)

    def __repr__(self) -> str:
        network = self.source.weights or f"{self.source.preset}, seed {self.source.seed}"
        size = f"{self.canvas.width} × {self.canvas.height} × {self.channels}"
        return f"Scene({network}, {size}, {self.output.dtype})"

    def save(self, path: str | Path) -> None:
        """Write the scene as a TOML file, with all its values.

        A network that no preset makes is written to a weights file beside it, NAME.safetensors.
        Raises SceneError if that file holds another network, or `path` does not end in .toml, and
        AddressError for an address.
        """
        import tomli_w

        path = as_path(path)
        if path.suffix != ".toml":
            raise SceneError(f"{path}: a scene is a TOML file; give a name that ends in .toml")
        values = tomllib.loads(self.to_toml())
        if self.source.weights is not None:
            weights = path.with_suffix(".safetensors")
            if not weights.exists():
                self.cppn.save(weights)
            elif networks.CPPN.load(weights) != self.cppn:
                raise SceneError(f"{weights}: holds another network; choose another name")
            values["cppn"]["weights"] = weights.name
        filesystem.write_atomic(path, tomli_w.dumps(values).encode())

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
        """The number of channels of the picture: the network's, or 3 with a palette."""
        return self.cppn.channels if self.output.palette is None else 3

    @property
    def grid(self) -> Grid:
        """The scene's view laid over its canvas."""
        return Grid.of(self.view, self.canvas)

    def to_toml(self) -> str:
        """Return the whole scene as TOML; a weights file is named `EMBEDDED`, as in a store."""
        embedded = {"weights": EMBEDDED}
        source = _without_none(self.source) if self.source.weights is None else embedded
        latent = _without_none(self.latent)
        if self.latent.z is not None:
            del latent["seed"]
        return toml_text.dumps(
            {
                "cppn": source,
                "latent": latent,
                "canvas": {k: v for k, v in self.canvas.values().items() if v is not None},
                "view": _without_none(self.view),
                "output": _without_none(self.output),
                **_about(self.about),
            }
        )

    def shared_toml(self) -> str:
        """Return the TOML that files carry: the scene, or [about] alone unless it is shared."""
        return self.to_toml() if self.about.share_scene else toml_text.dumps(_about(self.about))

    def differences(self, other: "Scene") -> list[str]:
        """List the differences: `canvas.width: 512 there, 1024 here`; "here" is `other`.

        [about] is not compared, since it is no part of the picture.
        """
        there, here = (tomllib.loads(scene.to_toml()) for scene in (self, other))
        return [
            f"{section}.{key}: {format_value(old)} there, {format_value(new)} here"
            for section in there
            if section != "about"
            for key in sorted(there[section].keys() | here[section].keys())
            if (old := there[section].get(key)) != (new := here[section].get(key))
        ]

    @cached_property
    def fingerprint(self) -> str:
        """The SHA-256, in hex, of all that decides the pixels: scene, latent and weights.

        Layout and defaults are left out, so that a key that a later version adds does not change
        the fingerprints of pictures that do not use it.
        """
        record: dict[str, Any] = {"z": [v.hex() for v in self.z.tolist()]}
        for name in ("view", "output"):
            section: Section = getattr(self, name)
            record[name] = {k: v for k, v in section.given().items() if k not in LAYOUT}
        record["canvas"] = self._area()
        digest = hashlib.sha256(json.dumps(record, sort_keys=True).encode())
        digest.update(self.cppn.to_bytes())
        return digest.hexdigest()

    def _area(self) -> dict[str, Any]:
        """Return the pixels that are drawn; their size on paper is no part of the picture."""
        canvas = self.canvas
        area: dict[str, Any] = {
            name: side
            for name, side in zip(("width", "height"), canvas.whole, strict=True)
            if side != getattr(Canvas, name)
        }
        if not canvas.is_whole:
            area["window"] = [*canvas.origin, canvas.height, canvas.width]
        return area


def as_scene(scene: Scene | AnyPath) -> Scene:
    """Return a scene as it is, or load it from its path. Raises the errors of `Scene.load`."""
    if isinstance(scene, str | os.PathLike):
        return Scene.load(scene)
    if not isinstance(scene, Scene):
        raise InvalidRequestError(f"a {type(scene).__name__} is no scene: give a Scene, or a path")
    return scene


def _about(about: About) -> dict[str, Any]:
    """Return the section [about], if it has any values."""
    return {"about": given} if (given := about.given()) else {}


def _without_none(section: Any) -> dict[str, Any]:
    return {k: v for k, v in asdict(section).items() if v is not None}


def _with_preset(source: sections.CPPN, output: Output, free: bool) -> tuple[sections.CPPN, Output]:
    """Return both with the preset's channels and, if the colours are free, its palette."""
    preset = networks.PRESETS[source.preset]
    if free and preset.palette:
        output = _with_own_colours(output, preset)
    channels = 1 if output.palette else 3
    if preset.channels in output.network_channels:
        channels = preset.channels
    return replace(source, channels=channels), output


def _with_own_colours(output: Output, preset: networks.Preset) -> Output:
    """Return `output` with the preset's palette and light for those that it does not have."""
    own = {key: getattr(preset, key) for key in COLOURS if getattr(output, key) is None}
    return replace(output, **own)


def _check_colours(output: Output, channels: int) -> None:
    """Raise SceneError unless the colours can be made from the network's channels."""
    if channels not in output.network_channels:
        key = "color" if output.palette is None else "palette"
        needed = " or ".join(map(str, output.network_channels))
        raise SceneError(
            f"output.{key} = {format_value(getattr(output, key))}: needs cppn.channels = {needed}; "
            f"this network has {channels}",
            keys=[f"output.{key}", "cppn.channels"],
        )
    for key in LIGHT:
        if channels != 2 and getattr(output, key) is not None:
            raise SceneError(
                f"output.{key}: needs a network of two channels, place on a palette and "
                f"lightness; this one has {channels}",
                keys=[f"output.{key}", "cppn.channels"],
            )
