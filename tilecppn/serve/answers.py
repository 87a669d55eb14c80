"""HTTP responses that both applications use."""

from starlette.responses import PlainTextResponse, Response


def not_found() -> Response:
    """Return a 404 response."""
    return PlainTextResponse("there is nothing here\n", 404)


def is_unchanged(request_tag: str | None, tag: str) -> bool:
    """Return whether the client's If-None-Match contains the current tag."""
    return request_tag is not None and tag in (part.strip() for part in request_tag.split(","))


def busy(text: str) -> Response:
    """Return a 503 response, to be retried after a second."""
    return PlainTextResponse(
        f"{text}\n", 503, headers={"Retry-After": "1", "Cache-Control": "no-store"}
    )
