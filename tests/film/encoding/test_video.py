"""What other programs see in videos."""

from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import imageio.v3 as iio
import numpy as np
import pytest
from numpy.typing import NDArray

from tests.film.conftest import FRAMES, pixels
from tests.film.encoding.conftest import seen
from tilecppn import ffmpeg
from tilecppn.errors import ExportError
from tilecppn.film.animate import animate
from tilecppn.film.encoding.codecs import CODECS, CONTAINERS
from tilecppn.film.encoding.metadata import read_text
from tilecppn.film.store import FilmStore
from tilecppn.film.timeline.excerpt import excerpt
from tilecppn.film.timeline.moves import moving
from tilecppn.film.timeline.timeline import Timeline
from tilecppn.pixels.hdr import HDR
from tilecppn.scene.scene import Scene

Pixels = NDArray[Any]
BT709, SRGB, PRIMARIES, BT2020 = 1, 13, 1, 9  # ITU-T H.273
LIMITED = 1  # of PyAV

# codec → name that PyAV knows, its pixel format; bytes are not the same thing as bits:
# FFmpeg's ProRes 4444 decoder gives 12 bits, whatever was encoded.
WANTED = {
    "h264": ("h264", "yuv420p"),
    "h265": ("hevc", "yuv420p"),
    "h265-10": ("hevc", "yuv420p10le"),
    "prores-hq": ("prores", "yuv422p10le"),
    "prores-4444": ("prores", "yuv444p12le"),
    "vp9": ("vp9", "yuv420p"),
    "av1": ("libdav1d", "yuv420p10le"),
    "ffv1": ("ffv1", "bgr0"),
}
TARGETS = [
    *((".mp4", codec) for codec in CONTAINERS[".mp4"].codecs),
    *((".mov", codec) for codec in ("prores-hq", "prores-4444", "h264")),
    *((".webm", codec) for codec in CONTAINERS[".webm"].codecs),
    (".mkv", "ffv1"),
]


@pytest.mark.parametrize(("suffix", "codec"), TARGETS)
def test_every_target_has_codec_format_size_rate_count_and_tags(
    even_film: Timeline, even_frames: Pixels, tmp_path: Path, suffix: str, codec: str
) -> None:
    film = animate(even_film, tmp_path / f"a{suffix}", codec=codec, clip=1, executor="local")
    found = seen(film)
    assert (found.codec, found.pixels) == WANTED[codec]
    assert found.size == (96, 66)
    assert found.rate == 10
    assert len(found.frames) == FRAMES
    assert found.seconds == pytest.approx(FRAMES / 10, abs=1e-3)
    assert found.times == pytest.approx([k / 10 for k in range(FRAMES)], abs=1e-3)
    lossless = codec == "ffv1"
    assert found.context.color_primaries == PRIMARIES
    assert found.context.color_trc == (SRGB if lossless else BT709)
    if not lossless:
        assert found.context.color_range == LIMITED
        assert found.context.colorspace == BT709
    if codec.startswith("h265"):
        assert found.context.codec_tag == "hvc1"
    # A wrong matrix or range would be off by 5 and more on the mean.
    for k in (0, 9, 10, FRAMES - 1):
        rgb = found.frames[k].to_ndarray(format="rgb24").astype(int)
        error = np.abs(rgb - even_frames[k]).mean()
        assert error == 0 if lossless else error < 2.5
    assert film.with_name(film.name + ".parts").exists() is False


def test_mp4_can_start_before_it_is_loaded(even_film: Timeline, tmp_path: Path) -> None:
    for name in ("a.mp4", "a.mov"):
        data = animate(even_film, tmp_path / name, executor="local").read_bytes()
        assert 0 < data.index(b"moov") < data.index(b"mdat")


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
@pytest.mark.parametrize("channels", [1, 3])
def test_lossless_is_lossless(tmp_path: Path, dtype: str, channels: int) -> None:
    scene = Scene.of(
        cppn={"seed": 3, "width": 8, "depth": 2, "channels": channels},
        canvas={"width": 33, "height": 21},
        output={"dtype": dtype, "tile": 64, "shard": 64},
    )
    film = moving(scene, morph=[1, 2], seconds=0.5, fps=10)
    animate(film, tmp_path / "a.mkv", executor="local")
    animate(film, tmp_path / "a", executor="local")
    animate(film, tmp_path / "b", executor="local", format="tif")
    animate(film, tmp_path / "a.png", executor="local")
    stills = [np.asarray(iio.imread(tmp_path / "b" / f"frame-{k:05d}.tif")) for k in range(5)]
    if dtype == "float32":
        stills = [np.rint(np.clip(s, 0, 1) * np.float32(65535)) for s in stills]
    video = seen(tmp_path / "a.mkv")
    layout = {
        ("uint8", 1): "gray8",
        ("uint8", 3): "rgb24",
    }.get((dtype, channels), "gray16le" if channels == 1 else "rgb48le")
    for k, still in enumerate(stills):
        assert np.array_equal(video.frames[k].to_ndarray(format=layout), still)
        with av.open(tmp_path / "a" / f"frame-{k:05d}.png") as file:
            assert np.array_equal(next(file.decode(video=0)).to_ndarray(format=layout), still)
    for k, frame in enumerate(seen(tmp_path / "a.png").frames):
        found = frame.to_ndarray(format="rgb24" if dtype == "uint8" else "rgb48le")
        assert np.array_equal(found[..., 0], stills[k] if channels == 1 else stills[k][..., 0])


def test_clips_are_joined_without_a_seam(even_film: Timeline, tmp_path: Path) -> None:
    film = moving(even_film.base, orbit=True, loop=True, seconds=1.1, fps=10)
    whole = seen(animate(film, tmp_path / "whole.mp4", clip=0, executor="local"))
    parts = seen(animate(film, tmp_path / "parts.mp4", clip=0.5, executor="local"))
    even_frames = pixels(FilmStore(animate(film, tmp_path / "a.zarr", executor="local")))
    assert len(whole.frames) == len(parts.frames) == FRAMES
    assert parts.times == whole.times
    decoded = np.stack([f.to_ndarray(format="rgb24") for f in parts.frames]).astype(int)
    for k in range(FRAMES):
        # Every frame is nearest to itself: none is missing, none is there twice.
        errors = np.abs(even_frames.astype(int) - decoded[k]).mean(axis=(1, 2, 3))
        assert errors.argmin() == k
    # Brightness is that of the frames, at joins (every 5 frames) as elsewhere.
    shift = decoded.mean(axis=(1, 2, 3)) - even_frames.mean(axis=(1, 2, 3))
    assert np.abs(np.diff(shift)).max() < 0.5


@pytest.mark.parametrize("name", ["take #1?.mp4", "pipe:1.mkv", "http:a/b.mp4"])
def test_a_path_is_no_address(
    even_film: Timeline, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path(name).parent.mkdir(exist_ok=True)
    animate(even_film, name, clip=0.5, executor="local")
    assert read_text(Path(name)) is not None


def test_the_same_film_is_the_same_file(even_film: Timeline, tmp_path: Path) -> None:
    files = [
        animate(even_film, tmp_path / f"{workers}.mp4", executor="local", workers=workers, clip=1)
        for workers in (1, 2)
    ]
    assert files[0].read_bytes() == files[1].read_bytes()


@pytest.mark.parametrize("codec", ["h264", "h265", "av1"])
@pytest.mark.parametrize("frames", [6, 7, 8])
def test_a_short_rest_does_not_change_the_rate(
    even_film: Timeline, tmp_path: Path, codec: str, frames: int
) -> None:
    """Clips of five frames; a rest of one or two would leave a gap in the decoding times."""
    film = excerpt(even_film, None, f"{frames}f")
    found = seen(animate(film, tmp_path / "a.mp4", codec=codec, clip=0.5, executor="local"))
    assert found.rate == 10
    assert found.times == pytest.approx([k / 10 for k in range(frames)], abs=1e-3)


@pytest.mark.parametrize(("fps", "rate"), [("30000/1001", Fraction(30000, 1001)), (12.5, 12.5)])
def test_odd_rates_are_exact(scene: Scene, tmp_path: Path, fps: Any, rate: Any) -> None:
    film = moving(scene.replace(canvas={"width": 96}), zoom=2.0, seconds=2, fps=fps)
    found = seen(animate(film, tmp_path / "a.mp4", executor="local", clip=0.7))
    assert found.rate == rate
    assert len(found.frames) == film.frames
    assert found.times == pytest.approx([float(k / rate) for k in range(film.frames)], abs=1e-6)


def test_ten_bits_of_sixteen_do_not_shimmer(scene: Scene, tmp_path: Path) -> None:
    still = scene.replace(canvas={"width": 96}, output={"dtype": "uint16"})
    film = Timeline.of(still, fps=10, seconds=0.4, arrays={"view.rotation": [0.0] * 4})
    for name, codec in (("a.mp4", "h265-10"), ("b.mov", "prores-4444"), ("c.mp4", "h264")):
        found = seen(animate(film, tmp_path / name, codec=codec, executor="local"))
        images = [f.to_ndarray(format="rgb48le").astype(int) for f in found.frames]
        assert all(np.abs(a - b).mean() < 257 * 0.35 for a, b in pairwise(images))


@pytest.mark.parametrize(
    ("name", "codec", "transfer", "number"),
    [
        ("a.mp4", "h265-10", "pq", 16),
        ("a.webm", "av1", "hlg", 18),
        ("a.mov", "prores-hq", "hlg", 18),
    ],
)
def test_hdr_says_what_it_is_and_is_as_bright_as_a_still(
    scene: Scene, tmp_path: Path, name: str, codec: str, transfer: str, number: int
) -> None:
    still = scene.replace(canvas={"width": 96, "height": 66}, output={"dtype": "uint16"})
    film = moving(still, morph=[1, 2], zoom=None, orbit=False, fps=10, seconds=0.2)
    path = animate(film, tmp_path / name, codec=codec, transfer=transfer, executor="local")
    found = seen(path)
    tags = (found.context.color_primaries, found.context.color_trc, found.context.colorspace)
    assert tags == (BT2020, number, BT2020)
    assert found.context.color_range == LIMITED
    animate(film, tmp_path / "a.zarr", executor="local")
    stored = pixels(FilmStore(tmp_path / "a.zarr"))
    for frame, values in zip(found.frames, stored, strict=True):
        wanted = HDR(transfer, 1000.0, "srgb").of_stored(np.moveaxis(values, -1, 0))
        plane = frame.planes[0]
        luma = np.frombuffer(plane, "<u2").reshape(-1, plane.line_size // 2)[:66, :96]
        red, green, blue = wanted / 65535
        light = 64 + 876 * (0.2627 * red + 0.6780 * green + 0.0593 * blue)
        assert np.abs(luma - light).mean() < 6


def test_hdr_needs_10_bits(even_film: Timeline, scene: Scene, tmp_path: Path) -> None:
    still = scene.replace(output={"dtype": "uint16"})
    deep = moving(still, morph=[1, 2], zoom=None, orbit=False, fps=10, seconds=0.2)
    for film, name, codec, why in (
        (deep, "a.mp4", "h264", "use codec h265-10, prores-hq, prores-4444 or av1"),
        (deep, "a.gif", None, "applies only to videos"),
        (even_film, "a.mp4", "h265-10", "output.dtype"),
    ):
        with pytest.raises(ExportError, match=why):
            animate(film, tmp_path / name, transfer="pq", codec=codec)


def test_odd_sides_need_a_policy(film: Timeline, frames: Pixels, tmp_path: Path) -> None:
    with pytest.raises(
        ExportError, match=r"97 × 66: h264 \(yuv420p\) needs an even width and height"
    ):
        animate(film, tmp_path / "a.mp4")
    assert not list(tmp_path.iterdir())
    padded = seen(animate(film, tmp_path / "a.mp4", even="pad", executor="local"))
    cropped = seen(animate(film, tmp_path / "b.mp4", even="crop", executor="local"))
    assert (padded.size, cropped.size) == ((98, 66), (96, 66))
    image = padded.frames[5].to_ndarray(format="rgb24").astype(int)
    assert np.abs(image[:, :97] - frames[5]).mean() < 3
    assert np.abs(image[:, 97] - frames[5][:, 96]).mean() < 6  # not black
    odd_is_fine = animate(film, tmp_path / "c.mov", codec="prores-4444", executor="local")
    assert seen(odd_is_fine).size == (97, 66)


def test_every_codec_is_in_the_binary() -> None:
    import subprocess

    done = subprocess.run(
        [ffmpeg.executable(), "-hide_banner", "-encoders"], capture_output=True, text=True
    )
    for codec in CODECS.values():
        assert f" {codec.encoder[1]} " in done.stdout
