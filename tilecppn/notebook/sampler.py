"""The notebook face: the originals' Sampler, method for method."""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import replace
from os import PathLike
from pathlib import Path
from typing import Any, NamedTuple, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray
from PIL import Image

from tilecppn.cppn import CPPN, PRESETS
from tilecppn.cppn.latents import lerp
from tilecppn.cppn.seeding import MAX_SEED
from tilecppn.errors import InvalidRequestError
from tilecppn.exporters.png import encode_png
from tilecppn.kernels import EvaluationContext, create
from tilecppn.notebook.learned import Learned
from tilecppn.pixels.interleave import interleaved
from tilecppn.pixels.quantise import quantise
from tilecppn.pixels.window import render_window
from tilecppn.plan import Window
from tilecppn.scene.scene import Scene
from tilecppn.scene.sections import Output
from tilecppn.train.data.images import Images

Picture = NDArray[np.float32]  # (y_dim, x_dim, c_dim, or 3 with a palette), in 0 … 1
Name = str | PathLike[str]


class SamplerDefaults(NamedTuple):
    """What an original does by itself in a notebook."""

    c_dim: int | None  # None: the preset's own channels
    x_dim: int
    y_dim: int
    invert: bool  # images show and save 1 - v
    view: Mapping[str, Any]  # beside the network's own


_WHOLE = {"aspect": "stretch", "grid": "endpoints"}
_HARDMARU = SamplerDefaults(1, 1080, 1060, True, _WHOLE)
_OWN = SamplerDefaults(None, 512, 512, False, {})
HABITS = {
    "hardmaru": _HARDMARU,
    "hardmaru-softplus": _HARDMARU,
    "hardmaru-sine": _HARDMARU,
    "hardmaru-sqrt": _HARDMARU,
    "hardmaru-residual": _HARDMARU,
    "hardmaru-gan-vae": SamplerDefaults(1, 512, 512, True, _WHOLE),
    "flux": SamplerDefaults(1, 512, 512, False, _WHOLE),
    "guibas": SamplerDefaults(1, 256, 256, False, _WHOLE),
}


class Sampler:
    """Draws pictures of one random network, as the originals' class of that name does.

    z_dim, c_dim, scale and net_size are the preset's own where they are None: 8, 1, 10.0 and 32
    for `hardmaru`. `scale` multiplies the latent, and is what pictures are drawn at unless they
    are asked for at another, which zooms and leaves the latent alone. seed: of the weights, and
    of the first latent; None takes one at random, which `repr` shows.

    `scene` gives the scene of a picture, so that `tc.render` draws it at any size.
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
        self._drawn_from = (preset, z_dim, c_dim, net_size)
        self._take(self._network(self.seed))
        self._next_latent = self.seed

    @classmethod
    def of(cls, cppn: CPPN, *, seed: int | None = None, kernel: str = "auto") -> "Sampler":
        """A Sampler of a given network, such as one from a weights file; seed: of its latents."""
        sampler = cls.__new__(cls)
        sampler.seed = None
        sampler.kernel = kernel
        sampler._scale = None
        sampler._take(cppn)
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
        """A Sampler of a model file, which `tilecppn train` wrote: it can also `encode`.

        data: where the images are that it was trained on, if not a word like `digits`; seed: of
        its latents and of its choice among the images.
        """
        sampler = cls.of(CPPN.load(Path(model)), seed=seed, kernel=kernel)
        sampler._learned = Learned(Path(model), data, np.random.default_rng(seed))
        return sampler

    def _network(self, seed: int) -> CPPN:
        preset, z_dim, c_dim, net_size = self._drawn_from
        channels = HABITS.get(preset, _OWN).c_dim if c_dim is None else c_dim
        cppn = CPPN.from_preset(preset, seed=seed, channels=channels, z_dim=z_dim, width=net_size)
        return cppn if self._scale is None else _rescaled(cppn, self._scale)

    @property
    def _source(self) -> dict[str, Any]:
        """[cppn] of the network, if a preset and a seed give it."""
        if self.seed is None:
            return {}
        own = {"z_dim": self.z_dim, "channels": self.c_dim, "width": self.net_size}
        return {"preset": self.preset, "seed": self.seed, **own}

    @property
    def _colours(self) -> dict[str, Any]:
        """The preset's own palette, if it has one and the network is grey."""
        preset = PRESETS.get(self.preset)
        if preset is None or preset.palette is None or self.c_dim != 1:
            return {}
        return {"palette": preset.palette}

    def _take(self, cppn: CPPN) -> None:
        self.cppn = cppn
        self._learned: Learned | None = None
        self.habits = HABITS.get(cppn.structure.preset, _OWN)
        self.z: NDArray[np.float64] | None = None  # of the picture drawn last
        self._last: tuple[Picture, Scene] | None = None

    @property
    def z_dim(self) -> int:
        return self.cppn.structure.z_dim

    @property
    def c_dim(self) -> int:
        return self.cppn.channels

    @property
    def net_size(self) -> int:
        return self.cppn.width

    @property
    def scale(self) -> float:
        return self.cppn.structure.latent_scale

    @property
    def preset(self) -> str:
        return self.cppn.structure.preset

    def generate_z(self) -> NDArray[np.float64]:
        """A new latent (z_dim,) from the network's own distribution.

        The first is the one of `latent.seed` = the Sampler's seed, each further of the next seed.
        """
        latent = self.cppn.seeded_latent(self._next_latent)
        self._next_latent = _following(self._next_latent)
        return latent

    @property
    def learned(self) -> Learned:
        """Encoder and images of a trained model. Raises InvalidRequestError for another network."""
        if self._learned is None:
            raise InvalidRequestError(
                "this network was not trained: Sampler.load opens a model that was"
            )
        return self._learned

    def encode(self, image: ArrayLike | Image.Image) -> NDArray[np.float64]:
        """The latent (z_dim,) of an image (height, width[, channels]) in 0 … 1, by the encoder.

        `generate` of it is the image's reconstruction, at any size.
        """
        return self.learned.encode(image)

    def get_random(self) -> NDArray[np.float32]:
        """A random image (size, size, channels) of those that the model was trained on."""
        return self.learned.get_random()

    def get_random_specific(self, label: str | int) -> NDArray[np.float32]:
        """A random image of a label."""
        return self.learned.get_random(label)

    get_random_mnist = get_random  # the original's names
    get_random_specific_mnist = get_random_specific

    def reinit(self) -> None:
        """New random weights: those of the next seed."""
        if self.seed is None:
            raise InvalidRequestError(
                "reinit: this network was not drawn from a seed; make a new Sampler"
            )
        self.seed = _following(self.seed)
        self._take(self._network(self.seed))

    def scene(
        self,
        z: ArrayLike | None = None,
        x_dim: int | None = None,
        y_dim: int | None = None,
        scale: float | None = None,
    ) -> Scene:
        """The scene that `generate` draws, for `tc.render`, `tc.preview` and files."""
        structure = self.cppn.structure
        zoom = 1.0 if scale is None else scale / self.scale
        view = {"scale": self.scale, **self.habits.view, **structure.view}
        view["scale"] *= zoom
        latent = self.generate_z() if z is None else np.asarray(z, np.float64).reshape(-1)
        scene = Scene.of(
            cppn=self._source,
            canvas={
                "width": self.habits.x_dim if x_dim is None else x_dim,
                "height": self.habits.y_dim if y_dim is None else y_dim,
            },
            view=view,
            output={"invert": self.habits.invert, **self._colours},
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
        """The picture (y_dim, x_dim, c_dim) of a latent, values in 0 … 1; a new one without z.

        scale: of the plane; the Sampler's own if None. Sizes that are None are the original's.
        """
        scene = self.scene(z, x_dim, y_dim, scale)
        self.z = scene.z.copy()
        image = self._draw(scene)
        self._last = (image, scene)
        return image

    def _draw(self, scene: Scene) -> Picture:
        upright = scene.replace(output={"dtype": "float32", "invert": False, "tolerance": 0.0})
        window = Window(0, 0, scene.canvas.height, scene.canvas.width)
        pixels = render_window(create(self.kernel, EvaluationContext.of(upright)), upright, window)
        return interleaved(pixels)

    def to_image(self, image: ArrayLike | Image.Image) -> Image.Image:
        """A Pillow image of 8 bits, rounded to nearest, of values in 0 … 1.

        Inverted for the presets whose originals save 1 - v: a value of 1 is black there. A Pillow
        image stays as it is.
        """
        if isinstance(image, Image.Image):
            return image
        values = np.array(image, np.float32)
        if values.ndim == 3 and values.shape[2] == 1:
            values = values[:, :, 0]
        if not (values.ndim == 2 or (values.ndim == 3 and values.shape[2] == 3)):
            raise InvalidRequestError(
                f"image of shape {values.shape}: must be (height, width, 1 or 3)"
            )
        pixels = np.empty(values.shape, np.uint8)
        quantise(values, Output(invert=self.habits.invert), pixels)
        return Image.fromarray(pixels)

    def show_image(self, image: ArrayLike) -> None:
        """Show a picture in the notebook."""
        try:
            from IPython.display import display
        except ImportError:
            raise InvalidRequestError(
                "show_image needs a notebook; save_png writes a file"
            ) from None
        display(self.to_image(image))

    def show_image_from_z(self, z: ArrayLike) -> None:
        """Show the picture of a latent in the notebook."""
        self.show_image(self.generate(z))

    def save_png(
        self, image: ArrayLike, filename: Name, specific_size: tuple[int, int] | None = None
    ) -> None:
        """Write a picture as a PNG; specific_size (width, height) repeats or drops its pixels.

        The picture drawn last carries its scene in the file.
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
        """Pictures on the straight way from z1 to z2, both included.

        Evenly spaced, or with `sinusoid` at sin(p·π/2) of the way, which slows down at z2.
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
        """An endless animation from latent z1 to z2, or of a list of images.

        From z1 to z2 there are n_frame + 2 pictures; the first stands for duration1 seconds, the
        last for duration2, each other for duration; with `reverse` the way back follows.
        GIF counts time in hundredths of a second; pictures that are equal one after the other
        are kept as one that stands longer.
        """
        first = arguments[0] if arguments else options.get("images")
        images = isinstance(first, Sequence | np.ndarray) and len(first) and np.ndim(first[0]) >= 2
        write = self._gif_of_images if images else self._gif_of_latents
        write(*arguments, **options)

    def _gif_of_images(
        self, images: Sequence[ArrayLike] | NDArray[Any], filename: Name, duration: float = 0.1
    ) -> None:
        save_gif([self.to_image(image) for image in images], filename, [duration] * len(images))

    def _gif_of_latents(
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
        way = self.morph(z1, z2, n_frame + 2, x_dim, y_dim, scale)
        images = [self.to_image(image) for image in way]
        durations = [duration1, *[duration] * n_frame, duration2]
        if reverse:
            images += images[-2::-1]
            durations += [*[duration] * n_frame, duration1]
        save_gif(images, filename, durations)

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


def save_gif(images: Sequence[Image.Image], filename: Name, durations: Sequence[float]) -> None:
    """An animation that loops for ever; durations are seconds, one for each image."""
    if min(durations) < 0.01:
        raise InvalidRequestError(f"duration {min(durations)}: a GIF's shortest is 0.01 seconds")
    first, *others = images
    first.save(
        filename,
        format="GIF",
        save_all=True,
        append_images=others,
        duration=[10 * round(100 * seconds) for seconds in durations],  # milliseconds
        loop=0,
    )


def _rescaled(cppn: CPPN, scale: float) -> CPPN:
    """A network with another scale of its latent, and of its own plane with it."""
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


def _following(seed: int) -> int:
    return seed + 1 if seed < MAX_SEED else 0
