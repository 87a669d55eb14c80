"""Access to the studio: only its own page, which knows the token in the address."""

import hmac

from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send


class Gate:
    """Passes on requests whose path begins with the token and that do not come from another site.

    `tilecppn.serve.guard.Guard` has checked Host and the body's length before. Browsers send Origin
    with every POST, and Sec-Fetch-Site even with requests for embedded resources; both show whether
    another site's page makes the request. The token alone would suffice, since no other page can
    know it. The application gets paths without it.
    """

    def __init__(self, app: ASGIApp, token: str) -> None:
        self.app = app
        self.token = f"/{token}".encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        raw: bytes = scope["raw_path"]
        length = len(self.token)
        if not hmac.compare_digest(raw[:length], self.token) or raw[length : length + 1] != b"/":
            text = "open the address that tilecppn studio printed, with all of its letters\n"
            await PlainTextResponse(text, 403)(scope, receive, send)
        elif not _is_own(scope):
            await PlainTextResponse("the studio answers its own page alone\n", 403)(
                scope, receive, send
            )
        else:
            inner = {**scope, "path": scope["path"][length:], "raw_path": raw[length:]}
            await self.app(inner, receive, send)


def _is_own(scope: Scope) -> bool:
    headers: list[tuple[bytes, bytes]] = scope["headers"]
    host = next(value for name, value in headers if name == b"host")
    origins = [value for name, value in headers if name == b"origin"]
    sites = [value for name, value in headers if name == b"sec-fetch-site"]
    if scope["method"] == "POST" and not origins:
        return False
    return all(origin == b"http://" + host for origin in origins) and all(
        site in (b"same-origin", b"none") for site in sites
    )
