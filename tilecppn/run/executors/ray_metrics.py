"""Reports a run's metrics to Ray, which exports them to Prometheus."""

from ray.util.metrics import Counter, Gauge, Histogram

from tilecppn.run.events import (
    AttemptFailed,
    Event,
    RunStarted,
    TaskDone,
    TaskHedged,
    TaskSkipped,
    TaskUnbuilt,
    WorkerJoined,
    WorkerLost,
    WorkerRejected,
    WorkerReleased,
)

SECONDS = [0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0, 300.0, 1000.0]  # bounds of the histograms
BY_KIND = ("kind",)


class RayMetrics:
    """A listener that counts events as metrics.

    Ray puts `ray_` before each name. `kind` is the kind of a task, as "draw" or "downsample";
    `stage` is a part of a task.
    """

    def __init__(self) -> None:
        self._tasks = Counter("tilecppn_tasks", "Tasks done.", BY_KIND)
        self._pixels = Counter("tilecppn_pixels", "Pixels of the canvas drawn.")
        self._bytes = Counter("tilecppn_bytes", "Bytes written into the store.")
        self._retries = Counter("tilecppn_failed_attempts", "Attempts at a task that failed.")
        self._hedged = Counter("tilecppn_hedged_tasks", "Tasks given to a second worker.")
        self._lost = Counter("tilecppn_workers_lost", "Workers that died or could not start.")
        self._seconds = Histogram("tilecppn_task_seconds", "Time of a task.", SECONDS, BY_KIND)
        part = "Time of a part of a task."
        self._stages = Histogram("tilecppn_stage_seconds", part, SECONDS, ("stage",))
        self._left = Gauge("tilecppn_tasks_left", "Tasks that are not finished.")
        self._workers = Gauge("tilecppn_workers", "Workers that draw.")
        self._open = 0
        self._joined: set[int] = set()

    def __call__(self, event: Event) -> None:
        match event:
            case RunStarted(plan):
                self._open = plan.tasks
            case WorkerJoined(worker):
                self._joined.add(worker)
            case WorkerLost(worker):
                self._joined.discard(worker)
                self._lost.inc()
            case WorkerRejected(worker) | WorkerReleased(worker):
                self._joined.discard(worker)
            case TaskDone(task, _, stats):
                self._tasks.inc(tags={"kind": task.kind})
                self._seconds.observe(stats.seconds, tags={"kind": task.kind})
                for stage, seconds in stats.stages:
                    self._stages.observe(seconds, tags={"stage": stage})
                # Ray rejects increments of 0.
                if stats.pixels:
                    self._pixels.inc(stats.pixels)
                if stats.bytes:
                    self._bytes.inc(stats.bytes)
            case TaskHedged():
                self._hedged.inc()
            case AttemptFailed():
                self._retries.inc()
        if isinstance(event, TaskDone | TaskSkipped | TaskUnbuilt) or (
            isinstance(event, AttemptFailed) and event.final
        ):
            self._open -= 1
        self._left.set(self._open)
        self._workers.set(len(self._joined))
