"""A till that speaks the five verbs, sends twice, and loses answers."""

from __future__ import annotations

import datetime as dt
import socket
import ssl
from typing import Any, NamedTuple

import httpx
import msgspec

TIMEOUT_SECONDS = 30
OK, CLIENT, SERVER = 200, 400, 500


class Broken(Exception):
    """The server did something that a till cannot live with."""


class Left(Exception):
    """The case cannot be played here; says why."""


class Answer(NamedTuple):
    """What came back."""

    status: int
    body: Any

    @property
    def done(self) -> bool:
        """Whether it was done."""
        return self.status == OK


class Till:
    """One till of one store."""

    def __init__(self, url: str, key: str, store: str, currency: str, run: str) -> None:
        """Speak to a server; `run` begins every name that is made up, so that none is met twice."""
        self.url = url.rstrip("/")
        self.store, self.currency, self.run = store, currency, run
        self._key = key
        self._client = httpx.Client(base_url=self.url, timeout=TIMEOUT_SECONDS)
        self._made = 0

    def name(self, what: str) -> str:
        """A name that nobody used yet."""
        self._made += 1
        return f"{self.run}-{what}-{self._made}"

    def card(self) -> str:
        """A member's card that is new."""
        card = self.name("card")
        answer = self.call("/v1/members", {"card": card})
        if not answer.done:
            raise Left(f"a card cannot be enrolled: {answer.body}")
        return card

    def receipt(
        self, card: str | None, amount_minor: int, *, seconds_ago: int = 0, number: str = ""
    ) -> dict[str, Any]:
        """A receipt of now, or of so long ago (below zero: of a clock that is ahead)."""
        at = dt.datetime.now(dt.UTC).replace(microsecond=0) - dt.timedelta(seconds=seconds_ago)
        line = {"product": "4006381333931", "quantity": 1, "amount_minor": amount_minor}
        made: dict[str, Any] = {
            "store": self.store, "lane": "1", "business_date": at.date().isoformat(),
            "number": number or self.name("receipt"), "captured_at": at.isoformat(),
            "currency": self.currency, "lines": [line],
        }  # fmt: skip
        return made if card is None else {**made, "card": card}

    def accrue(self, receipt: dict[str, Any], transaction: str = "") -> Answer:
        """Send a receipt, under a new transaction if none is given."""
        body = {"transaction": transaction or self.name("accrue"), "receipt": receipt}
        return self.call("/v1/till/accrue", body)

    def redeem(self, card: str, points: int, transaction: str) -> Answer:
        """Let points pay."""
        body = {"transaction": transaction, "store": self.store, "card": card, "points": points}
        return self.call("/v1/till/redeem", body)

    def reverse(self, transaction: str, **what: Any) -> Answer:
        """Undo a redeem (`redeem`, its transaction) or all of a receipt (`receipt`, its key)."""
        return self.call(
            "/v1/till/reverse", {"transaction": transaction, "store": self.store, **what}
        )

    def available(self, card: str) -> int:
        """The points that could pay now."""
        answer = self.call("/v1/till/inquire", {"card": card})
        if not answer.done:
            msg = f"inquire answers {answer.status}: {answer.body}"
            raise Broken(msg)
        return int(answer.body["member"]["available"])

    def call(self, path: str, body: Any, *, key: str | None = None) -> Answer:
        """One call, and its answer."""
        headers = {"authorization": f"Bearer {self._key if key is None else key}"}
        try:
            answer = self._client.post(path, json=body, headers=headers)
        except httpx.HTTPError as error:
            msg = f"{path} is not answered: {error}"
            raise Broken(msg) from error
        try:
            told = answer.json()
        except ValueError:
            told = answer.text[:200]
        if answer.status_code >= SERVER:
            msg = f"{path} answers {answer.status_code}: {told}"
            raise Broken(msg)
        return Answer(answer.status_code, told)

    def lose(self, path: str, body: Any) -> None:
        """One call whose answer is lost: the line is cut as its first byte comes."""
        target = httpx.URL(self.url)
        port = target.port or (443 if target.scheme == "https" else 80)
        content = msgspec.json.encode(body)
        head = (
            f"POST {target.path.rstrip('/')}{path} HTTP/1.1\r\nHost: {target.host}\r\n"
            f"Authorization: Bearer {self._key}\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(content)}\r\nConnection: close\r\n\r\n"
        )
        with socket.create_connection((target.host, port), TIMEOUT_SECONDS) as line:
            wire = line
            if target.scheme == "https":
                wire = ssl.create_default_context().wrap_socket(line, server_hostname=target.host)
            wire.sendall(head.encode() + content)
            wire.recv(1)

    def close(self) -> None:
        """Hang up."""
        self._client.close()
