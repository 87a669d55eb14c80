"""The Sampler class of the originals, with the same methods."""

import secrets
from collections.abc import Sequence
from dataclasses import replace
from os import PathLike
from pathlib import Path
from typing import Any, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray
from PIL import Image

from tilecppn.cppn import CPPN, PRESETS
from tilecppn.cppn.latents import lerp
from tilecppn.cppn.seeding import MAX_SEED
from tilecppn.errors import InvalidRequestError
from tilecppn.exporters.encoding.png import encode_png
from tilecppn.kernels import EvaluationContext, create
from tilecppn.notebook.animation import save_gif
from tilecppn.notebook.defaults import DEFAULTS, OTHERS
from tilecppn.notebook.images import to_image
from tilecppn.notebook.trained_model import TrainedModel
from tilecppn.pixels.interleave import interleaved
from tilecppn.pixels.renderer import render_window
from tilecppn.plan import Window
from tilecppn.scene.scene import Scene
from tilecppn.train.data.images import Images

Picture = NDArray[np.float32]  # (y_dim, x_dim, c_dim, or 3 with a palette), in 0 … 1
Name = str | PathLike[str]


class Sampler:
    """Draws pictures of one random network.

    z_dim, c_dim, scale and net_size default to the preset's own: 8, 1, 10.0 and 32 for `hardmaru`.
    `scale` multiplies the latent and is also the scale of the plane; `generate` can draw at another
    scale, which zooms without changing the latent. `seed` gives the weights and the first latent;
    by default it is random, and `repr` shows it.

    Raises InvalidRequestError for an unknown preset, or values that no network can have.
    """

    def __init__(
        self,
        z_dim: int | None = None,
        c_dim: int | None = None,
        scale: float | None = None,
        net_size: int | None = None,
        seed: int | None = None,
        preset: str = "hardmaru",
        *,
        kernel: str = "auto",
    ) -> None:
        self.seed: int | None = secrets.randbits(32) if seed is None else seed
        self.kernel = kernel
        self._scale = scale
        self._parameters = (preset, z_dim, c_dim, net_size)
        self._use(self._seeded_network(self.seed))
        self._next_latent = self.seed

    @classmethod
    def of(cls, cppn: CPPN, *, seed: int | None = None, kernel: str = "auto") -> "Sampler":
        """Make a Sampler of a given network, such as one from a weights file.

        seed: for its latents; random by default.
        """
        sampler = cls.__new__(cls)
        sampler.seed = None
        sampler.kernel = kernel
        sampler._scale = None
        sampler._use(cppn)
        sampler._next_latent = secrets.randbits(32) if seed is None else seed
        return sampler

    @classmethod
    def load(
        cls,
        model: Name,
        data: str | Images | None = None,
        *,
        seed: int | None = None,
        kernel: str = "auto",
    ) -> "Sampler":
        """Load a model file written by `tilecppn train`; this Sampler can also `encode`.

        data: the folder of the images that the model was trained on; not needed for a name such as
        `digits`.
        seed: for its latents, and for its choice among the images.

        Raises WeightsError if the file is not a model.
        """
        sampler = cls.of(CPPN.load(Path(model)), seed=seed, kernel=kernel)
        sampler._model = TrainedModel(Path(model), data, np.random.default_rng(seed))
        return sampler

    def _seeded_network(self, seed: int) -> CPPN:
        preset, z_dim, c_dim, net_size = self._parameters
        channels = DEFAULTS.get(preset, OTHERS).c_dim if c_dim is None else c_dim
        cppn = CPPN.from_preset(preset, seed=seed, channels=channels, z_dim=z_dim, width=net_size)
        return cppn if self._scale is None else _rescaled(cppn, self._scale)

    def _use(self, cppn: CPPN) -> None:
        """Use `cppn` as the network, and forget what was drawn."""
        self.cppn = cppn
        self._model: TrainedModel | None = None
        self.defaults = DEFAULTS.get(cppn.structure.preset, OTHERS)
        self.z: NDArray[np.float64] | None = None  # of the picture drawn last
        self._last: tuple[Picture, Scene] | None = None

    @property
    def z_dim(self) -> int:
        """The length of the latent."""
        return self.cppn.structure.z_dim

    @property
    def c_dim(self) -> int:
        """The number of channels of the network: 1 or 3."""
        return self.cppn.channels

    @property
    def net_size(self) -> int:
        """The number of units in each hidden layer."""
        return self.cppn.width

    @property
    def scale(self) -> float:
        """The factor by which the network multiplies its latent."""
        return self.cppn.structure.latent_scale

    @property
    def preset(self) -> str:
        """The preset's name; for a model file, the preset it was made from."""
        return self.cppn.structure.preset

    @property
    def trained_model(self) -> TrainedModel:
        """The model file's encoder and images.

        Raises InvalidRequestError unless the Sampler was made by `load`.
        """
        if self._model is None:
            raise InvalidRequestError(
                "this network was not trained: Sampler.load opens a model that was"
            )
        return self._model

    def generate_z(self) -> NDArray[np.float64]:
        """Draw a new latent (z_dim,) from the network's own distribution.

        The first belongs to `latent.seed` = the Sampler's seed, each further one to the next seed.
        """
        latent = self.cppn.seeded_latent(self._next_latent)
        self._next_latent = _next_seed(self._next_latent)
        return latent

    def encode(self, image: ArrayLike | Image.Image) -> NDArray[np.float64]:
        """Find the latent (z_dim,) of an image with the model's encoder.

        image: as for `TrainedModel.encode`. `generate(z)` is its reconstruction, at any size.
        """
        return self.trained_model.encode(image)

    def get_random(self) -> NDArray[np.float32]:
        """Return a random image (size, size, channels) from the training images."""
        return self.trained_model.random_image()

    def get_random_specific(self, label: str | int) -> NDArray[np.float32]:
        """Return a random training image with the given label."""
        return self.trained_model.random_image(label)

    get_random_mnist = get_random  # the original's names
    get_random_specific_mnist = get_random_specific

    def reinit(self) -> None:
        """Replace the network by the one of the next seed.

        Raises InvalidRequestError for a network that was not made from a seed.
        """
        if self.seed is None:
            raise InvalidRequestError(
                "reinit: this network was not drawn from a seed; make a new Sampler"
            )
        self.seed = _next_seed(self.seed)
        self._use(self._seeded_network(self.seed))

    def scene(
        self,
        z: ArrayLike | None = None,
        x_dim: int | None = None,
        y_dim: int | None = None,
        scale: float | None = None,
    ) -> Scene:
        """Return the scene that `generate` draws with the same arguments, for `tc.render` and
        `tc.preview`.
        """
        structure, defaults = self.cppn.structure, self.defaults
        view = {"scale": self.scale, **defaults.view, **structure.view}
        view["scale"] *= 1.0 if scale is None else scale / self.scale
        latent = self.generate_z() if z is None else np.asarray(z, np.float64).reshape(-1)
        preset = PRESETS.get(self.preset)
        palette = preset.palette if preset is not None and self.c_dim == 1 else None
        cppn: dict[str, Any] = {}
        if self.seed is not None:
            cppn = {"preset": self.preset, "seed": self.seed, "z_dim": self.z_dim}
            cppn |= {"channels": self.c_dim, "width": self.net_size}
        scene = Scene.of(
            cppn=cppn,
            canvas={
                "width": defaults.x_dim if x_dim is None else x_dim,
                "height": defaults.y_dim if y_dim is None else y_dim,
            },
            view=view,
            output={"invert": defaults.invert, **({"palette": palette} if palette else {})},
        )
        own = {} if scene.cppn == self.cppn else {"cppn": self.cppn}
        return scene.replace(**own, latent={"z": latent.tolist()})

    def generate(
        self,
        z: ArrayLike | None = None,
        x_dim: int | None = None,
        y_dim: int | None = None,
        scale: float | None = None,
    ) -> Picture:
        """Draw the picture (y_dim, x_dim, c_dim) of a latent, with values in 0 … 1.

        z: a latent (z_dim,); a new one by default.
        x_dim, y_dim: by default the original's.
        scale: of the plane; by default the Sampler's own.
        """
        scene = self.scene(z, x_dim, y_dim, scale)
        self.z = scene.z.copy()
        image = self._draw(scene)
        self._last = (image, scene)
        return image

    def _draw(self, scene: Scene) -> Picture:
        exact = scene.replace(output={"dtype": "float32", "invert": False, "tolerance": 0.0})
        window = Window(0, 0, scene.canvas.height, scene.canvas.width)
        pixels = render_window(create(self.kernel, EvaluationContext.of(exact)), exact, window)
        return interleaved(pixels)

    def to_image(self, image: ArrayLike | Image.Image) -> Image.Image:
        """Convert a picture to an 8-bit Pillow image.

        It is inverted (1 becomes black) for presets whose originals save 1 - v. A Pillow image is
        returned unchanged. Raises InvalidRequestError as `notebook.images.to_image` does.
        """
        if isinstance(image, Image.Image):
            return image
        return to_image(image, invert=self.defaults.invert)

    def show_image(self, image: ArrayLike) -> None:
        """Show a picture in the notebook. Raises InvalidRequestError without IPython."""
        try:
            from IPython.display import display
        except ImportError:
            raise InvalidRequestError(
                "show_image needs a notebook; save_png writes a file"
            ) from None
        display(self.to_image(image))

    def show_image_from_z(self, z: ArrayLike) -> None:
        """Draw the picture of a latent and show it in the notebook."""
        self.show_image(self.generate(z))

    def save_png(
        self, image: ArrayLike, filename: Name, specific_size: tuple[int, int] | None = None
    ) -> None:
        """Write a picture as a PNG; the picture drawn last carries its scene in the file.

        specific_size: (width, height) of the file; pixels are repeated or left out.
        """
        drawn = self.to_image(image)
        if specific_size is not None:
            drawn = drawn.resize(specific_size, Image.Resampling.NEAREST)
        scene = self._last[1].to_toml() if self._last and image is self._last[0] else ""
        pixels = np.asarray(drawn).reshape(drawn.height, drawn.width, -1)
        Path(filename).write_bytes(encode_png(pixels, scene))

    def morph(
        self,
        z1: ArrayLike,
        z2: ArrayLike,
        n_total_frame: int = 10,
        x_dim: int = 512,
        y_dim: int = 512,
        scale: float | None = None,
        sinusoid: bool = False,
    ) -> list[Picture]:
        """Draw pictures on the straight line from latent z1 to z2, both included.

        They are evenly spaced; with `sinusoid` picture p in 0 … 1 lies at sin(p·π/2), so that the
        morph slows down towards z2. Raises InvalidRequestError for fewer than one frame.
        """
        if n_total_frame < 1:
            raise InvalidRequestError(f"{n_total_frame} frames: an animation has 1 at least")
        p = np.linspace(0.0, 1.0, n_total_frame)
        if sinusoid:
            p = np.sin(p * (np.pi / 2.0))
        return [self.generate(z, x_dim, y_dim, scale) for z in lerp(np.ravel(z1), np.ravel(z2), p)]

    @overload
    def save_anim_gif(
        self,
        z1: ArrayLike,
        z2: ArrayLike,
        filename: Name,
        n_frame: int = 10,
        duration1: float = 0.5,
        duration2: float = 1.0,
        duration: float = 0.1,
        x_dim: int = 512,
        y_dim: int = 512,
        scale: float | None = None,
        reverse: bool = True,
    ) -> None: ...

    @overload
    def save_anim_gif(
        self, images: Sequence[ArrayLike] | NDArray[Any], filename: Name, duration: float = 0.1
    ) -> None: ...

    def save_anim_gif(self, *arguments: Any, **options: Any) -> None:
        """Write an endless GIF: a morph from latent z1 to z2, or a list of images.

        From z1 to z2 there are n_frame + 2 pictures; the first is shown for duration1 seconds, the
        last for duration2, each other for duration. `reverse` appends the way back.

        Raises InvalidRequestError as `save_gif` does.
        """
        first = arguments[0] if arguments else options.get("images")
        images: Any = first if isinstance(first, Sequence | np.ndarray) else None
        is_list = images is not None and (len(images) == 0 or np.ndim(images[0]) >= 2)
        save = self._save_images if is_list else self._save_morph
        save(*arguments, **options)

    def _save_images(
        self, images: Sequence[ArrayLike] | NDArray[Any], filename: Name, duration: float = 0.1
    ) -> None:
        save_gif([self.to_image(image) for image in images], filename, [duration] * len(images))

    def _save_morph(
        self,
        z1: ArrayLike,
        z2: ArrayLike,
        filename: Name,
        n_frame: int = 10,
        duration1: float = 0.5,
        duration2: float = 1.0,
        duration: float = 0.1,
        x_dim: int = 512,
        y_dim: int = 512,
        scale: float | None = None,
        reverse: bool = True,
    ) -> None:
        pictures = self.morph(z1, z2, n_frame + 2, x_dim, y_dim, scale)
        images = [self.to_image(picture) for picture in pictures]
        seconds = [duration1, *[duration] * n_frame, duration2]
        if reverse:
            images += images[-2::-1]
            seconds += [*[duration] * n_frame, duration1]
        save_gif(images, filename, seconds)

    def _repr_png_(self) -> bytes:
        latent = self.cppn.seeded_latent(self._next_latent) if self.z is None else self.z
        drawn = self.to_image(self._draw(self.scene(latent, 512, 512)))
        return encode_png(np.asarray(drawn).reshape(512, 512, -1))

    def __repr__(self) -> str:
        if self.seed is None:
            return f"Sampler.of({self.cppn!r})"
        return (
            f"Sampler(z_dim={self.z_dim}, c_dim={self.c_dim}, scale={self.scale}, "
            f'net_size={self.net_size}, seed={self.seed}, preset="{self.preset}")'
        )


def _rescaled(cppn: CPPN, scale: float) -> CPPN:
    """Return a copy of a network with another latent scale and a view scaled by the same factor."""
    if not 0.0 < scale < float("inf"):
        raise InvalidRequestError(f"scale = {scale}: must be a finite number above 0")
    s = cppn.structure
    ratio = scale / s.latent_scale
    view = dict(s.view)
    for key in view.keys() & {"scale", "center"}:
        view[key] = (np.asarray(view[key]) * ratio).tolist()
    x0, y0 = s.origin
    structure = replace(s, latent_scale=scale, view=view, origin=(x0 * ratio, y0 * ratio))
    return CPPN(structure, cppn.layers)


def _next_seed(seed: int) -> int:
    return seed + 1 if seed < MAX_SEED else 0
