"""Serves tiles of a Cloud Optimized GeoTIFF by rio-tiler, for comparison with `view`.

It works like rio-tiler's own servers: threads that read and encode PNG, with one open file each;
here on the same framework and server as `view`, at full size.
`python -m benchmarks.cog_server PICTURE.tif` runs it alone.
"""

import socket
import sys
import threading
from pathlib import Path

import uvicorn
from rio_tiler.io import ImageReader
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

SIDE = 512  # pixels of a tile, and of a block of the file


def serve(picture: Path) -> None:
    """Serve until the process is ended; print the port on the first line of stdout."""
    local = threading.local()

    def tile(request: Request) -> Response:  # called in a thread, as it is no coroutine
        if not hasattr(local, "reader"):
            local.reader = ImageReader(str(picture))
        left, top = (SIDE * int(request.path_params[key]) for key in ("x", "y"))
        box = (left, top + SIDE, left + SIDE, top)
        image = local.reader.part(box, width=SIDE, height=SIDE)
        return Response(image.render(img_format="PNG", add_mask=False), media_type="image/png")

    route = Route("/picture_files/{level:int}/{x:int}_{y:int}.png", tile)
    with socket.create_server(("127.0.0.1", 0)) as server:
        print(f"http://127.0.0.1:{server.getsockname()[1]}/", flush=True)
        config = uvicorn.Config(Starlette(routes=[route]), log_level="error", http="httptools")
        uvicorn.Server(config).run([server])


if __name__ == "__main__":
    serve(Path(sys.argv[1]))
