"""`loyalty relay ...`: the log sent on, as webhooks or into NATS JetStream."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from threading import Event, Thread

from adapters.cli.render import Speaker, table, when
from adapters.cli.stopping import stopped
from adapters.cli.values import positive, whole
from adapters.relay.addresses import HTTP, PRIVATE
from adapters.relay.courier import SCHEDULE
from adapters.relay.registering import SUBJECT, Endpoints, Fares, shown
from adapters.relay.running import Relay
from adapters.relay.webhook import TIMEOUT_S
from ledger.application import LoyaltyLedger
from ledger.errors import InputInvalid

GRACE_HOURS = 24
HEAD = "head"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("action", choices=tuple(_ACTIONS))
    parser.add_argument(
        "subject", nargs="?", metavar="URL|NAME",
        help="where events go (to add): https://..., nats://... or tls://...; else an endpoint",
    )  # fmt: skip
    parser.add_argument("--name", default="", help="what to call it (to add; default: its host)")
    parser.add_argument(
        "--events", type=_topics, default=(), metavar="TOPIC,TOPIC",
        help="which events are sent (to add; default: all)",
    )  # fmt: skip
    parser.add_argument(
        "--from", dest="first", type=_position, metavar="POSITION",
        help=f"the first position to be sent (to add: default `{HEAD}`, what comes; to replay)",
    )  # fmt: skip
    parser.add_argument(
        "--to", dest="last", type=positive, help="the last position to be sent again (to replay)"
    )
    parser.add_argument(
        "--allow-http", action="store_true", help="the URL need not be https (to add)"
    )
    parser.add_argument(
        "--allow-private", action="store_true", help="its address need not be public (to add)"
    )
    parser.add_argument(
        "--nats-subject", default="",
        help=f"where NATS has it, `{{topic}}` stands for the topic (to add; default: {SUBJECT})",
    )  # fmt: skip
    parser.add_argument(
        "--grace-hours", type=whole, default=GRACE_HOURS,
        help=f"how long the old secret signs too (to rotate; {GRACE_HOURS})",
    )  # fmt: skip
    parser.add_argument("--limit", type=positive, default=100, help="at most so many (dead; 100)")
    parser.add_argument("--once", action="store_true", help="send what there is and end (to run)")
    parser.add_argument(
        "--schedule", type=_schedule, default=SCHEDULE, metavar="SECONDS,SECONDS",
        help="the waits between tries (to run; default: 5 s to 24 h, three days in all)",
    )  # fmt: skip
    parser.add_argument(
        "--timeout", type=positive, default=TIMEOUT_S,
        help=f"seconds until a try counts as failed (to run; {TIMEOUT_S})",
    )  # fmt: skip
    parser.add_argument(
        "--every", type=positive, default=1, help="seconds at most between two looks (to run)"
    )
    parser.add_argument(
        "--tell", type=positive, default=10, help="seconds at least between two lines (to run)"
    )


def run(options: argparse.Namespace, speaker: Speaker) -> int:
    """Do it."""
    if options.action not in _ALONE and not options.subject:
        what = "A URL" if options.action == "add" else "An endpoint's name"
        raise InputInvalid(f"{what} is needed.", field="subject")
    with LoyaltyLedger.open(options.db) as ledger:
        return _ACTIONS[options.action](ledger, options, speaker)


def _add(ledger: LoyaltyLedger, options: argparse.Namespace, speaker: Speaker) -> int:
    allowed = [HTTP] * options.allow_http + [PRIVATE] * options.allow_private
    name, secret = _of(ledger).add(
        options.subject, name=options.name, topics=options.events, first=options.first,
        allowed=allowed, subject=options.nats_subject,
    )  # fmt: skip
    if secret:
        speaker.note("The secret is told here and nowhere else.")
    speaker.say({"name": name, "secret": secret}, [secret or f"Endpoint {name} added."])
    return 0


def _list(ledger: LoyaltyLedger, _: argparse.Namespace, speaker: Speaker) -> int:
    found = _of(ledger).all()
    told = [
        {"name": one.name, "url": shown(one.url), "events": list(one.topics), "state": one.state,
         "reason": one.reason, "allowed": list(one.allowed), "nats_subject": one.subject}
        for one in found
    ]  # fmt: skip
    rows = [
        (one.name, one.state, ",".join(one.topics) or "all", shown(one.url), one.reason)
        for one in found
    ]
    lines = table(("name", "state", "events", "url", ""), rows) if rows else ["No endpoint."]
    speaker.say({"endpoints": told}, lines)
    return 0


def _pause(ledger: LoyaltyLedger, options: argparse.Namespace, speaker: Speaker) -> int:
    _of(ledger).pause(options.subject)
    return _done(options, speaker, "paused")


def _resume(ledger: LoyaltyLedger, options: argparse.Namespace, speaker: Speaker) -> int:
    _of(ledger).resume(options.subject)
    return _done(options, speaker, "active")


def _remove(ledger: LoyaltyLedger, options: argparse.Namespace, speaker: Speaker) -> int:
    _of(ledger).remove(options.subject)
    return _done(options, speaker, "removed")


def _done(options: argparse.Namespace, speaker: Speaker, state: str) -> int:
    told = {"name": options.subject, "state": state}
    speaker.say(told, [f"Endpoint {options.subject}: {state}."])
    return 0


def _rotate(ledger: LoyaltyLedger, options: argparse.Namespace, speaker: Speaker) -> int:
    if options.grace_hours < 0:
        raise InputInvalid("No hours below zero.", field="grace_hours")
    secret = _of(ledger).rotate(options.subject, options.grace_hours * 3_600)
    speaker.note("The secret is told here and nowhere else.")
    speaker.say({"name": options.subject, "secret": secret}, [secret])
    return 0


def _replay(ledger: LoyaltyLedger, options: argparse.Namespace, speaker: Speaker) -> int:
    if options.first is None:
        raise InputInvalid("The first position to be sent again is needed.", field="from")
    first, last = _of(ledger).replay(options.subject, options.first, options.last)
    told = {"name": options.subject, "from": first, "to": last}
    speaker.say(told, [f"Positions {first} to {last} are sent again."])
    return 0


def _dead(ledger: LoyaltyLedger, options: argparse.Namespace, speaker: Speaker) -> int:
    found = _of(ledger).dead(options.subject, options.limit)
    told = [
        {"position": one.position, "stream": one.stream.hex(), "tries": one.tries,
         "since": when(one.since), "answer": one.answer}
        for one in found
    ]  # fmt: skip
    rows = [(one.position, one.tries, when(one.since) or "", one.answer) for one in found]
    head = ("position", "tries", "since", "last answer")
    speaker.say({"dead": told}, table(head, rows) if rows else ["No dead letters."])
    return 0


def _retry(ledger: LoyaltyLedger, options: argparse.Namespace, speaker: Speaker) -> int:
    again = _of(ledger).retry(options.subject)
    told = {"name": options.subject, "retried": again}
    speaker.say(told, [f"{again} dead letters are sent again."])
    return 0


def _status(ledger: LoyaltyLedger, _: argparse.Namespace, speaker: Speaker) -> int:
    _say(_of(ledger).status(), speaker)
    return 0


def _run(ledger: LoyaltyLedger, options: argparse.Namespace, speaker: Speaker) -> int:
    relay = Relay(
        ledger.log, ledger.clock, schedule=options.schedule, timeout_s=options.timeout,
        complain=_complaining(speaker),
    )  # fmt: skip
    if options.once:
        relay.once()
        _say(_of(ledger).status(), speaker)
        return 0
    with stopped() as stop:
        speaker.note("Sending; SIGTERM or Ctrl-C ends it.")
        teller = Thread(target=_tell, args=(ledger, stop, options.tell, speaker))
        teller.start()
        try:
            relay.run(stop, poll_ms=options.every * 1_000)
        finally:
            stop.set()
            teller.join()
    _say(_of(ledger).status(), speaker)
    return 0


def _complaining(speaker: Speaker) -> Callable[[str], None]:
    """Say what is wrong, once and not at every look."""
    last = ""

    def complain(why: str) -> None:
        nonlocal last
        if why != last:
            speaker.note(f"loyalty: {why}")
            last = why

    return complain


def _tell(ledger: LoyaltyLedger, stop: Event, every_s: int, speaker: Speaker) -> None:
    """Say how the endpoints fare, now and then, if anything changed."""
    from eventsourcing.persistence import PersistenceError

    last: list[Fares] = []
    while not stop.wait(every_s):
        try:
            fares = _of(ledger).status()
        except PersistenceError:
            continue  # the relay says so itself
        if fares != last:
            _say(fares, speaker)
            last = fares


def _say(fares: list[Fares], speaker: Speaker) -> None:
    lines = [
        f"{one.name}: {one.state}, at position {one.position},"
        f" {f'{one.lag} events, {one.lag_seconds} s behind' if one.lag else 'up to date'};"
        f" {one.delivered} delivered, {one.failed} tries failed, {one.waiting} waiting,"
        f" {one.dead} dead"
        + (f", {one.replaying} to be sent again" if one.replaying else "")
        + (f"; last: {one.answer}" if one.answer and (one.waiting or one.failures) else "")
        + "."
        for one in fares
    ]
    speaker.say({"endpoints": [one._asdict() for one in fares]}, lines or ["No endpoint."])


def _of(ledger: LoyaltyLedger) -> Endpoints:
    return Endpoints(ledger.log, ledger.clock)


def _topics(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _position(text: str) -> int | None:
    return None if text == HEAD else positive(text)


def _schedule(text: str) -> tuple[int, ...]:
    return tuple(positive(part) for part in text.split(","))


_ACTIONS: Mapping[str, Callable[[LoyaltyLedger, argparse.Namespace, Speaker], int]] = {
    "add": _add,
    "list": _list,
    "pause": _pause,
    "resume": _resume,
    "remove": _remove,
    "rotate": _rotate,
    "replay": _replay,
    "dead": _dead,
    "retry": _retry,
    "status": _status,
    "run": _run,
}
_ALONE = frozenset({"list", "status", "run"})
