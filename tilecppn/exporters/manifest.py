"""What marks a folder as ours, and says what it holds and what that was made from."""

import json
from pathlib import Path
from typing import Any

from tilecppn.exporters.output import check_same_kind
from tilecppn.exporters.source import Source
from tilecppn.version import VERSION

MANIFEST = "tilecppn.json"


def manifest(source: Source, kind: str) -> str:
    """The text of the file, JSON, for tiles of a kind, as `placing.CONTENTS` names it."""
    scene = source.store.scene
    record = {
        "kind": kind,
        "tilecppn": VERSION,
        "fingerprint": scene.fingerprint,
        "scene": scene.to_toml(),
        "level": source.base,
    }
    return json.dumps(record, indent=1)


def read_manifest(folder: Path) -> dict[str, Any] | None:
    """What the manifest of a folder says; None where there is none."""
    file = folder / MANIFEST
    try:
        record = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else None
    except (OSError, ValueError, RecursionError):
        return None
    return record if isinstance(record, dict) else None


def detect_content(folder: Path) -> str | None:
    """The kind of a folder of ours, "" where its manifest names none; None for any other."""
    record = read_manifest(folder)
    return None if record is None else str(record.get("kind", ""))


def check_folder(dest: Path, kind: str) -> None:
    """Raise ExportError unless `dest` is free, an empty folder, or one of ours of that kind."""
    check_same_kind(dest, kind, lambda path: kind if _is_empty(path) else detect_content(path))


def _is_empty(path: Path) -> bool:
    return path.is_dir() and not any(path.iterdir())
