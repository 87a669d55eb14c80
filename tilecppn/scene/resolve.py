"""Loads what a scene's sections refer to: a network, a weights file, a file of latents."""

from collections.abc import Sequence
from dataclasses import fields, replace
from pathlib import Path

from tilecppn.addresses import file_beside
from tilecppn.cppn import CPPN, PRESETS
from tilecppn.cppn.latents import load_latents
from tilecppn.errors import AddressError, InvalidRequestError, SceneError, WeightsError
from tilecppn.scene import formula, sections
from tilecppn.scene.parsing import Given
from tilecppn.scene.picture_palette import is_picture
from tilecppn.scene.sections import CHANNELS, LARGEST, Latent, View
from tilecppn.scene.validation import SeededAmount, format_value
from tilecppn.suggestions import one_of

# Keys of [cppn] that change a preset's structure, which a weights file decides itself.
_STRUCTURE = [
    f.name
    for f in fields(sections.CPPN)
    if f.name not in ("preset", "seed", "channels", "cross", "mutations", "weights")
]


def network_of(
    source: sections.CPPN, folder: Path, known: tuple[sections.CPPN, CPPN] | None = None
) -> CPPN:
    """Load or make the CPPN of [cppn]; one made from a preset includes its cross and mutations.

    known: another [cppn] and its CPPN, which is used if `source` has at most further mutations.
    Raises SceneError or WeightsError, naming the key.
    """
    if source.weights is not None:
        try:
            return CPPN.load(file_beside(folder, source.weights))
        except (WeightsError, AddressError) as error:
            raise WeightsError(f"cppn.weights = {format_value(source.weights)}: {error}") from error
    if source.channels == 2 and PRESETS[source.preset].detail is None:
        raise SceneError(
            f"cppn.channels = 2: must be {CHANNELS.allowed}",
            keys=["cppn.channels"],
            value=2,
            allowed=CHANNELS.allowed,
        )
    mutations = source.mutations or ()
    if known is not None:
        own, same = known[0].mutations or (), {"mutations": source.mutations}
        if known[0].values() | same == source.values() and mutations[: len(own)] == own:
            return mutated(known[1], mutations[len(own) :])
    network = _seeded(source, source.seed)
    if source.cross is not None:
        other = _seeded(source, source.cross.seed)
        network = network.crossed(other, source.cross.amount, source.cross.seed)
    return mutated(network, mutations)


def mutated(network: CPPN, mutations: Sequence[SeededAmount] | None) -> CPPN:
    """Return a network's child after all mutations, one after another."""
    for mutation in mutations or ():
        network = network.mutated(mutation.seed, mutation.amount)
    return network


def _seeded(source: sections.CPPN, seed: int) -> CPPN:
    try:
        return CPPN.from_preset(
            source.preset,
            seed=seed,
            channels=source.channels,
            **{name: getattr(source, name) for name in _STRUCTURE},
        )
    except SceneError as error:
        keys = [f"cppn.{key}" for key in error.keys]
        text = f"cppn.{error}" if keys else str(error)  # the text begins with the error's first key
        raise SceneError(text, keys=keys, value=error.value) from None


def check_weights(source: sections.CPPN, network: CPPN) -> None:
    """Raise SceneError if [cppn] has a key that only its weights file decides."""
    for key in (*_STRUCTURE, "cross"):
        if source.weights is not None and getattr(source, key) is not None:
            raise SceneError(
                f"cppn.{key} cannot be combined with cppn.weights, which has its own",
                keys=[f"cppn.{key}", "cppn.weights"],
            )
    if source.weights is not None and source.channels not in (None, network.channels):
        raise SceneError(
            f"cppn.channels = {source.channels}: the weights file has {network.channels} channels",
            keys=["cppn.channels", "cppn.weights"],
        )


def check_no_paths(stored: Given, name: str) -> None:
    """Raise SceneError for a path in a stored scene, which must have values instead."""
    z, palette = stored.get("latent", {}).get("z"), stored.get("output", {}).get("palette")
    for key, value, found in (
        ("latent.z", z, isinstance(z, str)),
        ("output.palette", palette, is_picture(palette)),
    ):
        if found:
            raise SceneError(
                f"{name}: {key} = {format_value(value)}: a stored scene has values here, not a path"
            )


def latent_values(latent: Latent, network: CPPN, folder: Path) -> Latent:
    """Replace a formula or the name of a file of latents by its values. Raises SceneError, also for
    values that the network cannot take.
    """
    latent = _read_latent(latent, network, folder)
    z, z_dim = latent.z, network.structure.z_dim
    if z is not None and len(z) != z_dim:
        raise SceneError(
            f"latent.z has {len(z)} values: must have {z_dim}, the network's z_dim",
            keys=["latent.z"],
        )
    if isinstance(z, tuple) and any(abs(value) > LARGEST for value in z):
        raise SceneError(
            f"latent.z = {format_value(z)}: must be from {-LARGEST:g} to {LARGEST:g}",
            keys=["latent.z"],
        )
    return latent


def _read_latent(latent: Latent, network: CPPN, folder: Path) -> Latent:
    if latent.sum is not None:
        if latent.z is not None:
            raise SceneError(
                "latent.sum cannot be combined with latent.z; remove one of them",
                keys=["latent.sum", "latent.z"],
            )
        try:
            values = formula.evaluate(latent.sum, _unnamed, network.seeded_latent)
        except SceneError as error:
            raise SceneError(
                f"latent.sum: {error}", keys=["latent.sum"], value=latent.sum
            ) from None
        return replace(latent, z=tuple(values.tolist()), sum=None)
    if not isinstance(latent.z, str):
        return latent
    file, _, name = latent.z.partition("#")
    try:
        named = load_latents(file_beside(folder, file))
    except (InvalidRequestError, AddressError) as error:
        raise SceneError(
            f"latent.z = {format_value(latent.z)}: {error}", keys=["latent.z"], value=latent.z
        ) from error
    if not name and len(named) == 1:
        (name,) = named
    if name not in named:
        known = ", ".join(list(named)[:20])
        raise SceneError(f'latent.z = "{latent.z}": must end in # and one of {known}')
    return replace(latent, z=tuple(named[name].tolist()))


def _unnamed(name: str) -> str:
    return one_of(["seed0", "seed1"], name, "latent")


def own_view(cppn: CPPN, source: sections.CPPN) -> View:
    """Return the preset's or weights file's own view, which gives the view's defaults."""
    own = dict(cppn.structure.view)
    try:
        return View(**own)
    except (SceneError, TypeError) as error:
        raise WeightsError(f"{source.weights}: its own view is not allowed ({error})") from None
