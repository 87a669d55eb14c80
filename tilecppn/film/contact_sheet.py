"""A contact sheet: frames of a film side by side, with their times."""

import math

import numpy as np
from numpy.typing import NDArray

from tilecppn.exporters import contact_sheet as labelled
from tilecppn.exporters.contact_sheet import Entry
from tilecppn.exporters.parallel import Progress
from tilecppn.film.timeline.timeline import Timeline
from tilecppn.pixels.preview import preview

COUNT = 24  # frames at most
WIDTH = 320  # pixels of one frame
ASPECT = 2.5  # approximate width : height of the sheet, given enough frames


def contact_sheet(
    timeline: Timeline, kernel: str = "auto", progress: Progress = lambda done, total: None
) -> NDArray[np.uint8]:
    """Draw frames spread evenly over the film as one 8-bit RGB image (height, width, 3).

    Each is a preview of its frame, without motion blur. progress: called with the pixels drawn so
    far and in all. Raises InvalidRequestError if there is no such kernel.
    """
    count = min(COUNT, timeline.frames)
    canvas = timeline.base.canvas
    height = max(1, round(canvas.height * WIDTH / canvas.width))
    columns = min(count, max(1, round(math.sqrt(ASPECT * count * height / WIDTH))))
    entries: list[Entry] = []
    for number in (k * timeline.frames // count for k in range(count)):
        picture = preview(timeline.scene(number), WIDTH, kernel)
        entries.append(Entry(picture, [f"{timeline.time(number):.2f} s  frame {number}"]))
        progress(len(entries) * height * WIDTH, count * height * WIDTH)
    return labelled.contact_sheet(entries, columns, (WIDTH, height))
