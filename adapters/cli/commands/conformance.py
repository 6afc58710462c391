"""`loyalty conformance URL`: a till with bad luck, played against a server."""

from __future__ import annotations

import argparse
import os

from adapters.cli.render import Speaker
from ledger.errors import InputInvalid

KEY_VARIABLE = "LOYALTY_KEY"
UNVERIFIED = 3


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("url", help="the server, e.g. http://127.0.0.1:8080")
    parser.add_argument("--store", required=True, help="a store that the key is for")
    parser.add_argument("--currency", required=True, help="the programme's, e.g. EUR")
    parser.add_argument("--key", help=f"a till's access key (default: ${KEY_VARIABLE})")


def run(options: argparse.Namespace, speaker: Speaker) -> int:
    """Play every case, and tell which the server broke."""
    try:
        from adapters.conformance import Result, Settings
        from adapters.conformance import run as play
        from adapters.conformance.run import BROKEN
    except ImportError:
        raise InputInvalid("Playing a till needs the extra `http`.", field="conformance") from None
    key = options.key or os.environ.get(KEY_VARIABLE, "")
    if not key:
        raise InputInvalid(f"Give --key or set {KEY_VARIABLE}.", field="key")

    def told(result: Result) -> None:
        speaker.note(f"{result.result:9} {result.name}")

    results = play(Settings(options.url, key, options.store, options.currency), told=told)
    broken = [result for result in results if result.result == BROKEN]
    lines = [f"{result.result:9} {result.name}: {result.about}" for result in results]
    lines += [f"BROKEN    {result.name}: {result.detail}" for result in broken]
    lines.append(f"{len(results)} cases, {len(broken)} broken.")
    speaker.say({"cases": [r._asdict() for r in results], "broken": len(broken)}, lines)
    return UNVERIFIED if broken else 0
