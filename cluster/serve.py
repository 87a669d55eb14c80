"""A Ray Serve deployment of the tile server of `tilecppn view`, for many viewers.

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

REQUESTS = 4  # concurrent, per replica: above that more replicas start, up to max_replicas
MOST_REQUESTS = 64  # concurrent in a replica; others wait in the proxy
MOST_QUEUED = 512  # waiting in a proxy; beyond that clients get a 503


class Arguments(pydantic.BaseModel, extra="forbid"):
    """The arguments of `serve run`, as name=value."""

    path: str
    min_replicas: int = pydantic.Field(1, ge=0)
    max_replicas: int = pydantic.Field(8, ge=1)
    cpus: int = pydantic.Field(1, ge=1)


def tiles(path: str, threads: int) -> ASGIApp:
    """Return the application of a replica. Raises InvalidRequestError if the path shows nothing."""
    # Serve's proxy is in front of it, under any host name.
    return Guard(application(path, threads=threads), host=None, cors=True)


def app(arguments: Arguments) -> Any:
    """Return the application for `serve run` and for the manifest of a RayService."""
    # A wrong path fails here, instead of in each replica.
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
        """A replica of the tile server."""

    deployment: Any = TileServer  # whose decorator has no types
    return deployment.bind()
