"""Renders whose shards take longer, so that many workers fit on few cores."""

import time
from dataclasses import dataclass
from pathlib import Path

from tilecppn.cancellation import CheckCancelled
from tilecppn.plan import Shard
from tilecppn.run.jobs import TaskStats
from tilecppn.run.render_job import RenderJob


@dataclass(frozen=True)
class Slowed:
    """A render whose shards take so many seconds more; in one process, the first to make the file
    `mark`, `factor` times as many. They wait for as long as there is a file `hold`.
    """

    render: RenderJob
    seconds: float
    factor: float = 1.0
    mark: str = ""
    hold: str = ""

    def open(self, threads: int) -> "SlowedRunner":
        return SlowedRunner(self, threads)


class SlowedRunner:
    def __init__(self, job: Slowed, threads: int) -> None:
        self.runner = job.render.open(threads)
        self.worker_info = self.runner.worker_info
        self.seconds, self.hold = job.seconds, job.hold
        if job.mark:
            try:
                Path(job.mark).touch(exist_ok=False)
                self.seconds *= job.factor
            except FileExistsError:
                pass

    def run(self, shard: Shard, check_cancelled: CheckCancelled) -> TaskStats:
        time.sleep(self.seconds)
        while self.hold and Path(self.hold).exists():
            time.sleep(0.1)
        stats = self.runner.run(shard, check_cancelled)
        return stats._replace(seconds=stats.seconds + self.seconds)
