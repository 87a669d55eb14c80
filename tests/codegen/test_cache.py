"""Machine code from process to process: used again, never trusted blindly, never needed."""

import os
import time
from pathlib import Path

import numpy as np
import pytest

from tilecppn import filesystem, version
from tilecppn.codegen import ArrayOf, Compiled, Module, cache, jit
from tilecppn.codegen.values import F32


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "tilecppn"


def adding(number: float) -> Module:
    module = Module()
    f = module.function("add", values=ArrayOf(F32))
    f.array("values").store(f.array("values").load() + number)
    f.end()
    return module


def added(number: float) -> float:
    """1 + `number`, by a module that is compiled or found."""
    values = np.ones(1, np.float32)
    Compiled(adding, number)["add"](values)
    return float(values[0])


def refuse() -> bytes:
    raise AssertionError("made again")


def test_a_module_is_compiled_once_and_another_one_anew(folder: Path) -> None:
    assert added(1.5) == 2.5
    (file,) = folder.iterdir()
    before = file.stat().st_mtime_ns
    assert added(1.5) == 2.5
    assert [f.stat().st_mtime_ns for f in folder.iterdir()] == [before]
    assert added(2.5) == 3.5
    assert len(list(folder.iterdir())) == 2


def test_what_is_kept_is_not_generated_again_until_the_sources_change(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert added(1.5) == 2.5
    calls: list[float] = []

    def counting(number: float) -> Module:
        calls.append(number)
        return adding(number)

    counting.__qualname__ = adding.__qualname__
    values = np.ones(1, np.float32)
    Compiled(counting, 1.5)["add"](values)
    assert values[0] == 2.5
    assert calls == []
    monkeypatch.setattr(jit, "_sources", lambda: "edited")
    Compiled(counting, 1.5)["add"](values)
    assert calls == [1.5]
    assert len(list(folder.iterdir())) == 2


def test_an_edited_or_added_source_is_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "inner").mkdir()
    one, other = tmp_path / "version.py", tmp_path / "inner" / "other.py"
    one.write_text("a = 1")
    monkeypatch.setattr(version, "__file__", str(one))
    found = [jit._sources.__wrapped__()]
    for file, text in ((other, "b = 1"), (other, "b = 2"), (one, "a = 123")):
        file.write_text(text)
        found.append(jit._sources.__wrapped__())
    assert len(set(found)) == 4
    (tmp_path / "notes.txt").write_text("no source")
    assert jit._sources.__wrapped__() == found[-1]


def test_what_was_made_is_found_and_only_for_its_source(folder: Path) -> None:
    assert cache.cached("a", lambda: b"code") == b"code"
    assert cache.cached("a", refuse) == b"code"
    assert cache.cached("b", lambda: b"") == b""
    assert cache.cached("b", refuse) == b""


def test_a_damaged_file_is_made_again(folder: Path) -> None:
    assert added(1.5) == 2.5
    (file,) = folder.iterdir()
    whole = file.read_bytes()
    for damaged in (b"", whole[:20], whole[:-1], whole[:-1] + bytes([whole[-1] ^ 1])):
        file.write_bytes(damaged)
        assert added(1.5) == 2.5
        assert file.read_bytes() == whole


def test_a_folder_that_cannot_be_written_is_no_hindrance(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_bytes(b"")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    assert added(1.5) == 2.5


def test_without_a_home_nothing_is_kept(homeless: Path) -> None:
    assert filesystem.cache_directory() is None
    assert added(1.5) == 2.5
    assert list(homeless.iterdir()) == []


def test_the_oldest_go_when_there_are_too_many(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cache, "KEPT", 3)
    past = time.time() - 1000
    (folder / "mnist").mkdir(parents=True)  # other kinds of caches are no business of this one
    os.utime(folder / "mnist", (past - 1, past - 1))
    for age, source in enumerate("abcde"):
        cache.cached(source, source.encode)
        for file in folder.glob("*.o"):
            if file.read_bytes().endswith(source.encode()):
                os.utime(file, (past + age, past + age))
    assert len(list(folder.glob("*.o"))) == 3
    assert (folder / "mnist").is_dir()
    for source in "cde":
        assert cache.cached(source, refuse) == source.encode()
