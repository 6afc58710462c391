"""The house keeps its own rules; what is banned here is banned with a reason."""

import ast
import re
from pathlib import Path

import pytest

from ledger import errors, events

ROOT = Path(__file__).parent.parent
CODE = sorted((ROOT / "ledger").rglob("*.py")) + sorted((ROOT / "adapters").rglob("*.py"))
LEDGER = [path for path in CODE if path.is_relative_to(ROOT / "ledger")]
INTEGERS = [path for path in LEDGER if not path.is_relative_to(ROOT / "ledger" / "forecast")]
"""Chances have fractions, and only there."""
LONGEST_FILE = 480


def names_in(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Name):
            yield node.id
        elif isinstance(node, ast.Attribute):
            yield node.attr


@pytest.mark.parametrize("path", LEDGER, ids=lambda p: str(p.relative_to(ROOT)))
def test_the_ledger_has_no_print_and_no_clock_of_its_own(path):
    tree = ast.parse(path.read_text())
    names = set(names_in(path))
    assert "print" not in names, "faces speak, the ledger does not"
    assert (
        not names
        & {"now", "utcnow", "today"}
        & {
            n.func.attr
            for n in ast.walk(tree)
            if isinstance(n, ast.Call) and isinstance(n.func, ast.Attribute) and not n.args
        }
    ), "the clock is injected"


@pytest.mark.parametrize("path", INTEGERS, ids=lambda p: str(p.relative_to(ROOT)))
def test_the_ledger_has_no_float(path):
    assert "float" not in set(names_in(path)), "points and money are integers"
    constants = [
        n.value for n in ast.walk(ast.parse(path.read_text())) if isinstance(n, ast.Constant)
    ]
    assert not [c for c in constants if isinstance(c, float)], "points and money are integers"


def test_every_module_is_imported_by_somebody():
    text = "\n".join(p.read_text() for p in [*CODE, *(ROOT / "tests").glob("*.py")])
    text += (ROOT / "pyproject.toml").read_text() + (ROOT / "Makefile").read_text()
    lonely = []
    for path in CODE:
        parts = path.relative_to(ROOT).with_suffix("").parts
        if parts[-1] in {"__init__", "__main__"}:
            continue
        if parts[:3] == ("adapters", "cli", "commands"):
            assert f'"{parts[3]}"' in (ROOT / "adapters/cli/main.py").read_text()
            continue
        package, name = ".".join(parts[:-1]), parts[-1]
        seen = [f"{package}.{name}", f"from {package} import"]
        if not any(s in text for s in seen[:1]) and not re.search(
            rf"from {re.escape(package)} import (?:\([^)]*|[^\n]*)\b{name}\b", text
        ):
            lonely.append(str(path.relative_to(ROOT)))
    assert not lonely


@pytest.mark.parametrize("path", CODE, ids=lambda p: str(p.relative_to(ROOT)))
def test_no_file_grows_out_of_sight(path):
    assert len(path.read_text().splitlines()) <= LONGEST_FILE


def test_every_event_has_its_own_topic_and_is_registered():
    declared = [c for c in vars(events).values() if isinstance(c, type) and c in events.EVENTS]
    subclasses = [
        c
        for c in vars(events).values()
        if isinstance(c, type) and issubclass(c, events.Event) and c is not events.Event
    ]
    assert set(declared) == set(subclasses)
    assert len(events.TOPICS) == len(events.EVENTS)
    assert all(re.fullmatch(r"[a-z][a-z-]{1,20}", topic) for topic in events.TOPICS)


def test_every_refusal_says_what_happened_in_one_sentence():
    refusals = [
        c
        for c in vars(errors).values()
        if isinstance(c, type) and issubclass(c, errors.LedgerError)
    ]
    assert len(refusals) > 20
    for refusal in refusals:
        assert re.fullmatch(r"[A-Z`].*\.", (refusal.__doc__ or "").splitlines()[0]), refusal
