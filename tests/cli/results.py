"""What commands print, and how they refuse."""

import json
from typing import Any

from click.testing import Result

LOCAL = ("--executor", "local")


def ok(result: Result) -> str:
    """What a command that ended well has printed on stdout."""
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.stdout


def record(result: Result) -> dict[str, Any]:
    """The one JSON object on stdout."""
    value = json.loads(ok(result))
    assert isinstance(value, dict)
    assert result.stdout.count("\n") == 1
    return value


def one_line(stderr: str) -> str:
    """The error, which is all that is said."""
    (line,) = stderr.splitlines()
    assert line.startswith("error: ")
    return line


def assert_refused(result: Result, *says: str) -> None:
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise AssertionError(f"a traceback: {result.exception!r}") from result.exception
    assert result.exit_code == 2, result.output
    assert result.stdout == ""
    line = one_line(result.stderr)
    for words in says:
        assert words in line


COMMANDS = {
    "render": ("-o", "out.zarr", "--executor", "local"),
    "preview": ("-o", "out.png"),
    "plan": (),
}
