"""`loyalty`: the ledger from the command line.

Exit codes: 0 done; 1 the ledger refused; 2 wrong usage; 3 a verification failed; 4 some input
was rejected and the rest taken; 5 the store or the ledger could not answer, try again.
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from adapters.cli.render import Speaker
    from ledger.errors import LedgerError

REFUSED, USAGE, UNVERIFIED, REJECTED, UNAVAILABLE, INTERRUPTED = 1, 2, 3, 4, 5, 130


class Entry(NamedTuple):
    """A command: the module that holds it is imported when it is called."""

    name: str
    module: str
    about: str


COMMANDS: tuple[Entry, ...] = (
    Entry("init", "init", "make a ledger with its first programme"),
    Entry("programme", "programme", "check a programme file, or publish it"),
    Entry("ingest", "ingest", "take receipts in from a file or a folder"),
    Entry("spool", "spool", "watch folders, and take each file in once"),
    Entry("catalogue", "catalogue", "import products, prices and promotions; what is known of one"),
    Entry("campaign", "campaign", "offers on goods: create, show, end, fund, issue, settle"),
    Entry("enrol", "enrol", "make a member"),
    Entry("personal", "personal", "complete or change a member's personal data"),
    Entry("consent", "consent", "record whether a member wants to be told offers"),
    Entry("card", "card", "link, replace, block or limit a card"),
    Entry("member", "member", "show a member: tier, balance, cards"),
    Entry("statement", "statement", "show a member's points, movement by movement"),
    Entry("quote", "quote", "what baskets would earn and cost, recording nothing"),
    Entry("expiring", "expiring", "whose points are gone soon"),
    Entry("rhythm", "rhythm", "how often a member comes, and buys what"),
    Entry("segments", "segments", "members in groups by what they bought, and who moved"),
    Entry("ask", "ask", "questions about single members: who to win back, to tell, to call"),
    Entry("redeem", "redeem", "turn points into money off, a gift or a voucher"),
    Entry("allowance", "allowance", "let tills that are offline take points: issue, keys, burns"),
    Entry("redemption", "redemption", "undo a redemption"),
    Entry("voucher", "voucher", "use or show a voucher"),
    Entry("hold", "hold", "reserve points for a purchase"),
    Entry("settle", "settle", "pay out a hold"),
    Entry("release", "release", "give up a hold"),
    Entry("return", "returns", "take goods back, or a return"),
    Entry("adjust", "adjust", "give or take points by hand"),
    Entry("tier", "tier", "grant, revoke or review a tier; what the next one needs"),
    Entry("transfer", "transfer", "give points of one member to another"),
    Entry("merge", "merge", "make two members one"),
    Entry("unmerge", "unmerge", "undo a merge"),
    Entry("close", "close", "close a member's account"),
    Entry("erase", "erase", "erase a member: destroy the key of the personal data"),
    Entry("key", "key", "access keys for the API: issue, rotate, revoke, list"),
    Entry("serve", "serve", "the API over HTTP"),
    Entry("conformance", "conformance", "play a till with bad luck against a server"),
    Entry("relay", "relay", "the log sent on: webhooks, or into NATS JetStream"),
    Entry("complaint", "complaint", "open, answer or resolve a complaint"),
    Entry("jobs", "jobs", "list time-driven work, run what is due, show what was done"),
    Entry("review", "review", "list what waits for a person, approve it, deny it"),
    Entry("staff", "staff", "say which cashier holds a card"),
    Entry("budget", "budget", "what campaigns have left to give"),
    Entry("offers", "offers", "what members are about to need: how well it is told"),
    Entry("status", "status", "how far the reporting tables have come, with their digests"),
    Entry("follow", "follow", "keep the reporting tables up to date until stopped"),
    Entry("rebuild", "rebuild", "build reporting tables anew from the log"),
    Entry("unpark", "unpark", "try again what a report could not take"),
    Entry("export", "export", "write the log out as Parquet"),
    Entry("verify", "verify", "check the log, and everything derived from it"),
    Entry(
        "simulate-programme",
        "simulate_programme",
        "what a draft programme would have come to over a period",
    ),
    Entry("simulate", "simulate", "write a made-up chain's receipts"),
    Entry("demo", "demo", "see it all on a made-up chain, or on your data"),
)


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    parser = _parser(arguments)
    options = parser.parse_args(arguments)
    if not options.command:
        parser.print_help()
        return USAGE
    if argv is None:  # the process is this command's alone
        from ledger.store.helping import rest

        rest()
    return _run(options)


def _parser(arguments: Sequence[str]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="loyalty",
        description="An event-sourced loyalty ledger.",
        epilog=(__doc__ or "").split("\n\n", 1)[1].strip(),
    )
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    chosen = next((a for a in arguments if not a.startswith("-")), "")
    for entry in COMMANDS:
        sub = commands.add_parser(entry.name, help=entry.about, description=entry.about)
        if entry.name == chosen:
            module = importlib.import_module(f"adapters.cli.commands.{entry.module}")
            _common(sub, database=getattr(module, "DATABASE", True))
            module.arguments(sub)
            sub.set_defaults(run=module.run)
    return parser


def _common(parser: argparse.ArgumentParser, *, database: bool) -> None:
    if database:
        parser.add_argument(
            "--db",
            default=os.environ.get("LOYALTY_DB", "loyalty.db"),
            help="a SQLite file or a postgresql:// URL (default: $LOYALTY_DB, else loyalty.db)",
        )
    parser.add_argument("--json", action="store_true", help="the result as one JSON object")


def _run(options: argparse.Namespace) -> int:
    from adapters.cli.render import Speaker
    from ledger.errors import LedgerError

    speaker = Speaker(json=options.json)
    try:
        return int(options.run(options, speaker))
    except LedgerError as refusal:
        return _refused(refusal, speaker)
    except BrokenPipeError:
        # Who reads has enough; what is left in the buffer goes nowhere when Python ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        speaker.note(f"loyalty: {error}")
        return REFUSED
    except ImportError as error:
        speaker.note(
            f"loyalty: {error}. Extras: pip install 'loyalty-ledger[cli,personal,data,offers,http,pdf,relay,nats]'"
        )
        return USAGE
    except KeyboardInterrupt:
        speaker.note("loyalty: interrupted; what was answered is recorded")
        return INTERRUPTED
    except Exception as error:
        told = _of_the_store(error)
        if told is None:
            raise
        return _refused(told, speaker)


def _refused(refusal: LedgerError, speaker: Speaker) -> int:
    if speaker.json:
        told = {"error": refusal.code, "message": str(refusal), "field": refusal.field,
                "retryable": refusal.retryable}  # fmt: skip
        speaker.say(told, ())
    else:
        speaker.note(f"loyalty: {refusal}")
    return UNAVAILABLE if refusal.retryable else REFUSED


def _of_the_store(error: Exception) -> LedgerError | None:
    """What a database said of itself, as a refusal; None for anything else, which is a bug."""
    from eventsourcing.persistence import InterfaceError, OperationalError, PersistenceError

    from ledger.errors import InputInvalid, StoreUnavailable

    if isinstance(error, (OperationalError, InterfaceError)):
        return StoreUnavailable(str(error))
    return InputInvalid(str(error), field="db") if isinstance(error, PersistenceError) else None


if __name__ == "__main__":
    sys.exit(main())
