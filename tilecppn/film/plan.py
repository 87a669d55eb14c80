"""The tasks of a film, in pure integer arithmetic.

A frame is cut into the shards of a still of its size. A clip is encoded from consecutive frames; a
film that stays a store of frames has no clips. The frames of a direct clip are drawn while it is
encoded, and never stored.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from random import Random
from typing import NamedTuple

from tilecppn.plan import Plan, Shard, TaskGraph, Window, ceil_div


class FrameShard(NamedTuple):
    """A shard of a frame, drawn by a task: the frame's index, and the shard's row and column."""

    frame: int
    row: int
    col: int

    @property
    def name(self) -> str:
        """The task's name for messages."""
        return f"frame {self.frame} row {self.row} column {self.col}"

    @property
    def kind(self) -> str:
        """The kind of task, the same for all."""
        return "draw"


class ClipTask(NamedTuple):
    """A clip, encoded by a task from its frames; `first` is its first frame."""

    first: int

    @property
    def name(self) -> str:
        """The task's name for messages."""
        return f"clip from frame {self.first}"

    @property
    def kind(self) -> str:
        """The kind of task, the same for all."""
        return "encode"


FilmTask = FrameShard | ClipTask

# Fewest frames of a clip. Encoders with B-frames delay the frames of longer clips; joining a
# shorter clip to them leaves a gap in the decoding times and a wrong average frame rate.
SHORTEST = 3
DIRECT = 1 << 27  # pixels; drawing a larger clip again would take minutes


@dataclass(frozen=True)
class FilmPlan(TaskGraph):
    """`frames` stills with the same plan, and clips of `clip` frames each, None for no clips.

    direct: the first clips, this many, have no tasks for their frames. It changes no byte, and may
    differ from run to run.
    """

    still: Plan
    frames: int
    clip: int | None
    direct: int = 0

    @property
    def all_direct(self) -> "FilmPlan":
        """This plan with no tasks for frames: all are there, or are drawn for their clips."""
        return replace(self, direct=self.clips)

    def direct_for(self, workers: int) -> "FilmPlan":
        """Return this plan with as many direct clips as keep `workers` workers equally busy.

        The last clips are not direct, so that workers share their frames; none is if frames have
        several shards, or clips are long.
        """
        level = self.still.levels[0]
        if self.clip is None or self.clip * self.still.pixels > DIRECT:
            return self
        if level.rows * level.cols > 1:
            return self
        return replace(self, direct=(self.clips - 1) // workers * workers)

    @property
    def clips(self) -> int:
        """The number of clips."""
        return len(self._starts)

    @property
    def _starts(self) -> range:
        """The first frame of each clip; one or two remaining frames go into the last clip."""
        if self.clip is None:
            return range(0)
        count = ceil_div(self.frames, self.clip)
        rest = self.frames - (count - 1) * self.clip
        if count > 1 and rest < SHORTEST <= self.clip:
            count -= 1
        return range(0, count * self.clip, self.clip)

    @property
    def tasks(self) -> int:
        """The number of tasks: shards of stored frames, and clips."""
        level = self.still.levels[0]
        stored = self.frames
        if self.direct:
            stored -= self.frames_of(ClipTask(self._starts[self.direct - 1])).stop
        return stored * level.rows * level.cols + self.clips

    @property
    def pixels(self) -> int:
        return self.frames * self.still.pixels

    def pixels_of(self, task: FilmTask) -> int:
        """Return the pixels that a task draws; 0 for a clip that is not direct."""
        if isinstance(task, FrameShard):
            return self.window(task).pixels
        return len(self.frames_of(task)) * self.still.pixels if self.is_direct(task) else 0

    def is_direct(self, clip: ClipTask) -> bool:
        """Return whether a clip's frames are drawn while it is encoded."""
        assert self.clip is not None
        return clip.first < self.direct * self.clip

    def window(self, shard: FrameShard) -> Window:
        """Return the pixels of its frame that a shard covers."""
        return self.still.window(Shard(0, shard.row, shard.col))

    def frame_shards(self, frame: int) -> Iterator[FrameShard]:
        """Yield the shards of one frame, row by row."""
        level = self.still.levels[0]
        for row in range(level.rows):
            for col in range(level.cols):
                yield FrameShard(frame, row, col)

    def clip_of(self, frame: int) -> ClipTask | None:
        """Return the clip that contains a frame; None in a film without clips."""
        if self.clip is None:
            return None
        return ClipTask(min(frame // self.clip * self.clip, self._starts[-1]))

    def all_clips(self) -> Iterator[ClipTask]:
        """Return the clips in the film's order."""
        return map(ClipTask, self._starts)

    def frames_of(self, clip: ClipTask) -> range:
        """Return the frames of a clip."""
        assert self.clip is not None
        is_last = clip.first == self._starts[-1]
        return range(clip.first, self.frames if is_last else clip.first + self.clip)

    def parent(self, task: FilmTask) -> ClipTask | None:
        """Return the clip that needs a frame's shard, if any; a clip has no parent."""
        return self.clip_of(task.frame) if isinstance(task, FrameShard) else None

    def ancestors(self, task: FilmTask) -> Iterator[ClipTask]:
        above = self.parent(task)
        if above is not None:
            yield above

    def order(self, shuffle: Random | None = None) -> Iterator[FilmTask]:
        """Yield every task once, a clip after its frames; `shuffle` mixes frames and clips."""
        clips: list[ClipTask | None] = list(self.all_clips()) or [None]
        if shuffle is not None:
            shuffle.shuffle(clips)
        for clip in clips:
            frames = list(range(self.frames) if clip is None else self.frames_of(clip))
            if clip is not None and self.is_direct(clip):
                frames = []
            if shuffle is not None:
                shuffle.shuffle(frames)
            for frame in frames:
                yield from self.frame_shards(frame)
            if clip is not None:
                yield clip
