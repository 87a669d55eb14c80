"""A contact sheet: frames of a film side by side, with their times."""

import math
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from tilecppn.film.timeline import Timeline
from tilecppn.pixels.window import preview

COUNT = 24  # frames, at most
WIDTH = 320  # pixels of one frame
GAP = 8
LABEL = 18  # pixels under each frame
GROUND, INK = 24, 220  # grey levels


class Meter(Protocol):
    def begin(self, total: int) -> None: ...

    def add(self, pixels: int) -> None: ...


def contact_sheet(
    timeline: Timeline, kernel: str = "auto", meter: Meter | None = None
) -> NDArray[np.uint8]:
    """Frames spread evenly over the film, as one 8-bit RGB image (height, width, 3).

    Each is a preview of its frame's still, without motion blur. `meter` is told of their pixels.
    """
    from PIL import Image, ImageDraw

    count = min(COUNT, timeline.frames)
    numbers = [k * timeline.frames // count for k in range(count)]
    canvas = timeline.base.canvas
    height = max(1, round(canvas.height * WIDTH / canvas.width))
    columns = min(count, max(1, round(math.sqrt(2.5 * count * height / WIDTH))))
    rows = -(-count // columns)
    sheet = np.full(
        (rows * (height + LABEL + GAP) + GAP, columns * (WIDTH + GAP) + GAP, 3), GROUND, np.uint8
    )
    places = []
    if meter is not None:
        meter.begin(count * height * WIDTH)
    for i, number in enumerate(numbers):
        top = GAP + i // columns * (height + LABEL + GAP)
        left = GAP + i % columns * (WIDTH + GAP)
        sheet[top : top + height, left : left + WIDTH] = preview(
            timeline.scene(number), WIDTH, kernel
        )
        if meter is not None:
            meter.add(height * WIDTH)
        places.append((left, top + height + 3))
    image = Image.fromarray(sheet)
    draw = ImageDraw.Draw(image)
    for number, place in zip(numbers, places, strict=True):
        draw.text(place, f"{timeline.time(number):.2f} s  frame {number}", fill=(INK,) * 3)
    return np.asarray(image)
