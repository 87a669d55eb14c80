"""A film's frames and clips: pure arithmetic on integers.

A frame is cut into the shards of a still of its size, level 0. Clips, level 1, are made of some
frames each, in their order; a film that stays a store has none.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

from tilecppn.plan import Plan, Shard, Window, ceil_div

CLIP = 1  # the level of clips


@dataclass(frozen=True)
class FilmPlan:
    """`frames` stills of one plan; `clip` is how many of them a clip has, None for no clips."""

    still: Plan
    frames: int
    clip: int | None

    @property
    def clips(self) -> int:
        return 0 if self.clip is None else ceil_div(self.frames, self.clip)

    @property
    def shards(self) -> int:
        """Shards of all frames, and clips."""
        level = self.still.levels[0]
        return self.frames * level.rows * level.cols + self.clips

    @property
    def pixels(self) -> int:
        return self.frames * self.still.pixels

    def window(self, shard: Shard) -> Window:
        """The pixels of its frame that a shard holds; a clip holds none."""
        if shard.level == CLIP:
            return Window(0, 0, 0, 0)
        return self.still.window(shard)

    def frame_shards(self, frame: int) -> Iterator[Shard]:
        level = self.still.levels[0]
        for row in range(level.rows):
            for col in range(level.cols):
                yield Shard(0, row, col, frame)

    def clip_of(self, frame: int) -> Shard | None:
        """The clip that a frame is a part of; it bears the number of its first frame."""
        if self.clip is None:
            return None
        return Shard(CLIP, 0, 0, frame // self.clip * self.clip)

    def all_clips(self) -> Iterator[Shard]:
        """The clips in the film's order."""
        for start in range(0, self.frames if self.clip else 0, self.clip or 1):
            yield Shard(CLIP, 0, 0, start)

    def frames_of(self, clip: Shard) -> range:
        assert self.clip is not None
        assert clip.frame is not None
        return range(clip.frame, min(clip.frame + self.clip, self.frames))

    def parent(self, shard: Shard) -> Shard | None:
        assert shard.frame is not None
        return self.clip_of(shard.frame) if shard.level == 0 else None

    def ancestors(self, shard: Shard) -> Iterator[Shard]:
        above = self.parent(shard)
        if above is not None:
            yield above

    def order(self, shuffle: Random | None = None) -> Iterator[Shard]:
        """Every shard once: a clip's frames, then the clip. `shuffle` mixes frames and clips."""
        length = self.frames if self.clip is None else self.clip
        starts = list(range(0, self.frames, length))
        if shuffle is not None:
            shuffle.shuffle(starts)
        for start in starts:
            frames = list(range(start, min(start + length, self.frames)))
            if shuffle is not None:
                shuffle.shuffle(frames)
            for frame in frames:
                yield from self.frame_shards(frame)
            clip = self.clip_of(start)
            if clip is not None:
                yield clip
