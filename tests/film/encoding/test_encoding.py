"""What others see in the files: PyAV and Pillow are the judges."""

import os
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import av
import imageio.v3 as iio
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from tests.film.conftest import FRAMES, pixels
from tilecppn.errors import ExportError, RenderError
from tilecppn.film.animate import animate
from tilecppn.film.encoding import ffmpeg, metadata
from tilecppn.film.encoding.codecs import CODECS, CONTAINERS
from tilecppn.film.encoding.targets import FilmOptions, choose_target
from tilecppn.film.store import FilmStore
from tilecppn.film.timeline.keyframes import Keyframe
from tilecppn.film.timeline.moves import moving
from tilecppn.film.timeline.timeline import Timeline
from tilecppn.scene.scene import Scene

Pixels = NDArray[Any]

BT709, SRGB, PRIMARIES = 1, 13, 1  # ITU-T H.273
LIMITED = 1  # of PyAV


class Seen(NamedTuple):
    """What a third program makes of a video."""

    codec: str
    pixels: str
    size: tuple[int, int]
    rate: Fraction
    seconds: float  # 0 where the file says none
    times: list[float]
    frames: list[Any]
    context: Any


def seen(path: Path) -> Seen:
    with av.open(path) as file:
        stream = file.streams.video[0]
        frames = list(file.decode(video=0))
        rate, context = stream.average_rate, stream.codec_context
        assert rate is not None
        times = [float(f.pts * f.time_base) for f in frames if f.pts is not None and f.time_base]
        return Seen(
            context.name,
            str(context.pix_fmt),
            (context.width, context.height),
            rate,
            (file.duration or 0) / 1e6,
            times,
            frames,
            context,
        )


# codec → name that the judge knows, its pixel format; bytes are not the same thing as bits:
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
    assert found.seconds == pytest.approx(2.3, abs=1e-3)
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
    film = moving(even_film.base, orbit=True, loop=True, seconds=2.3, fps=10)
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


def test_the_same_film_is_the_same_file(even_film: Timeline, tmp_path: Path) -> None:
    files = [
        animate(even_film, tmp_path / f"{workers}.mp4", executor="local", workers=workers, clip=1)
        for workers in (1, 2)
    ]
    assert files[0].read_bytes() == files[1].read_bytes()


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


# Odd sizes


def test_odd_sides_need_a_policy(film: Timeline, frames: Pixels, tmp_path: Path) -> None:
    with pytest.raises(ExportError, match=r"97 × 66: h264 \(yuv420p\) needs even sides; give"):
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


# Animations


def test_gif(film: Timeline, frames: Pixels, tmp_path: Path) -> None:
    animate(film, tmp_path / "a.gif", executor="local")
    with Image.open(tmp_path / "a.gif") as image:
        assert image.size == (97, 66)
        assert image.info["loop"] == 0
        assert image.n_frames == FRAMES  # type: ignore[attr-defined]
        for k in range(FRAMES):
            image.seek(k)
            assert image.info["duration"] == 100
            error = np.abs(np.asarray(image.convert("RGB")).astype(int) - frames[k]).mean()
            assert error < 12


def test_a_gif_has_the_colours_of_each_frame(tmp_path: Path) -> None:
    """One palette for all ten frames, each of other hues, is off by 0.5 to 2.1."""
    scene = Scene.of(
        cppn={"seed": 3, "width": 8, "depth": 2, "channels": 1},
        canvas={"width": 96, "height": 64},
        output={"tile": 64, "shard": 64},
    )
    ends = (["#000000", "#ff0000", "#00ff00"], ["#ffff00", "#00ffff", "#0000ff"])
    keyframes = [Keyframe(0.9 * k, output={"palette": palette}) for k, palette in enumerate(ends)]
    film = Timeline.of(scene, keyframes, seconds=1, fps=10)
    store = FilmStore(animate(film, tmp_path / "a.zarr", executor="local"))
    animate(film, tmp_path / "a.gif", executor="local")
    with Image.open(tmp_path / "a.gif") as image:
        for k, frame in enumerate(pixels(store)):
            image.seek(k)
            error = np.abs(np.asarray(image.convert("RGB")).astype(int) - frame).mean()
            assert error < 0.5


def durations(path: Path) -> list[int]:
    with Image.open(path) as image:
        found = []
        for k in range(image.n_frames):  # type: ignore[attr-defined]
            image.seek(k)
            image.load()
            found.append(int(image.info["duration"]))
        return found


def test_gif_durations_are_hundredths_and_add_up(scene: Scene, tmp_path: Path) -> None:
    film = moving(scene, zoom=5.0, seconds=1, fps=30)
    animate(film, tmp_path / "a.gif", executor="local")
    found = durations(tmp_path / "a.gif")
    assert set(found) == {30, 40}
    assert sum(found) == 1000


def test_a_frame_that_is_held_is_one_long_frame_of_a_gif(scene: Scene, tmp_path: Path) -> None:
    film = Timeline.of(
        scene,
        [
            Keyframe(0, view={"scale": 2.0}),
            Keyframe(0.2, view={"scale": 1.0}, easing="hold"),
            Keyframe(0.8, view={"scale": 0.5}),
        ],
        seconds=1.2,
        fps=10,
    )
    animate(film, tmp_path / "a.gif", executor="local")
    found = durations(tmp_path / "a.gif")
    assert found == [100, 100, 600, 400]


def test_webp(film: Timeline, frames: Pixels, tmp_path: Path) -> None:
    animate(film, tmp_path / "a.webp", executor="local")
    assert durations(tmp_path / "a.webp") == [100] * FRAMES
    with Image.open(tmp_path / "a.webp") as image:
        assert image.info["loop"] == 0
        image.seek(7)
        error = np.abs(np.asarray(image.convert("RGB")).astype(int) - frames[7]).mean()
        assert error < 5


def test_apng(film: Timeline, frames: Pixels, tmp_path: Path) -> None:
    animate(film, tmp_path / "a.png", executor="local")
    assert durations(tmp_path / "a.png") == [100] * FRAMES
    with Image.open(tmp_path / "a.png") as image:
        assert image.info["loop"] == 0
        for k in range(FRAMES):
            image.seek(k)
            assert np.array_equal(np.asarray(image.convert("RGB")), frames[k])


# What files say of themselves


@pytest.mark.parametrize(
    "name", ["a.mp4", "a.mov", "a.webm", "a.mkv", "a.gif", "a.webp", "a.png", "a"]
)
def test_every_file_carries_its_timeline(even_film: Timeline, tmp_path: Path, name: str) -> None:
    path = animate(even_film, tmp_path / name, executor="local")
    target = choose_target(path, even_film, FilmOptions())
    assert target is not None
    mark = target.made()
    assert mark is not None
    assert Timeline.parse(mark.timeline).fingerprint == mark.fingerprint == even_film.fingerprint
    assert mark.recipe == target.encoding.recipe


def test_each_frame_of_a_folder_carries_its_scene(film: Timeline, tmp_path: Path) -> None:
    from tilecppn.exporters.png import scene_of

    animate(film, tmp_path / "a", executor="local")
    text = scene_of(tmp_path / "a" / "frame-00004.png")
    assert text is not None
    assert Scene.parse(text).fingerprint == film.scene(4).fingerprint


def test_metadata_goes_through_ffmpeg_unchanged() -> None:
    text = 'a = 1; b\\c # d\n[e]\nf="g"\n'
    assert ffmpeg.metadata_file({"x": text}).startswith(";FFMETADATA1\nx=a \\= 1")


def test_what_is_no_film_has_no_mark(tmp_path: Path) -> None:
    for name in ("a.mp4", "a.gif", "a.png", "a.webp"):
        (tmp_path / name).write_bytes(b"GIF89a")
        assert metadata.read(tmp_path / name) is None


# What is refused


@pytest.mark.parametrize(
    ("name", "options", "words"),
    [
        ("a.avi", {}, 'unknown kind of film ".avi"'),
        ("a.mp4", {"codec": "h266"}, 'unknown codec "h266"; did you mean "h26'),
        ("a.mp4", {"codec": "vp9"}, "not vp9"),
        ("a.mp4", {"crf": 99}, "from 0 (best) to 51"),
        ("a.mov", {"crf": 9}, "no such quality"),
        ("a.mp4", {"even": "stretch"}, '"pad" or "crop"'),
        ("a.gif", {"codec": "h264"}, "--codec is not for this kind of film"),
        ("a", {"format": "jpg"}, 'unknown format "jpg"'),
        ("a.zarr", {"clip": 1.0}, "--clip is not for"),
        ("a.mp4", {"clip": -1.0}, "--clip -1: must be a number of seconds"),
        ("a.mp4", {"clip": float("nan")}, "--clip nan: must be"),
        ("a.mp4", {"clip": float("inf")}, "--clip inf: must be"),
    ],
)
def test_what_a_target_has_not_is_refused_before_any_work(
    even_film: Timeline, tmp_path: Path, name: str, options: dict[str, Any], words: str
) -> None:
    with pytest.raises(ExportError) as caught:
        animate(even_film, tmp_path / name, **options)
    assert words in str(caught.value)
    assert not list(tmp_path.iterdir())


def test_what_an_encoder_cannot_take_is_refused_before_any_work(
    scene: Scene, tmp_path: Path
) -> None:
    wide = scene.replace(canvas={"width": 30000, "height": 64})
    film = moving(wide, zoom=2.0, seconds=1, fps=10)
    with pytest.raises(ExportError, match=r"30000 × 64: cannot be a film of av1 \(ffmpeg"):
        animate(film, tmp_path / "a.webm", codec="av1")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["a.mp4", "a.gif", "a.png", "a.webp", "a"])
def test_a_pipe_is_refused_and_not_waited_for(
    in_a_minute: None, even_film: Timeline, tmp_path: Path, name: str
) -> None:
    os.mkfifo(tmp_path / name)
    with pytest.raises(ExportError, match="not made by tilecppn"):
        animate(even_film, tmp_path / name, overwrite=True)


@pytest.mark.parametrize("name", [".", "..", "/"])
def test_a_film_needs_a_name(
    film: Timeline, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ExportError, match="names no film"):
        animate(film, name)


def test_gifs_are_not_faster_than_they_are_shown(scene: Scene, tmp_path: Path) -> None:
    film = moving(scene, zoom=2.0, seconds=1, fps=60)
    with pytest.raises(ExportError, match="50 at most"):
        animate(film, tmp_path / "a.gif")


def test_ffmpegs_own_words_are_the_error(tmp_path: Path) -> None:
    with pytest.raises(RenderError, match=r"ffmpeg ended with .*No such file"):
        ffmpeg.run(["-i", str(tmp_path / "none.mp4"), str(tmp_path / "a.mp4")])


def test_every_codec_is_in_the_binary() -> None:
    import subprocess

    done = subprocess.run(
        [ffmpeg.executable(), "-hide_banner", "-encoders"], capture_output=True, text=True
    )
    for codec in CODECS.values():
        assert f" {codec.encoder[1]} " in done.stdout
