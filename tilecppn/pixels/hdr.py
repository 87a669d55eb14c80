"""Convert SDR pictures to HDR: BT.2020 primaries, and the PQ or HLG curve.

SDR's white is 203 cd/m² (ITU-R BT.2408, 2.1). Up to two stops below white a colour is as bright as
in SDR; above, luminance is raised by a factor of 2^(s · t²), with s stops from white to the peak
and t from 0 to 1, so that white becomes the peak. Chromaticity does not change. The curves are
those of ITU-R BT.2100-3, tables 4 and 5.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from tilecppn.errors import ExportError
from tilecppn.pixels.light import linear
from tilecppn.scene.profiles import D65, PROFILES, Pair
from tilecppn.scene.sections import FULL, Output
from tilecppn.suggestions import suggestion

Array = NDArray[np.float64]

WHITE = 203.0  # cd/m²
PEAK = 1000.0  # cd/m², the peak of most masters and displays
KNEE = -2.0  # stops relative to white where highlights begin
BT2020, BT2020_MATRIX = 9, 9  # primaries and Y'CbCr matrix by their numbers in ITU-T H.273
PRIMARIES: tuple[Pair, Pair, Pair] = ((0.708, 0.292), (0.170, 0.797), (0.131, 0.046))
LUMINANCE = np.array([0.2627, 0.6780, 0.0593])  # of BT.2020's red, green and blue
AT_ONCE = 1 << 18  # pixels per chunk
HLG_PEAK, HLG_GAMMA = 1000.0, 1.2  # of the reference display


class Transfer(NamedTuple):
    """A transfer curve: its name, its number in ITU-T H.273, ffmpeg's name, and its largest
    luminance.

    signal: returns the stored signal, 0 to 1, for light (channels, …) in cd/m² and its luminance.
    """

    name: str
    number: int
    ffmpeg: str
    brightest: float
    signal: Callable[[Array, Array], Array]


def pq(light: Array, luminance: Array) -> Array:
    """Apply the inverse EOTF of SMPTE ST 2084 to 0 to 10,000 cd/m²."""
    part = (light / 10_000.0) ** (2610 / 16384)
    signal: Array = ((3424 / 4096 + 2413 / 128 * part) / (1.0 + 2392 / 128 * part)) ** (2523 / 32)
    return signal


def hlg(light: Array, luminance: Array) -> Array:
    """Apply HLG's inverse OOTF and OETF to 0 to 1000 cd/m² on a display with that peak."""
    scale = np.maximum(luminance / HLG_PEAK, 1e-9) ** (1.0 / HLG_GAMMA - 1.0)
    scene = light / HLG_PEAK * scale
    a, b, c = 0.17883277, 0.28466892, 0.55991073
    bright = a * np.log(np.maximum(12.0 * scene - b, 1e-9)) + c
    return np.where(scene <= 1 / 12, np.sqrt(3.0 * scene), bright)


TRANSFERS: dict[str, Transfer] = {
    "pq": Transfer("PQ", 16, "smpte2084", 10_000.0, pq),
    "hlg": Transfer("HLG", 18, "arib-std-b67", HLG_PEAK, hlg),
}


@dataclass(frozen=True)
class HDR:
    """The conversion of pixels in a profile, one of PROFILES, to HDR: one of TRANSFERS, peak in
    cd/m².
    """

    transfer: str
    peak: float
    profile: str

    @classmethod
    def of(cls, transfer: str | None, peak: float | None, output: Output) -> Self | None:
        """Return the HDR conversion requested for pictures with this [output]; None for SDR.

        Raises ExportError for a wrong value, and for 8 bits: highlights would have bands.
        """
        if transfer is None:
            if peak is not None:
                raise ExportError(f"--peak {peak:g}: only --transfer pq and hlg have one")
            return None
        if transfer not in TRANSFERS:
            raise ExportError(f'unknown transfer "{transfer}"; {suggestion(TRANSFERS, transfer)}')
        brightest = TRANSFERS[transfer].brightest
        if peak is not None and not WHITE <= peak <= brightest:
            raise ExportError(
                f"--peak {peak:g}: must be from {WHITE:g}, SDR's white, to {brightest:g} cd/m² for "
                f"{transfer}"
            )
        if output.dtype == "uint8":
            raise ExportError(
                f"--transfer {transfer}: 8 bits have too few steps for highlights; render with "
                "--set output.dtype=uint16"
            )
        return cls(transfer, PEAK if peak is None else peak, output.profile)

    @property
    def number(self) -> int:
        """The number of the transfer in ITU-T H.273."""
        return TRANSFERS[self.transfer].number

    @property
    def in_ffmpeg(self) -> tuple[str, str, str]:
        """The matrix, primaries and transfer in ffmpeg's names."""
        return "bt2020nc", "bt2020", TRANSFERS[self.transfer].ffmpeg

    def of_stored(self, pixels: NDArray[Any]) -> NDArray[np.uint16]:
        """Convert stored values (1 or 3 channels, height, width) to 16 bits of HDR, full range."""
        out = np.empty(pixels.shape, np.uint16)
        rows = max(1, AT_ONCE // max(1, pixels.shape[2]))
        for first in range(0, pixels.shape[1], rows):
            part = slice(first, first + rows)
            out[:, part] = np.rint(self._signal(pixels[:, part]) * FULL["uint16"])
        return out

    def _signal(self, pixels: NDArray[Any]) -> Array:
        light = linear(pixels, self.profile, np.dtype(np.float64))
        if len(light) == 3:
            light = np.tensordot(to_bt2020(self.profile), light, 1)
        light = np.fmax(light, 0.0)  # NaN becomes 0
        luminance = np.tensordot(LUMINANCE, light, 1) if len(light) == 3 else light[0]
        scale = WHITE * gain(luminance, self.peak)
        row = TRANSFERS[self.transfer]
        return row.signal(np.minimum(light * scale, self.peak), luminance * scale)


def gain(luminance: Array, peak: float) -> Array:
    """Return the factor by which a luminance, 1 for SDR's white, is raised; peak in cd/m²."""
    stops = np.log2(np.clip(luminance, 2.0**KNEE, 1.0))
    gained: Array = (peak / WHITE) ** (1.0 - stops / KNEE) ** 2
    return gained


def to_bt2020(profile: str) -> Array:
    """Return the matrix (3, 3) from a profile's linear red, green and blue to those of BT.2020."""
    return np.asarray(np.linalg.solve(_to_xyz(PRIMARIES), _to_xyz(PROFILES[profile].primaries)))


def _to_xyz(primaries: tuple[Pair, Pair, Pair]) -> Array:
    """Return the matrix from linear red, green and blue to X, Y, Z (SMPTE RP 177)."""
    columns = np.array([(x / y, 1.0, (1.0 - x - y) / y) for x, y in (*primaries, D65)]).T
    return columns[:, :3] * np.linalg.solve(columns[:, :3], columns[:, 3])
