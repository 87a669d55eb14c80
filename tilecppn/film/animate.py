"""Render a timeline into a film: frames into a store, clips from frames, the film from clips."""

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from tilecppn import kernels
from tilecppn.addresses import BucketPath, as_path
from tilecppn.errors import ExportError, Interrupted, RenderError, StoreError
from tilecppn.exporters.output import provenance
from tilecppn.exporters.output.atomic import check_output, naming_destination
from tilecppn.film.disk_estimate import check_film_fits
from tilecppn.film.encoding.base import DiskFootprint, Encoding, FilmOptions, Target
from tilecppn.film.encoding.targets import choose_target
from tilecppn.film.finished_frames import FinishedFrames, finished_frames
from tilecppn.film.job import FilmJob, clip_files
from tilecppn.film.plan import FilmPlan
from tilecppn.film.store import FilmStore, film_plan, refuse_foreign_film
from tilecppn.film.timeline.timeline import Timeline, as_timeline
from tilecppn.kernels import Arithmetic
from tilecppn.run import events
from tilecppn.run.executors import choose
from tilecppn.run.executors.base import local_worker_layout, uses_gpus
from tilecppn.run.options import SAME_COMMAND, RunOptions
from tilecppn.run.render import check_request, require_complete, run_job
from tilecppn.run.retry_policy import RetryPolicy
from tilecppn.run.task_queue import RunResult
from tilecppn.storage.base_store import is_store
from tilecppn.storage.disk_storage import sweep_beside
from tilecppn.storage.metadata import attributes
from tilecppn.storage.names import parts_of
from tilecppn.storage.places import storage_of


def animate(
    timeline: Timeline | str | Path,
    path: str | Path,
    *,
    codec: str | None = None,
    crf: int | None = None,
    even: str | None = None,
    format: str | None = None,
    clip: float | None = None,
    plays: int | None = None,
    audio: str | Path | None = None,
    transfer: str | None = None,
    peak: float | None = None,
    frames: str | Path | None = None,
    executor: str = "auto",
    address: str | None = None,
    workers: int | None = None,
    kernel: str = "auto",
    overwrite: bool = False,
    policy: RetryPolicy | None = None,
    listeners: Sequence[events.Listener] = (),
    gpus_per_worker: float = 1.0,
) -> Path:
    """Render a timeline, or a timeline's file, into `path` and return it; run again to resume.

    The suffix decides the kind: .mp4 (also .m4v), .mov, .webm, .mkv, .gif, .webp, .png (also .apng,
    animated), .zarr (a store with axes t, c, y, x), or none for a folder of frames.

    codec: of a video; `tilecppn animate --help` lists them.
    crf: the quality of a video, smaller is better.
    even: "pad" or "crop", for a codec that needs an even width and height.
    format: "png" or "tif", for a folder of frames.
    clip: seconds of video encoded in one piece, 0 for all.
    plays: how many times an animation plays, 0 for endless.
    audio: a sound file for a video; it is cut at the end of the film.
    transfer: "pq" or "hlg", for HDR in a codec with 10 bits, from frames with more than 8.
    peak: brightness of white in HDR, in cd/m², by default 1000 (203 in SDR).
    frames: a store (.zarr) or a folder of frames of the same film, which are encoded instead of
    drawn again; `listeners` receive FramesNotTaken if they are of another film.

    The others are those of `render`.

    Raises InvalidRequestError (nothing was done), RenderError (finished frames are kept) or
    Interrupted.
    """
    sound = None if audio is None else Path(audio)
    options = FilmOptions(codec, crf, even, format, clip, plays, sound, transfer, peak)
    run = RunOptions(
        executor, address, workers, kernel, overwrite, policy, listeners, gpus_per_worker
    )
    outcome = animate_to(as_timeline(timeline), path, options, run, frames)
    require_complete(outcome)
    return as_path(path)


def animate_to(
    timeline: Timeline,
    path: str | Path,
    options: FilmOptions,
    run: RunOptions,
    frames: str | Path | None = None,
) -> RunResult:
    """Do what `animate` does, but return the result of the run, even if tasks failed."""
    path = as_path(path)
    finished = None if frames is None else _finished(as_path(frames), path, timeline, run)
    target = choose_target(path, timeline, options)
    if target is not None and isinstance(path, BucketPath):
        raise ExportError(
            f"{path}: only the frames of a film go into a bucket, as NAME.zarr; give a path on a "
            "disk for a film"
        )
    plan = _planned(timeline, None if target is None else target.clip, run, finished)
    if target is None:
        _, outcome = _fill(timeline, path, None, run, finished)
        return outcome
    parts = parts_of(path)
    has_frames = finished is not None or _is_begun(parts, timeline)
    film = timeline if has_frames else target.for_encoding(timeline)
    found = provenance.read(path)
    if found is not None and found.is_copy_of(target.provenance(timeline)) and not run.overwrite:
        _remove_leftovers(parts, film, target.encoding)
        return RunResult(plan.tasks, skipped=plan.tasks)
    try:
        check_output(path, target.kind, overwrite=run.overwrite)
    except ExportError as error:
        further = f"; --overwrite goes on with {parts}" if _is_begun(parts, film) else ""
        raise ExportError(f"{error}{further}") from None
    store, outcome = _fill(film, parts, target, run, finished)
    if not outcome.failed:
        with store.lock():
            _finish(store, target, timeline, run)
    return outcome


def repair_film(store: FilmStore, run: RunOptions) -> RunResult:
    """Delete the shards that `run` discards, and draw everything that is missing.

    Raises StoreError for an unfinished film, whose clips only `tilecppn animate` can encode again.
    """
    if store.plan.clip is not None:
        raise StoreError(
            f"{store.path}: is an unfinished film; run the same tilecppn animate again to mend and "
            "finish it"
        )
    _, outcome = _fill(store.timeline, store.path, None, run)
    return outcome


def _fill(
    timeline: Timeline,
    path: Path,
    target: Target | None,
    run: RunOptions,
    finished: FinishedFrames | None = None,
) -> tuple[FilmStore, RunResult]:
    """Render the missing frames, or clips, into the store at `path`.

    With a target, `run.overwrite` concerns its file: clips of the same film in the store are kept.
    A damaged clip is encoded again.
    """
    clip, encoding = (None, None) if target is None else (target.clip, target.encoding)
    plan = _planned(timeline, clip, run, finished)
    check_request(plan.still, timeline.scene(0).output.precision, run)
    encoding_id = "" if encoding is None else encoding.encoding_id
    job = FilmJob(
        timeline=timeline.to_toml(),
        networks=timeline.networks,
        store=str(path.absolute()),
        kernel=run.kernel,
        clip=clip,
        encoding=encoding,
        direct=plan.direct,
        finished=finished,
    )
    with contextlib.ExitStack() as stack:
        there = is_store(path)
        store = _open(path, clip, encoding_id, run, stack) if there else None
        resumes = store is not None and target is not None and store.is_of(timeline)
        if not there:
            footprint = DiskFootprint(plan.frames) if target is None else target.footprint
            check_film_fits(timeline, plan, footprint, path, run.kernel)
        elif store is not None and run.overwrite:
            store.check_safe_to_overwrite()
        elif store is not None:
            store.check(timeline)
        if store is not None and resumes:
            faulty = store.faulty_clips()
            run = replace(run, discard=[clip for clip in faulty if faulty[clip] == "damaged"])

        @contextlib.contextmanager
        def make(arithmetic: Arithmetic) -> Iterator[FilmStore]:
            if store is not None and resumes and store.arithmetic == arithmetic:
                yield store
                return
            if finished is not None and finished.arithmetic != arithmetic:
                _check_taken(finished, encoding, run)
            sweep_beside(path)
            with FilmStore.create(
                path, timeline, arithmetic, clip, encoding_id, overwrite=there
            ) as new:
                yield new

        return run_job(
            job,
            plan,
            store,
            make,
            network=timeline.fingerprint,
            run=run,
            resume_hint=None if target is None else SAME_COMMAND,
        )


def _finished(
    frames: Path, path: Path, timeline: Timeline, run: RunOptions
) -> FinishedFrames | None:
    """Find the frames of a film at `frames`; tell listeners why they are not taken, if so."""
    if frames.absolute() == path.absolute():
        return None
    found = finished_frames(frames, timeline)
    if isinstance(found, FinishedFrames):
        return found
    _tell(run, f"{frames}: {found}; all frames are drawn")
    return None


def _check_taken(finished: FinishedFrames, encoding: Encoding | None, run: RunOptions) -> None:
    """Check frames that were drawn by another arithmetic: they are encoded, but put into no store.

    Raises StoreError if some of them are missing.
    """
    if encoding is None:
        why = "was drawn by another arithmetic"
        if finished.arithmetic is None:
            why = "does not say which kernel drew it"
        _tell(run, f"{finished.given}: {why}; all frames are drawn")
    elif not finished.complete:
        raise StoreError(
            f"{finished.given}: is unfinished, and was drawn by another arithmetic; finish it on "
            "the kind of machine that began it, or give the timeline instead"
        )


def _tell(run: RunOptions, reason: str) -> None:
    """Tell listeners that frames are drawn again."""
    for listener in (events.log, *run.listeners):
        listener(events.FramesNotTaken(reason))


def _planned(
    timeline: Timeline, clip: int | None, run: RunOptions, finished: FinishedFrames | None = None
) -> FilmPlan:
    """Return the plan; clips are direct if all workers are local threads that draw on CPUs.

    If all frames exist already, all clips are direct.
    """
    plan = film_plan(timeline, clip)
    if finished is not None and finished.complete:
        return plan.all_direct
    if choose(run.executor, run.address) != "local" or uses_gpus(kernels.resolve(run.kernel)):
        return plan
    return plan.direct_for(local_worker_layout("local", run.workers).workers)


def _open(
    path: Path, clip: int | None, encoding_id: str, run: RunOptions, stack: contextlib.ExitStack
) -> FilmStore | None:
    """Open the film store at `path`.

    Returns None, holding its lock, for a store that cannot be read and is to be overwritten.
    """
    try:
        return FilmStore(path, clip, encoding_id)
    except StoreError as error:
        if "timeline" not in (attributes(path) or {}):
            raise  # a still's store
        if not run.overwrite:
            raise StoreError(f"{error}; choose another path, or --overwrite") from None
    refuse_foreign_film(storage_of(path))
    stack.enter_context(storage_of(path).lock())
    return None


def _is_begun(parts: Path, timeline: Timeline) -> bool:
    """Return whether `parts` is the store of an unfinished film of this timeline."""
    try:
        return is_store(parts) and FilmStore(parts).is_of(timeline)
    except StoreError:
        return False


def _remove_leftovers(parts: Path, timeline: Timeline, encoding: Encoding) -> None:
    """Remove the clips left by a process that was killed after it finished the film."""
    sweep_beside(parts)
    if _is_begun(parts, timeline):
        store = FilmStore(parts)
        if store.encoding_ids() <= {encoding.encoding_id}:
            with contextlib.suppress(StoreError), store.lock():  # a lock belongs to another run
                store.remove()


def _finish(store: FilmStore, target: Target, timeline: Timeline, run: RunOptions) -> None:
    """Join the clips into the target, then remove the store, which is no longer needed."""

    def check_cancelled() -> None:
        if run.stopping():
            raise KeyboardInterrupt

    try:
        for clip, fault in store.faulty_clips(check_cancelled).items():
            raise RenderError(
                f"{store.path}: {clip.name}: {fault} after it was encoded; run the same command "
                "again to encode it again"
            )
        try:
            check_output(target.path, target.kind, overwrite=run.overwrite)
        except ExportError as error:
            raise RenderError(f"{error}; all clips are kept in {store.path}") from None
        with naming_destination(target.path):
            made = target.provenance(timeline)
            if store.timeline.tolerance != timeline.tolerance:
                made = replace(made, tolerance=store.timeline.tolerance)
            target.join(clip_files(store), made, check_cancelled)
    except KeyboardInterrupt:
        raise Interrupted(
            "stopped; all frames are kept: run the same command again to go on"
        ) from None
    store.remove()
