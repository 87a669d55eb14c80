"""How a function becomes a route: JSON in, JSON out, and one line for what is wrong."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from tilecppn.errors import InvalidRequestError, TilecppnError
from tilecppn.serve.studio.scenes import UnknownSceneError

MOST_JSON: Final = 5 << 20  # bytes of a body; a scene has 4 MiB at most
FOREVER: Final = {"Cache-Control": "private, max-age=31536000, immutable"}
FRESH: Final = {"Cache-Control": "no-store"}
Asked = Mapping[str, Any]
Endpoint = Callable[[Request], Awaitable[Response]]


def read(answer: Callable[[Request], Any]) -> Endpoint:
    """A route that is read: what `answer` returns, in a thread of its own."""

    async def endpoint(request: Request) -> Response:
        return await _answered(lambda: answer(request))

    return endpoint


def written(answer: Callable[[Asked], Any]) -> Endpoint:
    """A route that takes a JSON object."""

    async def endpoint(request: Request) -> Response:
        if int(request.headers.get("Content-Length", "0")) > MOST_JSON:
            return failure(InvalidRequestError(f"more than {MOST_JSON:,} bytes"))
        data = await request.body()

        def run() -> Any:
            try:
                asked = json.loads(data)
            except (ValueError, RecursionError):
                raise InvalidRequestError("this is not JSON") from None
            if not isinstance(asked, dict):
                raise InvalidRequestError("this is no JSON object")
            return answer(asked)

        return await _answered(run)

    return endpoint


async def _answered(run: Callable[[], Any]) -> Response:
    try:
        return JSONResponse(await asyncio.to_thread(run), headers=FRESH)
    except (TilecppnError, FileExistsError) as error:
        return failure(error)
    except OSError as error:
        return failure(InvalidRequestError(f"{error.filename or ''}: {error.strerror}"))
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError, OverflowError):
        # Only the page itself asks, and it asks right.
        return failure(InvalidRequestError("this request is not understood"))


def failure(error: Exception) -> Response:
    """What is wrong, in one line: 410 for a scene that is gone, 409 for a file that is there."""
    status = 422
    if isinstance(error, UnknownSceneError):
        status = 410
    if isinstance(error, FileExistsError):
        status = 409
    return JSONResponse({"error": " ".join(str(error).split())}, status, headers=FRESH)


def text(asked: Asked, key: str, default: str | None = None) -> str:
    """A text of a request. Raises InvalidRequestError."""
    value = asked.get(key, default)
    if not isinstance(value, str):
        raise InvalidRequestError(f'"{key}" must be a text')
    return value


def whole(asked: Asked, key: str, default: int) -> int:
    """An integer of a request. Raises InvalidRequestError."""
    value = asked.get(key, default)
    if type(value) is not int:
        raise InvalidRequestError(f'"{key}" must be an integer')
    return value


def number(asked: Asked, key: str, default: float) -> float:
    """A number of a request. Raises InvalidRequestError."""
    value = asked.get(key, default)
    if type(value) not in (int, float):
        raise InvalidRequestError(f'"{key}" must be a number')
    return float(value)
