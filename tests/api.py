"""The API as tests call it: in the same process, by its own ASGI door."""

import asyncio
from contextlib import contextmanager

import httpx

from adapters.http.app import Limits, api
from ledger.policies.access import MACHINES, ROLES, TILL

MANY = 1_000_000
SALE = {
    "store": "s1",
    "lane": "1",
    "business_date": "2026-01-01",
    "captured_at": "2026-01-01T00:00:00+00:00",
    "currency": "EUR",
}


class Api:
    """Calls, each answered before the next."""

    def __init__(self, ledger, hooks=None, **limits):
        self.ledger = ledger
        self.app = api(ledger, Limits(**{"calls_per_second": MANY, **limits}), hooks)
        self.loop = asyncio.new_event_loop()
        transport = httpx.ASGITransport(self.app, raise_app_exceptions=False)
        self.client = httpx.AsyncClient(transport=transport, base_url="http://ledger")
        self.keys = {}

    def key(self, role=TILL, *stores):
        """A key of a role; a till's is for the store s1."""
        stores = stores or (("s1",) if role == TILL else ())
        if (role, stores) not in self.keys:
            name = f"{role} {' '.join(stores)}"
            made = self.ledger.issue_key(name, role, "Ada", f"key {name}", stores=stores)
            self.keys[role, stores] = made.key
        return self.keys[role, stores]

    def call(self, method, path, body=None, *, key=None, content=None, headers=None):
        sent = {"authorization": f"Bearer {key or self.key()}"} if key != "" else {}
        return self.loop.run_until_complete(
            self.client.request(
                method, path, json=body, content=content, headers={**sent, **(headers or {})}
            )
            if content is None
            else self.client.request(
                method, path, content=content, headers={**sent, **(headers or {})}
            )
        )

    def get(self, path, **options):
        return self.call("GET", path, **options)

    def post(self, path, body=None, **options):
        return self.call("POST", path, body or {}, **options)

    def all_at_once(self, calls):
        """Answers to calls that are made together."""

        async def run():
            return await asyncio.gather(
                *[
                    self.client.request(
                        method, path, json=body, headers={"authorization": f"Bearer {key}"}
                    )
                    for method, path, body, key in calls
                ]
            )

        return self.loop.run_until_complete(run())

    def close(self):
        self.loop.run_until_complete(self.app._looks.close())
        self.loop.run_until_complete(self.client.aclose())
        self.loop.close()


@contextmanager
def serving(ledger, hooks=None, **limits):
    made = Api(ledger, hooks, **limits)
    try:
        yield made
    finally:
        made.close()


def sale(number, amount=1_000, card="c1", **more):
    """A receipt as it is sent."""
    line = {"product": "1", "quantity": 1, "amount_minor": amount}
    return {**SALE, "number": number, "card": card, "lines": [line], **more}


__all__ = ["MACHINES", "ROLES", "Api", "sale", "serving"]
