"""A film's tasks."""

import pickle
from random import Random

import pytest

from tilecppn.film.plan import SHORTEST, ClipTask, FilmPlan, FrameShard
from tilecppn.plan import Plan, Window

STILL = Plan(width=97, height=66, channels=3, itemsize=1, tile=64, shard=64)


@pytest.mark.parametrize("clip", [None, 1, 2, 3, 5, 11, 22, 100])
@pytest.mark.parametrize("shuffle", [None, 3])
def test_every_task_comes_once_and_clips_after_their_frames(
    clip: int | None, shuffle: int | None
) -> None:
    plan = FilmPlan(STILL, 23, clip)
    order = list(plan.order(None if shuffle is None else Random(shuffle)))
    assert len(order) == len(set(order)) == plan.tasks
    assert plan.pixels == sum(map(plan.pixels_of, order))
    done = set()
    for task in order:
        parent = plan.parent(task)
        assert list(plan.ancestors(task)) == ([] if parent is None else [parent])
        assert parent not in done
        done.add(task)
    for made in plan.all_clips():
        children = {task for task in order if plan.parent(task) == made}
        assert children == {s for frame in plan.frames_of(made) for s in plan.frame_shards(frame)}


@pytest.mark.parametrize("clip", [1, 3, 5, 11, 23])
@pytest.mark.parametrize("workers", [1, 2, 3, 50])
def test_frames_of_direct_clips_have_no_tasks(clip: int, workers: int) -> None:
    small = Plan(width=97, height=66, channels=3, itemsize=1, tile=128, shard=128)
    stored = FilmPlan(small, 23, clip)
    plan = stored.direct_for(workers)
    assert plan.direct % workers == 0
    assert plan.direct < plan.clips  # workers share the frames of the last
    assert workers >= plan.clips or plan.direct > 0
    for shuffle in (None, Random(3)):
        order = list(plan.order(shuffle))
        assert len(order) == len(set(order)) == plan.tasks
        assert plan.pixels == sum(map(plan.pixels_of, order))
        assert {task for task in order if isinstance(task, ClipTask)} == set(plan.all_clips())
        drawn = [task for task in stored.order() if isinstance(task, FrameShard)]
        direct = {clip for clip in plan.all_clips() if plan.is_direct(clip)}
        assert {task for task in drawn if plan.parent(task) not in direct} == {
            task for task in order if isinstance(task, FrameShard)
        }


def test_no_clip_is_direct_that_a_kill_would_cost_dear() -> None:
    shards = FilmPlan(STILL, 23, 5)  # four a frame
    large = FilmPlan(Plan(4096, 4096, channels=3, itemsize=1, tile=512, shard=4096), 300, 30)
    for plan in (shards, large, FilmPlan(STILL, 23, None)):
        assert plan.direct_for(2) == plan


@pytest.mark.parametrize("frames", range(1, 14))
@pytest.mark.parametrize("clip", range(1, 7))
def test_clips_are_consecutive_and_only_small_ones_are_short(frames: int, clip: int) -> None:
    plan = FilmPlan(STILL, frames, clip)
    clips = [plan.frames_of(task) for task in plan.all_clips()]
    assert [k for numbers in clips for k in numbers] == list(range(frames))
    assert all(len(numbers) == clip for numbers in clips[:-1])
    if clip >= SHORTEST:
        assert len(clips[-1]) >= min(SHORTEST, frames)


def test_the_two_kinds_of_tasks_are_told_apart_and_travel() -> None:
    shard, clip = FrameShard(3, 1, 0), ClipTask(3)
    assert (shard.kind, clip.kind) == ("draw", "encode")
    assert "frame 3" in shard.name
    assert "clip" in clip.name
    for task in (shard, clip):
        again = pickle.loads(pickle.dumps(task))
        assert again == task
        assert type(again) is type(task)


def test_a_shard_of_a_frame_has_the_window_that_a_still_has() -> None:
    plan = FilmPlan(STILL, 2, None)
    assert plan.window(FrameShard(1, 1, 1)) == Window(64, 64, 66, 97)
