"""HDR: the standards' own numbers, zimg as a judge of curves and primaries, and what is raised."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from tests.stores import noise
from tilecppn import ffmpeg
from tilecppn.errors import ExportError
from tilecppn.pixels.hdr import AT_ONCE, HDR, PEAK, TRANSFERS, WHITE, gain, hlg, pq, to_bt2020
from tilecppn.pixels.light import linear
from tilecppn.scene.sections import Output

DEEP = Output(dtype="uint16")
LUMINANCE = {  # of red, green and blue: the middle rows of the matrices to X, Y, Z
    "srgb": (0.2126, 0.7152, 0.0722),
    "display-p3": (0.2290, 0.6917, 0.0793),
}


def hdr(transfer: str = "pq", peak: float = PEAK, profile: str = "srgb") -> HDR:
    return HDR(transfer, peak, profile)


@pytest.mark.parametrize(
    ("light", "of_pq", "of_hlg"),
    # ITU-R BT.2408-7, tables 1 and 2; SMPTE ST 2084 ends at 10,000 cd/m².
    [(0, 0, 0), (26, 38, 38), (203, 58, 75), (1000, 75, 100), (10_000, 100, None)],
)
def test_signals_are_those_of_the_standards(
    light: float, of_pq: float, of_hlg: float | None
) -> None:
    values = np.array([float(light)])
    assert 100 * pq(values, values)[0] == pytest.approx(of_pq, abs=0.5)
    if of_hlg is not None:
        assert 100 * hlg(values, values)[0] == pytest.approx(of_hlg, abs=0.5)


def test_the_matrix_is_that_of_bt_2087() -> None:
    wanted = [[0.6274, 0.3293, 0.0433], [0.0691, 0.9195, 0.0114], [0.0164, 0.0880, 0.8956]]
    assert np.allclose(to_bt2020("srgb"), wanted, atol=5e-5)


@pytest.mark.parametrize("transfer", sorted(TRANSFERS))
@pytest.mark.parametrize(("profile", "named"), [("srgb", "bt709"), ("display-p3", "smpte432")])
def test_zimg_reads_the_light_that_is_meant(
    transfer: str, profile: str, named: str, tmp_path: Path
) -> None:
    stored = noise((3, 16, 64), "uint16")
    stored[:, 0] = np.linspace(0, 65535, 64)
    signal = hdr(transfer, profile=profile).of_stored(stored)
    frame = np.ascontiguousarray(np.moveaxis(signal, 0, -1)).astype("<u2")
    curve = TRANSFERS[transfer].ffmpeg
    tags = f"setparams=color_primaries=bt2020:color_trc={curve}:colorspace=gbr:range=pc"
    convert = f"zscale=transfer=linear:primaries={named}:npl={WHITE:g}:agamma=false"
    raw = tmp_path / "light.raw"
    ffmpeg.run(
        [
            *("-f", "rawvideo", "-pix_fmt", "rgb48le", "-video_size", "64x16", "-i", "-"),
            *("-vf", f"{tags},format=gbrp16le,{convert},format=gbrpf32le"),
            *("-f", "rawvideo", str(raw)),
        ],
        [frame],
    )
    found = np.fromfile(raw, "<f4").reshape(3, 16, 64)[[2, 0, 1]]
    light = linear(stored, profile, np.dtype(np.float64))
    wanted = light * gain(np.tensordot(LUMINANCE[profile], light, 1), PEAK)
    assert np.allclose(found, wanted, rtol=2e-3, atol=1e-3)
    assert found[:, 0, -1] == pytest.approx(PEAK / WHITE, rel=1e-3)  # SDR's white


@given(st.floats(0, 1), st.floats(0, 1), st.floats(WHITE, 10_000))
def test_brighter_stays_brighter_and_dark_stays_as_it_is(
    first: float, second: float, peak: float
) -> None:
    low, high = sorted([first, second])
    raised = np.array([low, high]) * gain(np.array([low, high]), peak)
    assert raised[0] <= raised[1] * (1 + 1e-12)
    assert low <= raised[0] <= peak / WHITE * (1 + 1e-12)
    if high <= 0.25:
        assert raised[1] == high


@pytest.mark.parametrize("transfer", sorted(TRANSFERS))
def test_greys_and_rows_are_each_for_themselves(transfer: str) -> None:
    grey = noise((1, 5, 300), "uint16")
    one, three = hdr(transfer), np.repeat(grey, 3, axis=0)
    assert np.abs(one.of_stored(three) - one.of_stored(grey).astype(int)).max() <= 4
    wide = noise((1, 3, AT_ONCE - 7), "uint16")
    rows = [one.of_stored(wide[:, k : k + 1]) for k in range(3)]
    assert np.array_equal(one.of_stored(wide), np.concatenate(rows, axis=1))


def test_floats_end_at_black_and_at_the_peak() -> None:
    values: NDArray[Any] = np.array([[[np.nan, -1.0, 1.0, 9.0]]], np.float32)
    found = hdr().of_stored(values)[0, 0]
    white = round(65535 * float(pq(np.array(PEAK), np.array(PEAK))))
    assert found.tolist() == [0, 0, white, white]


def test_without_a_higher_peak_it_is_sdr_in_another_signal() -> None:
    grey = np.array([[[0, 30000, 65535]]], np.uint16)
    light = WHITE * linear(grey, "srgb", np.dtype(np.float64))
    assert np.array_equal(hdr(peak=WHITE).of_stored(grey), np.rint(65535 * pq(light, light)))


@pytest.mark.parametrize(
    ("transfer", "peak", "output", "why"),
    [
        ("pq", None, Output(), "output.dtype=uint16"),
        ("hdr10", None, DEEP, "known: pq, hlg"),
        ("pq", 100.0, DEEP, "from 203"),
        ("hlg", 1200.0, DEEP, "to 1000"),
        (None, 1000.0, DEEP, "pq and hlg have one"),
    ],
)
def test_what_cannot_be_is_refused(
    transfer: str | None, peak: float | None, output: Output, why: str
) -> None:
    with pytest.raises(ExportError, match=why):
        HDR.of(transfer, peak, output)


def test_a_person_need_not_say_the_peak() -> None:
    assert HDR.of(None, None, Output()) is None
    assert HDR.of("hlg", None, DEEP) == HDR("hlg", 1000.0, "srgb")
