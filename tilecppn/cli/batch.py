"""`tilecppn render A.toml B.toml … -o FOLDER`: render many scenes as one run."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from tilecppn import filesystem
from tilecppn.addresses import as_path, file_beside, is_address
from tilecppn.cli.common import load, outcome_record, outcome_words, result
from tilecppn.cli.run_options import Choices, opened_run
from tilecppn.errors import AddressError, InvalidRequestError, RenderError, SceneError
from tilecppn.formatting import counted
from tilecppn.suggestions import one_of

if TYPE_CHECKING:
    from tilecppn.run.batch import Batch, ItemResult

LISTED = 20  # failed scenes that are named
WRONG = 3  # unreadable scene files that are named
KEYS = ("scene", "name", "set")  # of a [[job]]


class Request(NamedTuple):
    """A scene to render: its file, the name of its store, and values of --set."""

    scene: Path
    name: str
    overrides: tuple[str, ...]


def render_batch(
    scenes: Sequence[Path],
    jobs: Path | None,
    overrides: tuple[str, ...],
    folder: Path,
    choices: Choices,
    *,
    overwrite: bool,
    as_json: bool,
) -> None:
    """Render scenes, and those of a jobs file, into stores in `folder`.

    Raises InvalidRequestError before any work if one of them is wrong, RenderError if some failed.
    """
    from tilecppn.cli.run_meter import RenderMeter
    from tilecppn.run.batch import BatchItem, render_batch
    from tilecppn.storage.metadata import attributes

    requests = [Request(path, path.stem, ()) for path in scenes]
    requests += [] if jobs is None else read_jobs(jobs)
    if not requests:
        raise InvalidRequestError(f"{jobs}: has no [[job]]")
    _check_names(requests, folder)
    if folder.suffix.lower() == ".zarr":
        raise InvalidRequestError(
            f"{folder}: is the name of one store; several scenes need a folder for theirs"
        )
    if attributes(folder) is not None:
        raise InvalidRequestError(
            f"{folder}: is a store; several scenes need a folder that holds theirs"
        )
    if not is_address(folder) and (why := filesystem.obstacle(folder / requests[0].name)):
        raise InvalidRequestError(f"{folder}: {why}; choose another path")
    items, wrong = [], []
    for scene, name, own in requests:
        try:
            items.append(BatchItem(load(scene, (*own, *overrides)), folder / f"{name}.zarr"))
        except InvalidRequestError as error:
            wrong.append(str(error))
    if wrong:
        more = f"; and {len(wrong) - WRONG:,} more scenes" if len(wrong) > WRONG else ""
        raise InvalidRequestError("; ".join(wrong[:WRONG]) + more)
    with (
        RenderMeter("render") as meter,
        opened_run(choices, meter, overwrite=overwrite) as run,
    ):
        batch, outcome = render_batch(items, folder, run)
    results = [batch.result_of(number) for number in range(len(items))]
    record = {
        "folder": str(folder),
        **outcome_record(outcome),
        "stores": [_record(batch, k, found) for k, found in enumerate(results)],
    }
    errors = {item.path: f.error for item, f in zip(items, results, strict=True) if f.error}
    lines = [f"{path}: not finished: {error}" for path, error in [*errors.items()][:LISTED]]
    if len(errors) > LISTED:
        lines.append(f"… and {len(errors) - LISTED:,} more")
    lines.append(f"{folder}: {counted(len(items), 'scene')}, {outcome_words(outcome)}")
    result("\n".join(lines), record, as_json)
    if errors:
        raise RenderError(
            f"{len(errors):,} of {counted(len(items), 'scene')} are not finished; "
            f"{outcome.resume_hint} to try them once more"
        )


def read_jobs(path: Path) -> list[Request]:
    """Read a jobs file: TOML with a [[job]] for each scene: `scene`, optionally `name` and `set`.

    Paths of scenes are relative to the file. Raises SceneError.
    """
    from tilecppn.scene import toml_text
    from tilecppn.scene.parsing import read_text

    try:
        found = toml_text.loads(read_text(path, "a file of jobs")).get("job", [])
        tables: list[dict[str, Any]] = [dict(job) for job in found]
    except (TypeError, ValueError) as error:
        raise SceneError(f"{path}: not a file of jobs: {error}") from None
    requests = []
    for number, table in enumerate(tables, 1):
        try:
            requests.append(_request(table, path.parent))
        except (SceneError, AddressError) as error:
            raise SceneError(f"{path}: job {number}: {error}") from None
    return requests


def _request(table: dict[str, Any], folder: Path) -> Request:
    for key in table:
        one_of(KEYS, key, "key")
    scene, values = table.get("scene"), table.get("set", [])
    if not isinstance(scene, str):
        raise SceneError("scene: must name a file")
    if not isinstance(values, list) or not all(isinstance(v, str) for v in values):
        raise SceneError('set: must be a list of values as for --set, like ["cppn.seed=7"]')
    path = as_path(scene) if is_address(scene) else file_beside(folder, scene)
    name = table.get("name", path.stem)
    if not isinstance(name, str) or not name or Path(name).name != name or "\0" in name:
        raise SceneError(f"name = {name!r}: must be a file's name without a folder")
    return Request(path, name.removesuffix(".zarr"), tuple(values))


def _check_names(requests: Sequence[Request], folder: Path) -> None:
    """Raise InvalidRequestError if two scenes would have the same store."""
    seen: dict[str, Path] = {}
    for scene, name, _ in requests:
        if name in seen:
            raise InvalidRequestError(
                f"{seen[name]} and {scene}: both would be {folder / name}.zarr; give them names "
                "in a file of jobs (--jobs)"
            )
        seen[name] = scene


def _record(batch: "Batch", number: int, found: "ItemResult") -> dict[str, Any]:
    record = {"store": str(batch.items[number].path), **found._asdict()}
    return record if found.error else {k: v for k, v in record.items() if k != "error"}
