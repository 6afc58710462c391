"""`make mutate`: small faults put into the policies one by one; the pure tests must find them.

Mutants are made and tested by mutmut, on a copy of the project without the policies' caches, which
would answer for the mutants. Survivors that no test can find are explained in `mutants.toml`. The
run fails where fewer than 90 % of all mutants are found; explained survivors are no finds.
mutmut leaves decorated functions and what stands outside of functions alone.
"""

from __future__ import annotations

import argparse
import ast
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections import defaultdict
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parent.parent
POLICIES = Path("ledger/policies")
COPIED = ("ledger", "adapters", "bench", "programmes", "tests")
EXPLAINED = Path(__file__).parent / "mutants.toml"
LEAST_PERCENT = 90
FOUND = {"killed", "timeout"}
"""A mutant that never ends is found; one that ends oddly is not, until somebody has looked."""
CACHED = re.compile(r"^@(?:functools\.)?(?:lru_)?cache\b.*$", re.MULTILINE)


class Survivor(NamedTuple):
    """A change that no test noticed."""

    file: str
    number: int
    line: str
    becomes: str

    def __str__(self) -> str:
        return f"{self.file}:{self.number}\n      - {self.line}\n      + {self.becomes}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", nargs="*", type=Path, help="some of the policies; all by default")
    files = [Path(os.path.relpath(f.resolve(), ROOT)) for f in parser.parse_args().files]
    known = sorted(path.relative_to(ROOT) for path in (ROOT / POLICIES).rglob("*.py"))
    if strangers := [str(file) for file in files if file not in known]:
        parser.error(f"no policies: {', '.join(strangers)}")
    with tempfile.TemporaryDirectory(prefix="ll-mutate-") as folder:
        copy = Path(folder)
        _copy_to(copy)
        statuses = _run(copy, [_module(file) for file in files])
        survivors = _survivors(copy, [m for m, s in statuses.items() if s not in FOUND])
    return _tell(statuses, survivors, files or known)


def _copy_to(copy: Path) -> None:
    for name in COPIED:
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
    for path in (copy / POLICIES).rglob("*.py"):
        path.write_text(CACHED.sub("", path.read_text()))  # the line stays, and so do numbers
    tests = [
        str(path.relative_to(ROOT))
        for path in sorted((ROOT / "tests").glob("test_*.py"))
        if "ledger.policies" in path.read_text()
    ]
    settings = {
        "source_paths": ["ledger"],
        "only_mutate": [f"{POLICIES}/*"],
        "also_copy": list(COPIED),
        # A test that has a store in its name is no pure one.
        "pytest_add_cli_args_test_selection": [*tests, "-k", "not sqlite and not postgres"],
    }
    lines = [f"{key} = {json.dumps(value)}" for key, value in settings.items()]
    text = (ROOT / "pyproject.toml").read_text()
    (copy / "pyproject.toml").write_text("\n".join([text, "[tool.mutmut]", *lines, ""]))


def _run(copy: Path, modules: Sequence[str]) -> dict[str, str]:
    """What became of each mutant, by its name."""
    children = str(os.cpu_count() or 1)
    said = _mutmut(copy, "run", "--max-children", children, *(f"{m}.x*" for m in modules))
    results = _mutmut(copy, "results", "--all", "true").stdout
    pairs = [line.strip().rsplit(": ", 1) for line in results.splitlines() if ": " in line]
    statuses = {name: status for name, status in pairs if _wanted(name, modules)}
    if said.returncode or not statuses or "not checked" in statuses.values():
        sys.exit(f"mutmut did not come to its end:\n{said.stdout[-3000:]}{said.stderr[-3000:]}")
    return statuses


def _mutmut(copy: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    # Under CI, Hypothesis chooses the same examples every time: a mutant is found or it is not.
    environment = {**os.environ, "CI": "true"}
    environment.pop("PYTHONPATH", None)  # or the project itself would be tested, not its mutants
    return subprocess.run(
        [sys.executable, "-m", "mutmut", *arguments],
        cwd=copy, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip


def _survivors(copy: Path, names: list[str]) -> list[Survivor]:
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        shown = pool.map(lambda name: _mutmut(copy, "show", name).stdout, names)
        return sorted(_survivor(name, text) for name, text in zip(names, shown, strict=True))


def _survivor(name: str, diff: str) -> Survivor:
    file = _file(name)
    hunk = [
        line for line in diff.splitlines() if line[:1] in "-+" and line[:3] not in {"---", "+++"}
    ]
    old = [line[1:].strip() for line in hunk if line[0] == "-"]
    new = [line[1:].strip() for line in hunk if line[0] == "+"]
    return Survivor(str(file), _number(file, name, old), " ".join(old), " ".join(new))


def _number(file: Path, name: str, old: list[str]) -> int:
    """The line where a function holds the text; the function's own where it is not found."""
    function = name.rsplit("__mutmut_", 1)[0].rsplit(".", 1)[1]
    text = (ROOT / file).read_text()
    lines = text.splitlines()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef) and function.endswith(
            ("_" + node.name, "ǁ" + node.name)
        ):
            for number in range(node.lineno, (node.end_lineno or 0) + 1):
                if old and lines[number - 1].strip() == old[0]:
                    return number
    return 1


def _tell(statuses: dict[str, str], survivors: list[Survivor], files: Iterable[Path]) -> int:
    explained = {
        (entry["file"], entry["line"], entry["becomes"]): entry["reason"]
        for entry in tomllib.loads(EXPLAINED.read_text())["equivalent"]
    }
    made: dict[str, int] = defaultdict(int)
    for name in statuses:
        made[str(_file(name))] += 1
    left: dict[str, list[Survivor]] = defaultdict(list)
    for survivor in survivors:
        left[survivor.file].append(survivor)
    for file in map(str, files):
        print(f"{file:40}{made[file]:>5} mutants{made[file] - len(left[file]):>5} killed")
        for survivor in left[file]:
            reason = explained.get((survivor.file, survivor.line, survivor.becomes))
            print(f"    {survivor}\n      {reason or 'NOT EXPLAINED'}")
    seen = {(s.file, s.line, s.becomes) for s in survivors}
    for file, line, becomes in sorted(set(explained) - seen):
        if made[file]:
            print(f"explained, but it does not survive: {file}: {line} -> {becomes}")
    total, killed = len(statuses), len(statuses) - len(survivors)
    open_ = len(survivors) - sum((s.file, s.line, s.becomes) in explained for s in survivors)
    endless = sum(status == "timeout" for status in statuses.values())
    print(
        f"{killed} of {total} killed ({endless} by never ending): {killed * 100 / total:.1f} %;"
        f" {open_} not explained"
    )
    return 0 if killed * 100 >= total * LEAST_PERCENT else 1


def _module(file: Path) -> str:
    parts = file.with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _file(name: str) -> Path:
    path = Path(*name.rsplit(".", 1)[0].split("."))
    return path / "__init__.py" if (ROOT / path).is_dir() else path.with_suffix(".py")


def _wanted(name: str, modules: Sequence[str]) -> bool:
    return not modules or name.rsplit(".", 1)[0] in modules


if __name__ == "__main__":
    sys.exit(main())
