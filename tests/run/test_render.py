"""A render: what changes no byte, what is refused, how it is stopped."""

import signal
from pathlib import Path

import pytest

from tests.conftest import SMALL_NET
from tests.run.renders import KERNEL, assert_same, empty_store, shard_files
from tests.signalled import interrupting
from tilecppn import filesystem
from tilecppn.errors import Interrupted, InvalidRequestError, StoreError
from tilecppn.plan import Shard
from tilecppn.run import render as render_module
from tilecppn.run.events import Event, LocksAreLocal, TaskDone, WorkerJoined
from tilecppn.run.options import RunOptions
from tilecppn.run.render import render, render_to
from tilecppn.scene.scene import Scene
from tilecppn.storage.store import Store


def test_layout_workers_executor_and_order_change_no_byte(ray_here: None, tmp_path: Path) -> None:
    scene = Scene.of(cppn=SMALL_NET, canvas={"width": 4600, "height": 4200})
    small = scene.replace(output={"tile": 256, "shard": 1024})
    one = render(small, tmp_path / "one.zarr", executor="local", workers=1)
    two = render(scene, tmp_path / "two.zarr", executor="local", workers=2)
    ray, _ = render_to(small, tmp_path / "ray.zarr", RunOptions("ray", workers=2, shuffle=5))
    assert_same(one, two)
    assert_same(one, ray)


def test_another_picture_layout_or_arithmetic_on_a_store_is_refused(
    scene: Scene, tmp_path: Path
) -> None:
    path = tmp_path / "a.zarr"
    render(scene, path, executor="local", kernel=KERNEL)
    before = shard_files(path)
    for change, words in [
        ({"cppn": {"seed": 4}}, "cppn.seed: 3 there, 4 here"),
        ({"latent": {"seed": 4}}, "latent.seed: 0 there, 4 here"),
        ({"canvas": {"width": 1801}}, "canvas.width: 1800 there, 1801 here"),
        ({"output": {"tile": 128}}, "output.tile: 64 there, 128 here"),
    ]:
        with pytest.raises(StoreError, match=words):
            render(scene.replace(**change), path, executor="local")
    with pytest.raises(StoreError, match=f"kernel: {KERNEL} there, reference here"):
        render(scene, path, executor="local", kernel="reference")
    assert shard_files(path) == before


def test_overwrite_makes_a_new_store_in_place(scene: Scene, tmp_path: Path) -> None:
    path = tmp_path / "a.zarr"
    render(scene, path, executor="local")
    other = scene.replace(canvas={"width": 300, "height": 200}, cppn={"seed": 4})
    store, outcome = render_to(other, path, RunOptions("local", overwrite=True))
    assert outcome.skipped == 0
    assert store.scene == other
    assert_same(store, render(other, tmp_path / "b.zarr", executor="local"))
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.zarr", "b.zarr"]


def test_an_unknown_executor_or_kernel_is_refused_before_any_work(
    scene: Scene, tmp_path: Path
) -> None:
    for options in ({"executor": "slurm"}, {"kernel": "fortran"}):
        with pytest.raises(InvalidRequestError):
            render_module.render(scene, tmp_path / "a.zarr", **options)  # type: ignore[arg-type]
    assert not (tmp_path / "a.zarr").exists()


def test_a_stop_before_anything_is_replaced_says_so(scene: Scene, tmp_path: Path) -> None:
    store = empty_store(tmp_path / "a.zarr", scene)

    with pytest.raises(Interrupted, match="stopped; nothing was begun or replaced"):
        render_to(
            scene.replace(view={"scale": 5.0}),
            store.path,
            RunOptions("local", overwrite=True, listeners=[interrupting(WorkerJoined)]),
        )
    assert Store(store.path).scene == scene


def test_a_disk_with_local_locks_is_told(
    scene: Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mounts = tmp_path / "mounts"
    mounts.write_text(f"server:/a {tmp_path.resolve()} nfs rw,local_lock=all 0 0\n")
    monkeypatch.setattr("tilecppn.storage.local_locks.MOUNTS", mounts)
    seen: list[Event] = []
    render(scene, tmp_path / "a.zarr", executor="local", kernel=KERNEL, listeners=[seen.append])
    (told,) = (event for event in seen if isinstance(event, LocksAreLocal))
    assert "without local_lock=all" in told.reason


def test_a_call_leaves_the_signals_of_its_process_alone(scene: Scene, tmp_path: Path) -> None:
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    meanwhile: list[object] = []

    def listen(event: Event) -> None:
        meanwhile[:] = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]

    small = scene.replace(canvas={"width": 100, "height": 100})
    render_to(small, tmp_path / "a.zarr", RunOptions("local", listeners=[listen]))
    assert meanwhile == before


def test_the_names_of_all_shards_are_on_the_disk_when_a_run_has_ended(
    scene: Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A shard is synced before it gets its name; its folder only then."""
    synced: dict[Path, set[str]] = {}

    def sync(folder: Path) -> None:
        synced[folder] = {path.name for path in folder.iterdir()}

    path = tmp_path / "a.zarr"
    store = render(scene, path, executor="local", workers=1)
    for shard in [Shard(0, 3, 2), *store.plan.ancestors(Shard(0, 3, 2))]:
        store.file(shard).unlink()
    with monkeypatch.context() as patch:
        patch.setattr(filesystem, "fsync_directory", sync)
        render(scene, path, executor="local", workers=1)
    for shard in [Shard(0, 3, 2), *store.plan.ancestors(Shard(0, 3, 2))]:
        assert store.file(shard).name in synced[store.file(shard).parent]
        assert {path, path / str(shard.level), store.file(shard).parents[1]} <= set(synced)
    assert path / "0" / "c" / "0" / "0" not in synced  # nothing was written there


def test_what_is_asked_ends_a_run_and_what_is_done_is_kept(scene: Scene, tmp_path: Path) -> None:
    done: list[Event] = []

    def listen(event: Event) -> None:
        if isinstance(event, TaskDone):
            done.append(event)

    run = RunOptions("local", listeners=[listen], stopping=lambda: len(done) >= 3)
    with pytest.raises(Interrupted, match="is kept"):
        render_to(scene, tmp_path / "a.zarr", run)
    _, outcome = render_to(scene, tmp_path / "a.zarr", RunOptions("local"))
    assert outcome.skipped >= 3


@pytest.mark.parametrize(
    ("overwrite", "says"), [(False, "same command"), (True, "without overwrite=True")]
)
def test_what_goes_on_after_a_stop_is_said_truly(
    scene: Scene, tmp_path: Path, overwrite: bool, says: str
) -> None:
    """With --overwrite the same command would delete what is done."""

    with pytest.raises(Interrupted, match=says):
        render_to(
            scene,
            tmp_path / "a.zarr",
            RunOptions("local", overwrite=overwrite, listeners=[interrupting(TaskDone)]),
        )
