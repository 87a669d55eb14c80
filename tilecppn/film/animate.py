"""Timeline → film: the whole run."""

import contextlib
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path

from tilecppn.cancellation import CheckCancelled
from tilecppn.errors import ExportError, Interrupted, RenderError, StoreError
from tilecppn.exporters.output import naming_destination
from tilecppn.film.disk_estimate import DiskFootprint, check_film_fits
from tilecppn.film.encoding.targets import FilmOptions, Target, choose_target
from tilecppn.film.job import FilmJob, clip_files
from tilecppn.film.store import FilmStore, film_plan, refuse_foreign_film
from tilecppn.film.timeline.timeline import Timeline
from tilecppn.kernels import Arithmetic
from tilecppn.plan import Task
from tilecppn.run import events
from tilecppn.run.options import SAME_COMMAND, RunOptions
from tilecppn.run.render import check_request, require_complete, run_job
from tilecppn.run.retry_policy import RetryPolicy
from tilecppn.run.stop_request import stop_on_signals
from tilecppn.run.task_queue import RunResult
from tilecppn.run.verify import repair_options
from tilecppn.storage import locks
from tilecppn.storage.directory import LOCK, is_store, sweep_beside
from tilecppn.storage.zarr_format import attributes

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
    policy: RetryPolicy | None = None,
    listeners: Sequence[events.Listener] = (),
) -> Path:
    """Render a film into `path`; run again to resume.

    By its suffix: .mp4, .mov, .webm, .mkv, .gif, .webp, .png (animated), .zarr (t, c, y, x), or a
    folder of frames. codec, crf: of a video, as `tilecppn animate --help` lists them. even: "pad"
    or "crop" where a codec needs even sides. format: "png" or "tif" of a folder's frames. clip:
    seconds that are encoded in one piece, 0 for all. The others are those of `render`.

    Raises InvalidRequestError (nothing was done), RenderError (finished frames are kept) or
    Interrupted.
    """
    choices = FilmOptions(codec, crf, even, format, clip)
    run = RunOptions(executor, address, workers, kernel, overwrite, policy, listeners)
    outcome = animate_to(timeline, path, choices, run)
    require_complete(outcome)
    return Path(path)


def animate_to(
    timeline: Timeline, path: str | Path, choices: FilmOptions, run: RunOptions
) -> RunResult:
    """As `animate`, but with the outcome, and without an error for shards that failed."""
    path = Path(path)
    target = choose_target(path, timeline, choices)
    plan = film_plan(timeline, None if target is None else target.clip)
    if target is None:
        _, outcome = _fill(timeline, path, None, run)
        return outcome
    mark = target.mark(timeline)
    made = target.made()
    parts = parts_of(path)
    if made is not None and not run.overwrite:
        if (made.fingerprint, made.recipe) == (mark.fingerprint, mark.recipe):
            if not target.whole():
                raise ExportError(f"{path}: is damaged; --overwrite makes it anew")
            _tidy(parts, timeline, mark.recipe)
            return RunResult(plan.tasks, skipped=plan.tasks)
        further = f", which goes on with {parts}" if _is_begun(parts, timeline) else ""
        raise ExportError(
            f"{path}: holds another film, or one encoded otherwise; choose another path, or "
            f"--overwrite{further}"
        )
    store, outcome = _fill(timeline, parts, target, run)
    if not outcome.failed:
        with store.lock():
            _finish(store, target, timeline)
    return outcome


def parts_of(path: Path) -> Path:
    """The store of a film that is not finished."""
    return path.with_name(path.name + PARTS)


def repair_film(
    store: FilmStore,
    damage: Mapping[Task, str],
    *,
    workers: int | None = None,
    listeners: Sequence[events.Listener] = (),
) -> RunResult:
    """Delete the shards of `damage` and render what is then missing, as `repair_store` does.

    Raises StoreError also where clips are made: only who knows their encoding goes on with them.
    """
    if store.plan.clip is not None:
        raise StoreError(
            f"{store.path}: is an unfinished film; what is damaged or missing is made when the "
            "same tilecppn animate is run again"
        )
    run = repair_options(store, damage, workers, listeners)
    _, outcome = _fill(store.timeline, store.path, None, run)
    require_complete(outcome)
    return outcome


def _fill(
    timeline: Timeline, path: Path, target: Target | None, run: RunOptions
) -> tuple[FilmStore, RunResult]:
    """Bring all frames, or the clips of them, into the store at `path`.

    `run.overwrite` is of the film: where it is joined from clips, those of the same one that are
    there already are kept. A clip that is damaged is made again.
    """
    clip, encoding = (None, None) if target is None else (target.clip, target.encoding)
    plan = film_plan(timeline, clip)
    check_request(plan.still, timeline.scene(0).output.precision, run)
    recipe = "" if encoding is None else encoding.recipe
    job = FilmJob(
        timeline=timeline.to_toml(),
        networks=timeline.networks,
        store=str(path.absolute()),
        kernel=run.kernel,
        clip=clip,
        encoding=encoding,
    )
    with contextlib.ExitStack() as stack:
        there = is_store(path)
        store = _opened(path, clip, recipe, run, stack) if there else None
        goes_on = store is not None and target is not None and store.is_of(timeline)
        if not there:
            kept = DiskFootprint(plan.frames) if target is None else target.kept
            check_film_fits(timeline, plan, kept, path, run.kernel)
        elif store is not None and run.overwrite:
            store.check_safe_to_overwrite()
        elif store is not None:
            store.check(timeline)
        if store is not None and goes_on:
            faulty = store.faulty_clips()
            run = replace(run, discard=[clip for clip in faulty if faulty[clip] == "damaged"])

        def make(arithmetic: Arithmetic) -> AbstractContextManager[FilmStore]:
            if store is not None and goes_on and store.arithmetic == arithmetic:
                return contextlib.nullcontext(store)
            return FilmStore.making(path, timeline, arithmetic, clip, recipe, overwrite=there)

        return run_job(
            job,
            plan,
            store,
            make,
            path=path,
            network=timeline.fingerprint,
            run=run,
            resume_hint=None if target is None else SAME_COMMAND,
        )


def _opened(
    path: Path, clip: int | None, recipe: str, run: RunOptions, stack: contextlib.ExitStack
) -> FilmStore | None:
    """The film's store at `path`; None, with its lock held, for one to overwrite unread."""
    try:
        return FilmStore(path, clip, recipe)
    except StoreError as error:
        if "timeline" not in (attributes(path) or {}):
            raise  # a still
        if not run.overwrite:
            raise StoreError(f"{error}; choose another path, or --overwrite") from None
    refuse_foreign_film(path)
    stack.enter_context(locks.locked(path / LOCK, str(path)))
    return None


def _is_begun(parts: Path, timeline: Timeline) -> bool:
    """Whether the store of an unfinished film is there, and of this one."""
    try:
        return is_store(parts) and FilmStore(parts).is_of(timeline)
    except StoreError:
        return False


def _tidy(parts: Path, timeline: Timeline, recipe: str) -> None:
    """Remove what a kill left of a film that is made: its clips, which have served."""
    if not parts.parent.is_dir():
        return
    sweep_beside(parts)
    if _is_begun(parts, timeline):
        store = FilmStore(parts)
        if store.recipes() <= {recipe}:
            with contextlib.suppress(StoreError), store.lock():  # in use: not ours to remove
                store.remove()


def _finish(store: FilmStore, target: Target, timeline: Timeline) -> None:
    """Join the clips; then the store has served."""
    with stop_on_signals() as stop_request:
        check_cancelled = _stopper(stop_request)
        for clip, fault in store.faulty_clips(check_cancelled).items():
            raise RenderError(
                f"{store.path}: {clip.name}: {fault} though it was made; run the same command "
                "again to make it again"
            )
        with naming_destination(target.path):
            target.join(clip_files(store), target.mark(timeline), check_cancelled)
    store.remove()


def _stopper(stop_request: Callable[[], bool]) -> CheckCancelled:
    def check_cancelled() -> None:
        if stop_request():
            raise Interrupted("stopped; all frames are kept: run the same command again to go on")

    return check_cancelled
