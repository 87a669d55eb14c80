"""The plan as laws: levels halve, shards and tiles partition, children come before parents."""

from collections import Counter
from itertools import islice
from random import Random

import numpy as np
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from tilecppn.plan import Level, Plan, Shard, Window, ceil_div, halved
from tilecppn.scene.sections import MAX_SIDE, Canvas, Output

LAWS = settings(max_examples=100)

ENUMERABLE = 3000  # shards


@st.composite
def layouts(draw: st.DrawFn) -> tuple[int, int]:
    """(tile, shard)."""
    tile = draw(st.integers(6, 12))
    return 2**tile, 2 ** draw(st.integers(tile, min(tile + 8, 20)))


@st.composite
def any_plans(draw: st.DrawFn) -> Plan:
    """Of any size that a scene may have."""
    sides = st.one_of(
        st.integers(1, MAX_SIDE),
        st.integers(1, 5000),
        st.builds(
            lambda k, d: min(max(2**k + d, 1), MAX_SIDE), st.integers(0, 31), st.integers(-1, 1)
        ),
    )
    tile, shard = draw(layouts())
    return Plan(draw(sides), draw(sides), 3, 1, tile, shard)


@st.composite
def small_plans(draw: st.DrawFn) -> Plan:
    """Whose shards can be counted one by one."""
    tile, shard = draw(layouts())
    cols = draw(st.integers(1, 50))
    rows = draw(st.integers(1, max(1, 1500 // cols)))
    if draw(st.booleans()):
        rows, cols = cols, rows
    width = (cols - 1) * shard + draw(st.integers(1, shard))
    height = (rows - 1) * shard + draw(st.integers(1, shard))
    plan = Plan(width, height, 3, 1, tile, shard)
    assume(plan.shards <= ENUMERABLE)
    return plan


def shards_of(level: Level) -> list[Shard]:
    return [Shard(level.index, r, c) for r in range(level.rows) for c in range(level.cols)]


def covered(windows: list[Window], height: int, width: int) -> bool:
    """Whether windows lie within height × width and cover each pixel exactly once."""
    rows = sorted({0, height, *(w.top for w in windows), *(w.bottom for w in windows)})
    cols = sorted({0, width, *(w.left for w in windows), *(w.right for w in windows)})
    if rows[0] < 0 or rows[-1] > height or cols[0] < 0 or cols[-1] > width:
        return False
    row, col = ({v: k for k, v in enumerate(values)} for values in (rows, cols))
    times = np.zeros((len(rows) - 1, len(cols) - 1), int)
    for w in windows:
        times[row[w.top] : row[w.bottom], col[w.left] : col[w.right]] += 1
    return bool((times == 1).all())


# Levels


@LAWS
@given(any_plans())
def test_level_k_is_the_canvas_over_two_to_the_k_rounded_up(plan: Plan) -> None:
    for k, level in enumerate(plan.levels):
        assert level.index == k
        assert level.width == -(-plan.width // 2**k)
        assert level.height == -(-plan.height // 2**k)


@LAWS
@given(any_plans())
def test_levels_end_with_the_first_that_one_tile_holds(plan: Plan) -> None:
    *before, last = plan.levels
    assert max(last.width, last.height) <= plan.tile
    assert all(max(level.width, level.height) > plan.tile for level in before)


@LAWS
@given(any_plans())
def test_levels_have_whole_tiles_in_shards_no_larger_than_needed(plan: Plan) -> None:
    for level in plan.levels:
        assert level.tile == plan.tile
        assert level.tile <= level.shard <= plan.shard
        assert level.shard & (level.shard - 1) == 0
        if level.shard < plan.shard:
            assert (level.rows, level.cols) == (1, 1)
            half = level.shard // 2
            assert half < plan.tile or half < max(level.width, level.height)


@pytest.mark.parametrize(
    ("width", "height", "tile", "sizes"),
    [
        (1, 1, 512, [(1, 1)]),
        (512, 512, 512, [(512, 512)]),
        (513, 1, 512, [(513, 1), (257, 1)]),
        (1025, 700, 512, [(1025, 700), (513, 350), (257, 175)]),
        (100, 101, 64, [(100, 101), (50, 51)]),
    ],
)
def test_levels_of_known_canvases(
    width: int, height: int, tile: int, sizes: list[tuple[int, int]]
) -> None:
    plan = Plan(width, height, 3, 1, tile, 4096)
    assert [(level.width, level.height) for level in plan.levels] == sizes


@LAWS
@given(st.integers(1, 2**40), st.integers(1, 2**40))
def test_division_rounds_up(a: int, b: int) -> None:
    assert (ceil_div(a, b) - 1) * b < a <= ceil_div(a, b) * b
    assert 2 * halved(a) - a in (0, 1)


# Shards


@LAWS
@given(small_plans())
def test_shards_partition_each_level(plan: Plan) -> None:
    for level in plan.levels:
        windows = {shard: plan.window(shard) for shard in shards_of(level)}
        assert covered([*windows.values()], level.height, level.width)
        for shard, window in windows.items():
            assert window.height <= level.shard
            assert window.width <= level.shard
            assert window[:2] == (shard.row * level.shard, shard.col * level.shard)


@LAWS
@given(small_plans())
def test_each_shard_has_one_parent_which_has_it_as_a_child(plan: Plan) -> None:
    parents: Counter[Shard] = Counter()
    for level in plan.levels:
        for shard in shards_of(level):
            for child in plan.children(shard):
                assert plan.parent(child) == shard
                parents[child] += 1
            assert len(plan.children(shard)) <= 4
    below = [shard for level in plan.levels[:-1] for shard in shards_of(level)]
    assert parents == Counter(below)
    assert all(plan.parent(shard) is not None for shard in below)
    assert plan.parent(Shard(len(plan.levels) - 1, 0, 0)) is None


@LAWS
@given(small_plans())
def test_the_finest_shards_have_no_children(plan: Plan) -> None:
    for shard in islice(shards_of(plan.levels[0]), 20):
        assert plan.children(shard) == ()
    for level in plan.levels[1:]:
        assert all(plan.children(shard) for shard in shards_of(level))


@LAWS
@given(small_plans())
def test_children_hold_exactly_the_pixels_that_a_shard_is_the_mean_of(plan: Plan) -> None:
    for level in plan.levels[1:]:
        below = plan.levels[level.index - 1]
        for shard in islice(shards_of(level), 50):
            top, left, bottom, right = plan.window(shard)
            bottom, right = min(2 * bottom, below.height), min(2 * right, below.width)
            windows = [
                Window(w.top - 2 * top, w.left - 2 * left, w.bottom - 2 * top, w.right - 2 * left)
                for w in map(plan.window, plan.children(shard))
            ]
            assert covered(windows, bottom - 2 * top, right - 2 * left)


@LAWS
@given(any_plans(), st.randoms(use_true_random=False))
def test_ancestors_lead_to_the_one_shard_at_the_top(plan: Plan, random: Random) -> None:
    level = plan.levels[0]
    shard = Shard(0, random.randrange(level.rows), random.randrange(level.cols))
    ancestors = list(plan.ancestors(shard))
    assert [a.level for a in ancestors] == list(range(1, len(plan.levels)))
    for child, parent in zip([shard, *ancestors], ancestors, strict=False):
        assert child in plan.children(parent)
    assert [shard, *ancestors][-1] == Shard(len(plan.levels) - 1, 0, 0)


# Order


@LAWS
@given(small_plans(), st.one_of(st.none(), st.integers(0, 10)))
def test_order_has_every_shard_once_and_children_before_parents(
    plan: Plan, seed: int | None
) -> None:
    order = list(plan.order(None if seed is None else Random(seed)))
    place = {shard: k for k, shard in enumerate(order)}
    assert len(place) == len(order)
    assert set(place) == {shard for level in plan.levels for shard in shards_of(level)}
    for shard, k in place.items():
        assert all(place[child] < k for child in plan.children(shard))


def test_order_is_the_same_every_time_and_shuffles_by_its_seed() -> None:
    plan = Plan(2000, 2000, 3, 1, 64, 256)
    assert list(plan.order()) == list(plan.order())
    shuffled = list(plan.order(Random(1)))
    assert shuffled == list(plan.order(Random(1)))
    assert shuffled != list(plan.order())
    assert shuffled != list(plan.order(Random(2)))


def test_order_finishes_neighbours_before_it_goes_on() -> None:
    plan = Plan(1024, 1024, 3, 1, 64, 256)
    first = list(islice(plan.order(), 5))
    assert first == [
        Shard(0, 0, 0),
        Shard(0, 0, 1),
        Shard(0, 1, 0),
        Shard(0, 1, 1),
        Shard(1, 0, 0),
    ]


@pytest.mark.parametrize("seed", [None, 3])
def test_the_largest_canvas_is_planned_lazily(seed: int | None) -> None:
    plan = Plan.of(Canvas(MAX_SIDE, MAX_SIDE), Output(tile=64, shard=64), 3)
    assert plan.levels[0].rows * plan.levels[0].cols == 2**50
    assert plan.pixels == MAX_SIDE**2
    assert plan.shards == sum(4**k for k in range(26))
    seen: set[Shard] = set()
    for shard in islice(plan.order(None if seed is None else Random(seed)), 2000):
        assert seen.issuperset(plan.children(shard))
        assert shard not in seen
        seen.add(shard)


# Windows


@LAWS
@given(
    st.integers(0, MAX_SIDE),
    st.integers(0, MAX_SIDE),
    st.integers(1, 300),
    st.integers(1, 300),
    st.integers(1, 100),
    st.integers(1, 100),
)
@example(0, 0, 300, 300, 64, 64)
def test_split_partitions_a_window_row_by_row(
    top: int, left: int, height: int, width: int, by_height: int, by_width: int
) -> None:
    window = Window(top, left, top + height, left + width)
    pieces = list(window.split(by_height, by_width))
    moved = [Window(p.top - top, p.left - left, p.bottom - top, p.right - left) for p in pieces]
    assert covered(moved, height, width)
    assert pieces == sorted(pieces)
    assert all(p.height <= by_height and p.width <= by_width for p in pieces)
    assert sum(p.pixels for p in pieces) == window.pixels == height * width
    assert len(pieces) == ceil_div(height, by_height) * ceil_div(width, by_width)


# Counts


@LAWS
@given(small_plans(), st.sampled_from([1, 3]), st.sampled_from(["uint8", "uint16", "float32"]))
def test_counts_equal_what_is_counted(plan: Plan, channels: int, dtype: str) -> None:
    output = Output(tile=plan.tile, shard=plan.shard, dtype=dtype)
    plan = Plan.of(Canvas(plan.width, plan.height), output, channels)
    itemsize = np.dtype(dtype).itemsize
    windows = [plan.window(shard) for shard in plan.order()]
    assert plan.shards == len(windows)
    assert plan.bytes == sum(w.pixels for w in windows) * channels * itemsize
    assert plan.pixels == plan.width * plan.height
    largest = max(level.shard for level in plan.levels)
    assert plan.shard_bytes == largest**2 * channels * itemsize
    for level in plan.levels:
        assert level.window == Window(0, 0, level.height, level.width)
        shards = [plan.window(shard) for shard in shards_of(level)]
        tiles = sum(ceil_div(w.height, level.tile) * ceil_div(w.width, level.tile) for w in shards)
        assert level.tiles == tiles
