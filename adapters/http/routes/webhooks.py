"""Webhooks: what Square, Shopify and ERPNext send of their own accord.

All three send again whatever is not answered with 2xx, and take some seconds for no answer: Shopify
and ERPNext five, Square ten. So what a repeat cannot mend is answered with 200 and kept for people, and
only what may go better later is refused.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Sequence
from typing import Annotated, Any

import msgspec
from litestar.exceptions import NotFoundException
from litestar.params import Parameter
from msgspec import Struct
from msgspec.structs import replace

from adapters.http.forms import Taken
from adapters.http.guard import Call, Ledger, in_store, signed_by
from adapters.http.hooks import Hook
from adapters.http.paths import signed
from adapters.pos.given import way
from adapters.records import Bad, Good, Item, Place
from adapters.rejects import refused
from ledger.application import LoyaltyLedger
from ledger.errors import LedgerError, StoreUnavailable

SECONDS = 4
"""Less than any of the senders waits."""
LARGEST = 1 << 22
"""An order of Shopify with all of its lines and refunds is longer than a receipt."""
REMEMBERED = 1 << 14
"""Webhooks of a sender of which the answer is kept; older ones count by their receipts' keys alone."""
Name = Annotated[str, Parameter(min_length=1, max_length=64, description="The sender's name.")]


class _Answered(Struct):
    """An answer as it is kept: what it was to, and what it said."""

    to: str
    taken: Taken


@signed("/v1/webhooks/{sender:str}", "webhook", tags=["webhooks"], request_max_body_size=LARGEST)
async def webhook(request: Call, sender: Name, ledger: Ledger) -> Taken:
    """Take a webhook of a sender that `loyalty serve --webhooks` names.

    The raw body is verified first. The same webhook again is answered as before, with `repeat`; the
    same receipt in another counts once. 200 says that it need not be sent again: it was recorded, is no
    receipt (`ignored`), or was refused and kept with the reason (`rejected`).
    """
    hook: Hook | None = request.app.state.hooks.get(sender)
    if hook is None:
        raise NotFoundException("There is no such sender.")
    body = await request.body()
    verified = hook.verify(request.headers, body, ledger.clock())
    signed_by(request, hook.sender)
    try:
        async with asyncio.timeout(SECONDS):
            return await _once(request, hook, verified.event, body, ledger)
    except TimeoutError:
        raise StoreUnavailable("It took too long.") from None


async def _once(request: Call, hook: Hook, event: str, body: bytes, ledger: LoyaltyLedger) -> Taken:
    """Take it, unless it was taken before.

    What makes it the same is its id and its body: an id that is not signed may be anybody's, and
    several webhooks of Shopify are of one event.
    """
    to = hashlib.sha256(event.encode() + b"\0" + body).hexdigest()
    mark = f"webhook {hook.name} {int(to[:8], 16) % REMEMBERED}"
    if kept := await asyncio.to_thread(ledger.log.mark, mark):
        before = msgspec.json.decode(kept, type=_Answered)
        if before.to == to:
            return replace(before.taken, repeat=True)
    taken = await _take(request, hook, event, body, ledger)
    answered = msgspec.json.encode(_Answered(to, taken)).decode()
    await asyncio.to_thread(ledger.log.put_mark, mark, answered)
    return taken


async def _take(request: Call, hook: Hook, event: str, body: bytes, ledger: LoyaltyLedger) -> Taken:
    reading = await asyncio.to_thread(way, ledger, hook.given)
    place = Place(f"{hook.name} {event}", 1, 0, len(body))
    items = await asyncio.to_thread(
        lambda: list(hook.parse(body, reading, place=place, number=True))
    )
    bad, good = _sorted(request, items)
    said = await ledger.record_all_async([one.receipt for one in good], enrol=hook.given.enrol)
    for outcome in said:
        if isinstance(outcome, BaseException) and not _lasting(outcome):
            raise outcome
    bad += [
        refused(one, str(outcome), outcome.field)
        for one, outcome in zip(good, said, strict=True)
        if isinstance(outcome, LedgerError)
    ]
    await asyncio.to_thread(hook.kept.put, bad)
    fine = [one for one in said if not isinstance(one, LedgerError)]
    before = sum(one.repeat for one in fine)
    if not fine:
        request.state.code = "rejected" if bad else "ignored"
    return Taken(event, False, len(fine) - before, before, len(bad), dict(reading.left_out))  # noqa: FBT003


def _sorted(request: Call, items: list[Item]) -> tuple[list[Bad], list[Good]]:
    """What is no receipt, or of a store that the sender does not speak for; and the others."""
    bad: list[Bad] = []
    good: list[Good] = []
    for one in items:
        if isinstance(one, Bad):
            bad.append(one)
            continue
        try:
            in_store(request, one.receipt.store)
        except LedgerError as refusal:
            bad.append(refused(one, str(refusal), refusal.field))
        else:
            good.append(one)
    return bad, good


def _lasting(outcome: BaseException) -> bool:
    """Whether to send the same again would be in vain."""
    return isinstance(outcome, LedgerError) and not outcome.retryable


ROUTES: Sequence[Any] = (webhook,)
