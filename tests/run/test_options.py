"""A run's choices, and the keyword arguments that make them."""

import inspect
from collections.abc import Callable
from dataclasses import fields
from typing import Any

import pytest

import tilecppn as tc
from tilecppn.run.options import Run

INNER = {"shuffle", "discard"}  # not for people


@pytest.mark.parametrize("function", [tc.render, tc.animate])
def test_public_functions_have_every_choice_with_its_default(function: Callable[..., Any]) -> None:
    found = inspect.signature(function).parameters
    choices = {field.name: field.default for field in fields(Run) if field.name not in INNER}
    assert {name: found[name].default for name in choices} == choices
    assert all(found[name].kind is inspect.Parameter.KEYWORD_ONLY for name in choices)
