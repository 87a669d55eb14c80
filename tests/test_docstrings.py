"""Every public module, class, function and method of the package has a docstring.

A method that overrides one of a base class inherits its docstring, as `inspect.getdoc` sees it.
"""

import ast
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "tilecppn"
MODULES = {
    path.relative_to(PACKAGE): ast.parse(path.read_text(encoding="utf-8"))
    for path in sorted(PACKAGE.rglob("*.py"))
}
CLASSES = defaultdict(list)  # name → definitions
for tree in MODULES.values():
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            CLASSES[node.name].append(node)
ROOMS = sorted({path.parts[0] for path in MODULES})


def inherits(class_: ast.ClassDef, name: str) -> bool:
    """Whether a base class of this package has a documented method of that name."""
    for base in class_.bases:
        for found in CLASSES[ast.unparse(base).rpartition(".")[2]]:
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


@pytest.mark.parametrize("room", ROOMS)
def test_every_public_definition_has_a_docstring(room: str) -> None:
    missing = [
        name
        for path, tree in MODULES.items()
        if path.parts[0] == room
        for name in undocumented(tree, path.as_posix())
    ]
    assert missing == []
