"""Interpolates latents, and reads and writes files of named ones."""

import io
import json
import zipfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tilecppn import filesystem
from tilecppn.addresses import as_path
from tilecppn.errors import InvalidRequestError

Array = NDArray[np.float64]
MAX_BYTES = 256 << 20  # of a file of latents


def lerp(a: ArrayLike, b: ArrayLike, t: ArrayLike) -> Array:
    """Interpolate linearly from latent a (z_dim,) at t = 0 to b at t = 1; the ends are exact.

    t: any shape; the result is (..., z_dim).
    """
    start, end = _pair(a, b)
    factor = np.asarray(t, np.float64)[..., None]
    return np.asarray((1.0 - factor) * start + factor * end)


def slerp(a: ArrayLike, b: ArrayLike, t: ArrayLike) -> Array:
    """Interpolate along the great circle from a at t = 0 to b at t = 1; the ends are exact.

    At constant angular speed: sin((1 - t)·w)/sin(w)·a + sin(t·w)/sin(w)·b, with w the angle between
    a and b (Shoemake, SIGGRAPH 1985; for latents White, Sampling Generative Networks, 2016: it
    preserves the length of normal latents). Between parallel, opposite or zero latents, where the
    circle is undefined, it is `lerp`.
    """
    start, end = _pair(a, b)
    length = float(np.linalg.norm(start) * np.linalg.norm(end))
    cosine = float(start @ end) / length if length > 0.0 else 1.0
    angle = float(np.arccos(np.clip(cosine, -1.0, 1.0)))
    sine = float(np.sin(angle))
    if sine < 1e-6:
        return lerp(start, end, t)
    factor = np.asarray(t, np.float64)[..., None]
    return np.asarray(
        (np.sin((1.0 - factor) * angle) / sine) * start + (np.sin(factor * angle) / sine) * end
    )


def save_latents(path: str | Path, latents: Mapping[str, ArrayLike]) -> None:
    """Write named latents to a .json or .npz file, both lossless.

    Raises InvalidRequestError for another suffix, or for values that are not finite numbers, and
    AddressError for an address.
    """
    path = as_path(path)
    arrays = {name: _checked(name, z) for name, z in latents.items()}
    if path.suffix == ".json":
        named = {name: z.tolist() for name, z in arrays.items()}
        content = (json.dumps(named, indent=1) + "\n").encode()
    elif path.suffix == ".npz":
        archive = io.BytesIO()
        np.savez(archive, allow_pickle=False, **arrays)
        content = archive.getvalue()
    else:
        raise InvalidRequestError(f"{path}: latents are kept in a .json or .npz file")
    filesystem.write_atomic(path, content)


def load_latents(path: str | Path) -> dict[str, Array]:
    """Read the named latents, each (z_dim,), of a .json or .npz file. Never loads a pickle.

    Raises InvalidRequestError, naming the file and what is wrong with it.
    """
    path = Path(path)
    if path.suffix not in (".json", ".npz"):
        raise InvalidRequestError(f"{path}: latents are kept in a .json or .npz file")
    try:
        if path.suffix == ".json":
            named = json.loads(filesystem.read_bounded(path, MAX_BYTES))
        else:
            data = io.BytesIO(filesystem.read_bounded(path, MAX_BYTES))
            with zipfile.ZipFile(data) as archive:
                if sum(member.file_size for member in archive.infolist()) > MAX_BYTES:
                    raise ValueError(f"more than {MAX_BYTES:,} bytes")
            with np.load(data, allow_pickle=False) as arrays:
                named = dict(arrays)
    except OSError as error:
        raise InvalidRequestError(f"{path}: cannot be read: {error.strerror or error}") from None
    except Exception as error:  # a damaged zip raises a dozen kinds
        raise InvalidRequestError(f"{path}: not a file of latents ({error})") from None
    if not isinstance(named, dict):
        raise InvalidRequestError(f"{path}: must hold names with a list of numbers each")
    try:
        return {name: _checked(name, z) for name, z in named.items()}
    except InvalidRequestError as error:
        raise InvalidRequestError(f"{path}: {error}") from None


def _checked(name: str, z: ArrayLike) -> Array:
    try:
        latent = np.asarray(z, np.float64)
    except (TypeError, ValueError):
        raise InvalidRequestError(f"latent {name}: must be a list of numbers") from None
    if latent.ndim != 1 or not np.isfinite(latent).all():
        raise InvalidRequestError(f"latent {name}: must be a list of finite numbers")
    return latent


def _pair(a: ArrayLike, b: ArrayLike) -> tuple[Array, Array]:
    start, end = _checked("a", a), _checked("b", b)
    if start.shape != end.shape:
        raise InvalidRequestError(
            f"latents of {len(start)} and {len(end)} values: must have the same number"
        )
    return start, end
