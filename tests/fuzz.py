"""Bytes that look for new paths through a parser: `make fuzz`. The corpus is kept in `.fuzz/`.

A run ends at the first crash, at an input that takes longer than a second or more memory than a
gibibyte, and leaves that input behind. `--keep` adds what was found to
`tests/corpus.tar.xz`, which a run begins with and `make test` tries.
"""

import argparse
import sys
from pathlib import Path

import atheris

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "tests"))
with atheris.instrument_imports(include=["adapters.pos", "adapters.delimited", "adapters.records"]):
    import fuzzed

SECONDS, MEBIBYTES = 1, 1024
KEPT = ROOT / ".fuzz"


def seeds(name):
    """What a corpus begins with: the fixtures of the tests."""
    from test_dialects import FILES
    from test_dsfinvk import HOSTILE as ARCHIVES
    from test_gs1 import COUPON
    from test_poslog import HOSTILE, NCR, SALE

    more = {
        "poslog": [*HOSTILE.values(), NCR + SALE + b"</POSLog>"],
        "dsfinvk": [one for one in ARCHIVES.values() if len(one) < fuzzed.MOST_BYTES],
        "gs1": [COUPON.encode(), b"(01)04006381333931(3103)001234", b"2812345012345"],
        "ndjson": [b'{"rejected":{"file":"f","line":1,"offset":0,"length":1},"text":"x"}'],
    }
    return [*more.get(name, []), *([FILES[name]] if name in FILES else [])]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("target", choices=fuzzed.NAMES, nargs="?")
    parser.add_argument("--runs", type=int, default=100_000)
    parser.add_argument("--keep", action="store_true", help="add what was found to those kept")
    options = parser.parse_args()
    if options.keep:
        fuzzed.keep(KEPT)
        return
    if not options.target:
        parser.error("a parser, or --keep")
    corpus = KEPT / options.target
    corpus.mkdir(parents=True, exist_ok=True)
    one = fuzzed.targets(KEPT)[options.target]
    for number, seed in enumerate(seeds(options.target)):
        (corpus / f"seed-{number}").write_bytes(seed)
        one(seed)  # what is imported late is not in the time of an input
    for found in fuzzed.kept()[options.target]:
        (corpus / fuzzed.called(found)).write_bytes(found)
    words = [
        sys.argv[0], str(corpus), f"-runs={options.runs}", f"-timeout={SECONDS}",
        f"-rss_limit_mb={MEBIBYTES}", f"-max_len={fuzzed.MOST_BYTES}",
        f"-artifact_prefix={corpus}-", "-print_final_stats=1", "-verbosity=0",
    ]  # fmt: skip
    atheris.Setup(words, one)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
