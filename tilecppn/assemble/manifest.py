"""What marks a folder of tiles as ours, and says what they were made from."""

import json

from tilecppn.assemble.source import Source
from tilecppn.version import VERSION

MANIFEST = "tilecppn.json"


def manifest(source: Source) -> str:
    """The text of the file, JSON."""
    scene = source.store.scene
    record = {
        "tilecppn": VERSION,
        "fingerprint": scene.fingerprint,
        "scene": scene.to_toml(),
        "level": source.base,
    }
    return json.dumps(record, indent=1)
