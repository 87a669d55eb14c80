"""Timeline → film: the whole run."""

import shutil
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

from tilecppn import disk
from tilecppn.errors import ExportError, Failed, Stopped, StoreError
from tilecppn.film.budget import Kept, check_film_fits
from tilecppn.film.job import FilmJob, clip_files
from tilecppn.film.store import FilmStore, film_plan
from tilecppn.film.targets import Choices, Target, choose_target
from tilecppn.film.timeline import Timeline
from tilecppn.kernels import Arithmetic
from tilecppn.pause import Pause
from tilecppn.plan import Shard
from tilecppn.run import events
from tilecppn.run.coordinator import Outcome
from tilecppn.run.options import Run
from tilecppn.run.policy import Policy
from tilecppn.run.render import fill, preflight, require_complete
from tilecppn.run.stopping import stop_on_signals
from tilecppn.store_folder import recognise

PARTS = ".parts"  # the store of an unfinished film lies beside it under this name


def animate(
    timeline: Timeline,
    path: str | Path,
    *,
    codec: str | None = None,
    crf: int | None = None,
    even: str | None = None,
    format: str | None = None,
    clip: float | None = None,
    executor: str = "auto",
    address: str | None = None,
    workers: int | None = None,
    kernel: str = "auto",
    overwrite: bool = False,
    policy: Policy | None = None,
    listeners: Sequence[events.Listener] = (),
) -> Path:
    """Render a film into `path`; run again to resume.

    By its suffix: .mp4, .mov, .webm, .mkv, .gif, .webp, .png (animated), .zarr (t, c, y, x), or a
    folder of frames. codec, crf: of a video, as `tilecppn animate --help` lists them. even: "pad"
    or "crop" where a codec needs even sides. format: "png" or "tif" of a folder's frames. clip:
    seconds that are encoded in one piece, 0 for all. The others are those of `render`.

    Raises Refused (nothing was done), Failed (finished frames are kept) or Stopped.
    """
    choices = Choices(codec, crf, even, format, clip)
    run = Run(executor, address, workers, kernel, overwrite, policy, listeners)
    outcome = animate_to(timeline, path, choices, run)
    require_complete(outcome)
    return Path(path)


def animate_to(timeline: Timeline, path: str | Path, choices: Choices, run: Run) -> Outcome:
    """As `animate`, but with the outcome, and without an error for shards that failed."""
    path = Path(path)
    target = choose_target(path, timeline, choices)
    plan = film_plan(timeline, None if target is None else target.clip)
    if target is None:
        _, outcome = _fill(timeline, path, None, run)
        return outcome
    mark = target.mark(timeline)
    made = target.made()
    if made is not None and not run.overwrite:
        if (made.fingerprint, made.recipe) == (mark.fingerprint, mark.recipe):
            return Outcome(plan.shards, skipped=plan.shards)
        raise ExportError(
            f"{path}: holds another film, or one encoded otherwise; choose another path, or "
            "--overwrite"
        )
    parts = path.with_name(path.name + PARTS)
    store, outcome = _fill(timeline, parts, target, run)
    if not outcome.failed:
        with store.lock():
            _finish(store, target, timeline)
    return outcome


def repair_film(
    store: FilmStore,
    damage: Mapping[Shard, str],
    *,
    workers: int | None = None,
    listeners: Sequence[events.Listener] = (),
) -> Outcome:
    """Delete the shards of `damage` and render what is then missing, as `repair_store` does.

    Raises StoreError also where clips are made: only who knows their encoding goes on with them.
    """
    if store.plan.clip is not None:
        raise StoreError(
            f"{store.path}: is an unfinished film; what is damaged or missing is made when the "
            "same tilecppn animate is run again"
        )
    run = Run(
        executor="local",
        workers=workers,
        kernel=store.arithmetic.kernel,
        listeners=listeners,
        discard=damage,
    )
    _, outcome = _fill(store.timeline, store.path, None, run)
    require_complete(outcome)
    return outcome


def _fill(
    timeline: Timeline, path: Path, target: Target | None, run: Run
) -> tuple[FilmStore, Outcome]:
    """Bring all frames, or the clips of them, into the store at `path`."""
    clip, encoding = (None, None) if target is None else (target.clip, target.encoding)
    plan = film_plan(timeline, clip)
    preflight(plan.still, timeline.scene(0).output.precision, run)
    recipe = "" if encoding is None else encoding.recipe
    job = FilmJob(
        timeline=timeline.to_toml(),
        networks=timeline.networks,
        store=str(path.absolute()),
        kernel=run.kernel,
        clip=clip,
        encoding=encoding,
    )
    store = FilmStore(path, clip, recipe) if recognise(path) else None
    if store is None:
        kept = Kept(plan.frames) if target is None else target.kept
        check_film_fits(timeline, plan, kept, path, run.kernel)
    elif run.overwrite:
        store.refuse_foreign()
    else:
        store.check(timeline)

    def make(arithmetic: Arithmetic) -> AbstractContextManager[FilmStore]:
        there = store is not None
        return FilmStore.making(path, timeline, arithmetic, clip, recipe, overwrite=there)

    return fill(job, plan, store, make, path=path, network=timeline.fingerprint, run=run)


def _finish(store: FilmStore, target: Target, timeline: Timeline) -> None:
    """Join the clips; then the store has served."""
    with stop_on_signals() as wish:
        try:
            target.join(clip_files(store), target.mark(timeline), _stopper(wish))
        except OSError as error:
            raise Failed(f"{target.path}: cannot be written: {error.strerror or error}") from error
    old = disk.partial(store.path)
    store.path.rename(old)
    shutil.rmtree(old, ignore_errors=True)


def _stopper(wish: Callable[[], bool]) -> Pause:
    def pause() -> None:
        if wish():
            raise Stopped("stopped; all frames are kept: run the same command again to go on")

    return pause
