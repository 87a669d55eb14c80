"""Every public module, class, function and method of the package has a docstring, which begins so
that it is understood by itself: of a function with a verb, of others not with a question.

A method that overrides one of a base class inherits its docstring, as `inspect.getdoc` sees it.
"""

import ast
from collections import defaultdict
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "tilecppn"
PATHS = sorted(path.relative_to(PACKAGE) for path in PACKAGE.rglob("*.py"))
ROOMS = sorted({path.parts[0] for path in PATHS})
UNSAID = {"As", "Of", "That", "What", "Where", "Whoever"}  # begin half a sentence
NOUNS = {"A", "An", "How", "The", "Whether", "Which", "Who", "Why"}  # right for a property


@cache
def modules() -> dict[Path, ast.Module]:
    """All modules, parsed when a test first needs them."""
    return {path: ast.parse((PACKAGE / path).read_text(encoding="utf-8")) for path in PATHS}


@cache
def classes() -> dict[str, list[ast.ClassDef]]:
    """The definitions of each class, by its name."""
    found = defaultdict(list)
    for tree in modules().values():
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef):
                found[node.name].append(node)
    return found


def inherits(class_: ast.ClassDef, name: str) -> bool:
    """Whether a base class of this package has a documented method of that name."""
    for base in class_.bases:
        for found in classes()[ast.unparse(base).rpartition(".")[2]]:
            methods = {
                child.name: child for child in found.body if isinstance(child, ast.FunctionDef)
            }
            if name in methods and ast.get_docstring(methods[name]):
                return True
            if found is not class_ and inherits(found, name):
                return True
    return False


def undocumented(node: ast.Module | ast.ClassDef, name: str) -> Iterator[str]:
    """Names of public definitions without a docstring, the node itself included."""
    if not ast.get_docstring(node):
        yield name
    for child in node.body:
        if isinstance(child, ast.ClassDef) and not child.name.startswith("_"):
            yield from undocumented(child, f"{name}.{child.name}")
        elif isinstance(child, ast.FunctionDef) and not child.name.startswith("_"):
            marks = [ast.unparse(decorator) for decorator in child.decorator_list]
            if any(mark.endswith(("overload", ".setter")) for mark in marks):
                continue  # the first definition has it
            if isinstance(node, ast.ClassDef) and inherits(node, child.name):
                continue
            if not ast.get_docstring(child):
                yield f"{name}.{child.name}"


def found_in(room: str, find: Callable[[ast.Module, str], Iterator[str]]) -> list[str]:
    """What `find` finds in the modules of a folder of the package, or in one module."""
    return [
        text
        for path, tree in modules().items()
        if path.parts[0] == room
        for text in find(tree, path.as_posix())
    ]


@pytest.mark.parametrize("room", ROOMS)
def test_every_public_definition_has_a_docstring(room: str) -> None:
    assert found_in(room, undocumented) == []


def wrongly_begun(tree: ast.Module, name: str) -> Iterator[str]:
    """Definitions, private ones too, whose docstring begins with a word that none should."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        wrong = UNSAID
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            marks = [ast.unparse(decorator) for decorator in node.decorator_list]
            wrong = UNSAID if any("property" in mark for mark in marks) else UNSAID | NOUNS
        text = ast.get_docstring(node) or "Nothing"
        if text.split()[0] in wrong:
            yield f"{name}:{getattr(node, 'lineno', 1)}: {text.splitlines()[0]}"


@pytest.mark.parametrize("room", ROOMS)
def test_docstrings_begin_with_a_verb_or_name_the_thing(room: str) -> None:
    assert found_in(room, wrongly_begun) == []


@pytest.mark.parametrize(
    ("source", "count"),
    [
        ('def f():\n    """What it gives."""', 1),
        ('def f():\n    """The pixels."""', 1),
        ('async def f():\n    """Whether it is so."""', 1),
        ('def f():\n    """Return the pixels."""', 0),
        ('class C:\n    """Of a store."""', 1),
        ('class C:\n    """The store."""', 0),
        ('class C:\n    @property\n    def p(self):\n        """The pixels."""', 0),
        ('class C:\n    @property\n    def p(self):\n        """As of the shard."""', 1),
        ('"""Where a store lies."""', 1),
    ],
)
def test_wrong_beginnings_are_found(source: str, count: int) -> None:
    assert len(list(wrongly_begun(ast.parse(source), "m.py"))) == count
