"""Evaluates formulas of latents, as in `a + 0.5 * (seed3 - seed4)`.

Only names, numbers, + - * / and brackets are allowed. Python's parser reads them; nothing is
executed.
"""

import ast
import operator
import re
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tilecppn.cppn.seeding import MAX_SEED
from tilecppn.errors import SceneError
from tilecppn.scene.validation import format_value

LONGEST = 1000  # characters of a formula
_SEED = re.compile(r"seed(\d{1,19})")
_BINARY: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}
_UNARY: dict[type[ast.unaryop], Callable[[Any], Any]] = {
    ast.UAdd: operator.pos,
    ast.USub: operator.neg,
}


def evaluate(
    text: str, named: Callable[[str], Any], seeded: Callable[[int], NDArray[np.float64]]
) -> NDArray[np.float64]:
    """Evaluate a formula; return its latent (z_dim,).

    named: name → latent or number; seeded: N of `seedN` → latent. Raises SceneError if the text is
    not a formula, or its latent is not finite.
    """

    def value(node: ast.expr) -> Any:
        match node:
            case ast.BinOp(left, symbol, right) if type(symbol) in _BINARY:
                a, b = value(left), value(right)
                vectors = [isinstance(x, np.ndarray) for x in (a, b)]
                sums = isinstance(symbol, ast.Add | ast.Sub)
                if (sums and any(vectors) and not all(vectors)) or (not sums and all(vectors)):
                    raise SceneError(
                        f"{format_value(text)}: latents are added to latents and multiplied by "
                        "numbers"
                    )
                if isinstance(symbol, ast.Div) and vectors[1]:
                    raise SceneError(f"{format_value(text)}: cannot divide by a latent")
                return _BINARY[type(symbol)](a, b)
            case ast.UnaryOp(sign, operand) if type(sign) in _UNARY:
                return _UNARY[type(sign)](value(operand))
            case ast.Constant(int(number) | float(number)) if type(number) is not bool:
                return float(number)
            case ast.Name(name):
                match_ = _SEED.fullmatch(name)
                if match_ and int(match_[1]) <= MAX_SEED:
                    return seeded(int(match_[1]))
                return named(name)
        raise SceneError(
            f"{format_value(text)}: only names, numbers, + - * / and brackets are allowed"
        )

    if len(text) > LONGEST:
        raise SceneError(f"a formula of {len(text)} characters: must have {LONGEST} at most")
    try:
        with np.errstate(all="ignore"):
            result = value(ast.parse(text.strip(), mode="eval").body)
    except SceneError:
        raise
    except (SyntaxError, ValueError, RecursionError, MemoryError, ArithmeticError) as error:
        raise SceneError(f"{format_value(text)}: is not a formula ({error})") from None
    if not isinstance(result, np.ndarray) or not np.isfinite(result).all():
        raise SceneError(
            f"{format_value(text)}: must give a finite latent, as seed1 + (seed2 - seed3) does"
        )
    return result
