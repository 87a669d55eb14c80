"""The colour difference CIEDE2000 (Sharma, Wu and Dalal, Color Research and Application, 2005)."""

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def difference(one: Array, other: Array) -> Array:
    """ΔE2000 of colours L, a, b (..., 3)."""
    (l1, a1, b1), (l2, a2, b2) = (np.moveaxis(lab, -1, 0) for lab in (one, other))
    mean = (np.hypot(a1, b1) + np.hypot(a2, b2)) / 2
    g = 0.5 * (1 - np.sqrt(mean**7 / (mean**7 + 25.0**7)))
    a1, a2 = (1 + g) * a1, (1 + g) * a2
    c1, c2 = np.hypot(a1, b1), np.hypot(a2, b2)
    h1, h2 = (np.degrees(np.arctan2(b, a)) % 360 for b, a in ((b1, a1), (b2, a2)))
    turn = (h2 - h1 + 180) % 360 - 180
    grey = c1 * c2 == 0
    turn = np.where(grey, 0.0, turn)
    big = 2 * np.sqrt(c1 * c2) * np.sin(np.radians(turn) / 2)
    l_mean, c_mean = (l1 + l2) / 2, (c1 + c2) / 2
    h_mean = np.where(grey, h1 + h2, (h1 + turn / 2) % 360)
    t = (
        1
        - 0.17 * np.cos(np.radians(h_mean - 30))
        + 0.24 * np.cos(np.radians(2 * h_mean))
        + 0.32 * np.cos(np.radians(3 * h_mean + 6))
        - 0.20 * np.cos(np.radians(4 * h_mean - 63))
    )
    s_l = 1 + 0.015 * (l_mean - 50) ** 2 / np.sqrt(20 + (l_mean - 50) ** 2)
    s_c, s_h = 1 + 0.045 * c_mean, 1 + 0.015 * c_mean * t
    r_c = 2 * np.sqrt(c_mean**7 / (c_mean**7 + 25.0**7))
    r_t = -np.sin(np.radians(60 * np.exp(-(((h_mean - 275) / 25) ** 2)))) * r_c
    c, h = (c2 - c1) / s_c, big / s_h
    return np.asarray(np.sqrt(((l2 - l1) / s_l) ** 2 + c**2 + h**2 + r_t * c * h))
