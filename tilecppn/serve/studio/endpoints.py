"""Turn functions into routes: JSON in, JSON out, errors as one line of text."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from tilecppn.errors import InvalidRequestError, TilecppnError
from tilecppn.serve.studio.scenes import UnknownSceneError
from tilecppn.serve.tiles import AbandonedError, QueueFullError

MOST_JSON: Final = 5 << 20  # most bytes of a body; a scene has at most 4 MiB
FOREVER: Final = {"Cache-Control": "private, max-age=31536000, immutable"}
FRESH: Final = {"Cache-Control": "no-store"}
_STATUS: Final[Mapping[type[Exception], int]] = {
    UnknownSceneError: 410,
    FileExistsError: 409,
    QueueFullError: 503,
    AbandonedError: 503,
    MemoryError: 503,
}
Body = Mapping[str, Any]
Endpoint = Callable[[Request], Awaitable[Response]]


def get(handler: Callable[[Request], Any]) -> Endpoint:
    """Return a GET endpoint that runs `handler` in a thread."""

    async def endpoint(request: Request) -> Response:
        return await _respond(lambda: handler(request))

    return endpoint


def post(handler: Callable[[Body], Any]) -> Endpoint:
    """Return a POST endpoint that takes a JSON object and runs `handler` in a thread."""

    async def endpoint(request: Request) -> Response:
        try:
            data = await body_of(request)
        except InvalidRequestError as error:
            return failure(error)
        return await _respond(lambda: handler(read(data)))

    return endpoint


async def body_of(request: Request) -> bytes:
    """Return the body of a request. Raises InvalidRequestError if it has more than MOST_JSON."""
    if int(request.headers.get("Content-Length", "0")) > MOST_JSON:
        raise InvalidRequestError(f"more than {MOST_JSON:,} bytes")
    return await request.body()


def read(data: bytes) -> Body:
    """Return the JSON object that a request has as its body. Raises InvalidRequestError."""
    try:
        body = json.loads(data)
    except (ValueError, RecursionError):
        raise InvalidRequestError("this is not JSON") from None
    if not isinstance(body, dict):
        raise InvalidRequestError("this is no JSON object")
    return body


async def _respond(run: Callable[[], Any]) -> Response:
    try:
        return JSONResponse(await asyncio.to_thread(run), headers=FRESH)
    except (TilecppnError, FileExistsError) as error:
        return failure(error)
    except OSError as error:
        return failure(InvalidRequestError(f"{error.filename or ''}: {error.strerror}"))
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError, OverflowError):
        # Only the studio's own page sends requests, and its requests are well-formed.
        return failure(InvalidRequestError("this request is not understood"))


def failure(error: Exception) -> Response:
    """Return an error as one line, with its status."""
    body = {"error": " ".join(str(error).split())}
    return JSONResponse(body, status_of(error), headers=FRESH)


def status_of(error: Exception) -> int:
    """Return the status of an error: 410 for a lost scene, 409 for an existing file, 503 if the
    server is busy, else 422.
    """
    return next((status for kind, status in _STATUS.items() if isinstance(error, kind)), 422)


def text(body: Body, key: str, default: str | None = None) -> str:
    """Return a text from a request. Raises InvalidRequestError."""
    value = body.get(key, default)
    if not isinstance(value, str):
        raise InvalidRequestError(f'"{key}" must be a text')
    return value


def whole(body: Body, key: str, default: int) -> int:
    """Return an integer from a request. Raises InvalidRequestError."""
    value = body.get(key, default)
    if type(value) is not int:
        raise InvalidRequestError(f'"{key}" must be an integer')
    return value


def number(body: Body, key: str, default: float) -> float:
    """Return a number from a request. Raises InvalidRequestError."""
    value = body.get(key, default)
    if type(value) not in (int, float):
        raise InvalidRequestError(f'"{key}" must be a number')
    return float(value)
