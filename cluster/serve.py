"""The tile server of `tilecppn view` as a Ray Serve deployment, for many viewers.

    serve run cluster.serve:app path=/shared/poster.zarr

`path` is whatever `tilecppn view` takes, on a disk that all nodes share or in a bucket. Further
arguments: `min_replicas` and `max_replicas` (1 and 8); `cpus`, CPUs and threads of a replica (1).

Every replica answers every address with the same bytes and the same ETag, so that replicas need no
routing, and any CDN may stand in front: addresses with the picture's version never change. Tiles
are not drawn in batches: one takes a core for milliseconds, and there is nothing to share. Serve
measures requests, errors and latency of each replica for Prometheus.
"""

from typing import Any

import pydantic
from ray import serve
from starlette.types import ASGIApp

from tilecppn.serve.guard import Guard
from tilecppn.serve.server import application

REQUESTS = 4  # at a time that a replica is sized for: more replicas start beyond, up to the most
MOST_REQUESTS = 64  # at a time in a replica; others wait in the proxy
MOST_QUEUED = 512  # that wait in a proxy; beyond, clients get a 503


class Arguments(pydantic.BaseModel, extra="forbid"):
    """What `serve run` is given, as name=value."""

    path: str
    min_replicas: int = pydantic.Field(1, ge=0)
    max_replicas: int = pydantic.Field(8, ge=1)
    cpus: int = pydantic.Field(1, ge=1)


def tiles(path: str, threads: int) -> ASGIApp:
    """What a replica answers with. Raises InvalidRequestError if there is nothing to show."""
    # Serve's proxy stands before it, under whatever name the cluster has.
    return Guard(application(path, threads=threads), host=None, cors=True)


def app(arguments: Arguments) -> Any:
    """Return the application for `serve run` and for the manifest of a RayService."""
    # Fails here, and not in each replica, where the path is wrong.
    tiles(arguments.path, arguments.cpus)

    def replica() -> ASGIApp:
        return tiles(arguments.path, arguments.cpus)

    @serve.deployment(
        name="tiles",
        autoscaling_config={
            "min_replicas": arguments.min_replicas,
            "max_replicas": arguments.max_replicas,
            "target_ongoing_requests": REQUESTS,
        },
        max_ongoing_requests=MOST_REQUESTS,
        max_queued_requests=MOST_QUEUED,
        ray_actor_options={"num_cpus": arguments.cpus},
    )
    @serve.ingress(replica)
    class TileServer:
        """One replica."""

    deployment: Any = TileServer  # whose decorator has no types
    return deployment.bind()
