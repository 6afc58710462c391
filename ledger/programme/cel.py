"""Expressions over integers, in CEL (Common Expression Language).

The only place that knows the library, which is an extra and is imported when it is needed.
What is let through has no loops, no functions and no texts, so a short expression is cheap.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from functools import lru_cache
from typing import Any

from ledger.errors import ProgrammeInvalid
from ledger.types import MOST_POINTS

MAX_LENGTH = 500
MAX_NESTING = 20
_TOKEN = re.compile(r"\s*(?:([A-Za-z_]\w*)|(\d+)|(&&|\|\||[=!<>]=|[-+*/%()?:<>!,\[\]]))")
_WORDS = frozenset({"in", "true", "false"})
_TRIALS = frozenset({0, 1, 2, 7, 100, 10_000})
_MOST_TRIED = 12
_NO_EXTRA = "it needs the extra `expressions`"


def fault(text: str, variables: Collection[str]) -> str:
    """What is wrong with an expression; empty where it can be published."""
    if len(text) > MAX_LENGTH:
        return f"is longer than {MAX_LENGTH} characters"
    wrong = _unreadable(text, variables)
    if wrong:
        return wrong
    try:
        compiled = _compiled(text)
    except ProgrammeInvalid:
        return _NO_EXTRA
    except ValueError as error:
        return str(error).splitlines()[0]
    for trial in _trials(text, sorted(variables)):
        try:
            result = compiled.execute(trial)
        except ArithmeticError:
            continue  # it depends on the receipt, and gives 0 there
        except (TypeError, ValueError, RuntimeError) as error:
            return str(error).splitlines()[0]
        if type(result) is not int:
            return f"gives {result!r}, which is no integer"
    return ""


def evaluate(text: str, values: Mapping[str, int]) -> int | None:
    """What an expression gives; None where it gives no whole number of points.

    Raises:
        ProgrammeInvalid: the extra `expressions` is missing here.
    """
    try:
        result = _compiled(text).execute(dict(values))
    except (ArithmeticError, TypeError, ValueError, RuntimeError):
        return None
    return result if type(result) is int and result <= MOST_POINTS else None


def _unreadable(text: str, variables: Collection[str]) -> str:
    """What stands in the text that is no integer expression over the variables."""
    position = depth = 0
    word = ""
    while position < len(text.rstrip()):
        found = _TOKEN.match(text, position)
        if found is None:
            return f"`{text[position:].lstrip()[:10]}` is not understood"
        name, _, sign = found.groups()
        if name and name not in variables and name not in _WORDS:
            return f"there is no `{name}`; there are {', '.join(sorted(variables))}"
        if sign == "(" and word and word != "in":
            return f"`{word}` is no function"
        depth += {"(": 1, "[": 1, ")": -1, "]": -1, "?": 1, ":": -1}.get(sign or "", 0)
        if depth > MAX_NESTING:
            return f"is nested deeper than {MAX_NESTING}"
        word, position = name or "", found.end()
    return ""


def _trials(text: str, names: list[str]) -> list[dict[str, int]]:
    """Values to try an expression on, its own numbers among them; the same at any time."""
    own = {min(int(number), MOST_POINTS) for number in re.findall(r"\d+", text)}
    values = sorted(_TRIALS | set(sorted(own)[: _MOST_TRIED - len(_TRIALS)]))
    many = len(values)
    return [
        {name: values[(trial // many ** (k % 3) + k) % many] for k, name in enumerate(names)}
        for trial in range(many**3)
    ]


@lru_cache(maxsize=256)
def _compiled(text: str) -> Any:
    try:
        import cel  # noqa: PLC0415  an extra
    except ImportError:
        raise ProgrammeInvalid(_NO_EXTRA) from None
    return cel.compile(text)
