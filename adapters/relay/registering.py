"""Endpoints: added, paused, removed; their secrets; what is sent again; how they fare."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Sequence
from typing import NamedTuple
from urllib.parse import urlsplit

from adapters.relay import signing
from adapters.relay.addresses import place_of
from ledger.errors import EndpointExists, EndpointUnknown, InputInvalid
from ledger.events import TOPICS
from ledger.store.log import Log
from ledger.store.outbox import ACTIVE, BEHIND, DEAD, PAUSED, WAITING, Aside, Endpoint, Outbox
from ledger.types import Clock

SUBJECT = "loyalty.{topic}"
NATS = ("nats://", "tls://")
_LONGEST_NAME = 60
_SHOWN = 200


class Fares(NamedTuple):
    """How an endpoint fares; `lag` in events, `lag_seconds` the age of the first one not sent."""

    name: str
    state: str
    reason: str
    position: int
    lag: int
    lag_seconds: int
    waiting: int
    """Put aside and to be tried again, or behind such a one."""
    dead: int
    replaying: int
    """Events of the log yet to be looked at for replays."""
    delivered: int
    failed: int
    failures: int
    """Tries in a row that failed, up to now."""
    answer: str


class Endpoints:
    """The endpoints of a ledger, as a person sees to them."""

    def __init__(self, log: Log, clock: Clock) -> None:
        """Bind the log and the clock."""
        self._log = log
        self._clock = clock
        self._outbox = Outbox(log)

    def all(self) -> list[Endpoint]:
        """All of them, by name."""
        return self._outbox.endpoints()

    def add(
        self, url: str, *, name: str = "", topics: Sequence[str] = (), first: int | None = None,
        allowed: Collection[str] = (), subject: str = "",
    ) -> tuple[str, str]:  # fmt: skip
        """Keep a new endpoint, and give its name and its secret: that is told here and nowhere else.

        `first` is the position of the first event to be sent; None is the next one to be recorded.
        An endpoint of NATS has no secret.

        Raises:
            InputInvalid: no such URL, name, topic, position or subject.
            EndpointExists.
        """
        bus = url.startswith(NATS)
        host = _bus_host(url) if bus else place_of(url, allowed).host
        name = name or host
        _check_name(name)
        if unknown := sorted(set(topics) - set(TOPICS)):
            raise InputInvalid(f"There is no event `{unknown[0]}`.", field="events")
        if subject and not bus:
            raise InputInvalid("Only an endpoint of NATS has a subject.", field="subject")
        head = self._log.head()
        after = head if first is None else first - 1
        _check_position(after, head, "from")
        secret = "" if bus else signing.new_secret()
        endpoint = Endpoint(
            secrets_id(), name, url, tuple(sorted(set(topics))),
            _subject(subject or SUBJECT) if bus else "", tuple(sorted(allowed)),
            signing.to_keep([signing.Secret(secret)]) if secret else "",
            ACTIVE, "", after, 0, 0, 0, 0, 0, "",
        )  # fmt: skip
        if not self._outbox.add(endpoint):
            raise EndpointExists(f"`{name}`")
        return name, secret

    def pause(self, name: str) -> None:
        """Send nothing until it is resumed; what is recorded meanwhile is sent then.

        Raises:
            EndpointUnknown.
        """
        self._outbox.put_state(self._one(name).id, PAUSED, "")

    def resume(self, name: str) -> None:
        """Go on with one that was paused, or disabled because its receiver said that it is gone.

        Raises:
            EndpointUnknown.
        """
        self._outbox.put_state(self._one(name).id, ACTIVE, "")

    def remove(self, name: str) -> None:
        """Forget an endpoint, its secret and what waits for it.

        Raises:
            EndpointUnknown.
        """
        self._outbox.remove(self._one(name).id)

    def rotate(self, name: str, grace_seconds: int) -> str:
        """A new secret; until the grace is over the old one signs too.

        Raises:
            EndpointUnknown.
            InputInvalid: it has none.
        """
        one = self._one(name)
        if not one.secrets:
            raise InputInvalid("An endpoint of NATS has no secret.", field="name")
        new = signing.new_secret()
        known = signing.rotated(signing.kept(one.secrets), new, self._clock(), grace_seconds)
        self._outbox.put_secrets(one.id, signing.to_keep(known))
        return new

    def replay(self, name: str, first: int, last: int | None) -> tuple[int, int]:
        """Send a part of the log again, under the same ids; gives its first and last position.

        What was not sent yet is none of it: it comes in any case.

        Raises:
            EndpointUnknown.
            InputInvalid: there is nothing in that part that was sent.
        """
        one = self._one(name)
        until = one.position if last is None else min(last, one.position)
        _check_position(first - 1, self._log.head(), "from")
        if first > until:
            what = f"Nothing from {first} on" if last is None else f"Nothing from {first} to {last}"
            raise InputInvalid(f"{what} was sent; it is at {one.position}.", field="from")
        self._outbox.add_replay(one.id, first - 1, until)
        return first, until

    def dead(self, name: str, limit: int) -> list[Aside]:
        """Dead letters, in the order of the log.

        Raises:
            EndpointUnknown.
        """
        return self._outbox.dead(self._one(name).id, 0, limit)

    def retry(self, name: str) -> int:
        """Send all dead letters again, with a whole schedule of tries; how many.

        Raises:
            EndpointUnknown.
        """
        return self._outbox.retry(self._one(name).id, self._clock())

    def status(self) -> list[Fares]:
        """How all of them fare."""
        head = self._log.head()
        return [self._fares(one, head) for one in self.all()]

    def _fares(self, one: Endpoint, head: int) -> Fares:
        first = self._log.read(one.position, 1)
        age = max(0, self._clock() - first[0].written_at // 1_000_000) if first else 0
        counts = self._outbox.counts(one.id)
        replaying = sum(part.until - part.position for part in self._outbox.replays(one.id))
        return Fares(
            one.name, one.state, one.reason, one.position, max(0, head - one.position), age,
            counts[WAITING] + counts[BEHIND], counts[DEAD], replaying, one.delivered, one.failed,
            one.failures, one.answer,
        )  # fmt: skip

    def _one(self, name: str) -> Endpoint:
        for one in self.all():
            if one.name == name:
                return one
        raise EndpointUnknown(f"`{name}`")


def shown(url: str) -> str:
    """A URL without the user and password that one of NATS may have."""
    scheme, _, rest = url.partition("://")
    host, slash, path = rest.partition("/")
    return f"{scheme}://{host.rpartition('@')[2]}{slash}{path}"[:_SHOWN]


def secrets_id() -> str:
    """What tells a registration from a later one of the same name."""
    return secrets.token_hex(8)


def _bus_host(url: str) -> str:
    try:
        read = urlsplit(url)
        wrong = not read.hostname or read.path or read.query or read.fragment or read.port == 0
    except ValueError:
        wrong = True
    if wrong or not url.isprintable() or " " in url:
        raise InputInvalid(f"`{shown(url)}` is no URL of a NATS server.", field="url")
    return shown(url).partition("://")[2]


def _check_name(name: str) -> None:
    if not name.isprintable() or not 0 < len(name) <= _LONGEST_NAME or " " in name:
        msg = f"A name has 1 to {_LONGEST_NAME} characters, and no blanks."
        raise InputInvalid(msg, field="name")


def _check_position(after: int, head: int, field: str) -> None:
    if not 0 <= after <= head:
        raise InputInvalid(f"The log has positions 1 to {head}.", field=field)


def _subject(text: str) -> str:
    tokens = text.split(".")
    if not all(tokens) or any(c.isspace() or not c.isprintable() or c in "*>" for c in text):
        msg = f"`{text}` is no subject to publish to; `{{topic}}` in it stands for the topic."
        raise InputInvalid(msg, field="subject")
    return text
