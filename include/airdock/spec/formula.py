"""A little arithmetic over measured values, such as `errors / requests * 100`: names, numbers, + - * / and brackets."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping
from typing import Final

LONGEST: Final = 200
_OPERATIONS: dict[type[ast.operator], Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}


def names_in(formula: str) -> frozenset[str]:
    """The names that a formula speaks of.

    Raises:
        ValueError: it is something else than arithmetic; the message is for its author.
    """
    root = _root(formula)
    odd = next((node for node in _nodes(root) if not _known(node)), None)
    if odd is not None:
        raise ValueError(f"{ast.unparse(odd)!r} is no arithmetic: write names, numbers, + - * / and brackets")
    return frozenset(node.id for node in _nodes(root) if isinstance(node, ast.Name))


def value_of(formula: str, values: Mapping[str, float | None]) -> float | None:
    """What a sound formula comes to; None where a value is not known, or nothing can be divided by nothing."""
    try:
        return _value(_root(formula), values)
    except ZeroDivisionError:
        return None


def _root(formula: str) -> ast.expr:
    try:
        return ast.parse(formula.strip(), mode="eval").body
    except (SyntaxError, RecursionError):
        raise ValueError(f"{formula!r} is no arithmetic, such as errors / requests * 100") from None


def _nodes(root: ast.expr) -> list[ast.expr]:
    return [node for node in ast.walk(root) if isinstance(node, ast.expr)]


def _known(node: ast.expr) -> bool:
    match node:
        case ast.Name():
            return True
        case ast.Constant(value=value):
            return type(value) in (int, float)
        case ast.BinOp(op=operation):
            return type(operation) in _OPERATIONS
    return False


def _value(node: ast.expr, values: Mapping[str, float | None]) -> float | None:
    match node:
        case ast.Name(id=name):
            return values.get(name)
        case ast.Constant(value=int() | float() as number):
            return float(number)
        case ast.BinOp(left=left, op=operation, right=right):
            one, other = _value(left, values), _value(right, values)
            return None if one is None or other is None else _OPERATIONS[type(operation)](one, other)
    raise TypeError(f"{ast.dump(node)} was let through")
