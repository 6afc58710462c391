"""What a till does on a bad day, and what must come of it: one function a case."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

from adapters.conformance.till import CLIENT, SERVER, Answer, Broken, Left, Till

AMOUNT_MINOR = 10_000
HOUR, DAY = 3_600, 86_400
AT_ONCE = 8
PATIENCE_SECONDS = 10
KEY = ("store", "lane", "business_date", "number")


class Case(NamedTuple):
    """A case: its name, what a till does, and how it is played."""

    name: str
    about: str
    play: Callable[[Till], None]


def _same(what: str, found: object, expected: object) -> None:
    if found != expected:
        msg = f"{what}: {found!r}, where {expected!r} is right"
        raise Broken(msg)


def _done(what: str, answer: Answer) -> Any:
    if not answer.done:
        msg = f"{what} is answered {answer.status}: {answer.body}"
        raise Broken(msg)
    return answer.body


def _refused(what: str, answer: Answer) -> None:
    """A clean refusal: no success, a code, and no advice to try the same again."""
    if not CLIENT <= answer.status < SERVER:
        msg = f"{what} is answered {answer.status}, where it has to be refused: {answer.body}"
        raise Broken(msg)
    if not (isinstance(answer.body, dict) and answer.body.get("code")):
        msg = f"{what} is refused without a code: {answer.body}"
        raise Broken(msg)
    if answer.body.get("retryable"):
        msg = f"{what} is refused as worth a retry, which cannot help: {answer.body}"
        raise Broken(msg)


def _earned(till: Till, card: str, **how: Any) -> int:
    """Points of one receipt on a card."""
    told = _done("accrue", till.accrue(till.receipt(card, AMOUNT_MINOR, **how)))
    points = int(told["points"])
    if not points:
        raise Left(f"a receipt over {AMOUNT_MINOR} earns nothing under this programme")
    return points


def _rich(till: Till) -> tuple[str, int]:
    """A card with points that can pay."""
    card = till.card()
    _earned(till, card)
    there = till.available(card)
    if not there:
        raise Left("points cannot pay at once under this programme")
    return card, there


def _redeemable(till: Till, card: str, points: int, transaction: str) -> Answer:
    answer = till.redeem(card, points, transaction)
    code = answer.body.get("code", "") if isinstance(answer.body, dict) else ""
    if code in {"redeem-not-offered", "redeem-step", "redeem-share"}:
        raise Left(f"so many points cannot pay under this programme: {code}")
    return answer


def sent_twice(till: Till) -> None:
    """The same call twice awards once."""
    card = till.card()
    receipt, transaction = till.receipt(card, AMOUNT_MINOR), till.name("accrue")
    first, again = (_done("accrue", till.accrue(receipt, transaction)) for _ in range(2))
    _same("points of the repeat", again["points"], first["points"])
    _same("whether the second is a repeat", (first["repeat"], again["repeat"]), (False, True))


def another_transaction(till: Till) -> None:
    """A failed accrue comes again under another transaction: the receipt counts once."""
    card = till.card()
    receipt = till.receipt(card, AMOUNT_MINOR)
    told = [_done("accrue", till.accrue(receipt)) for _ in range(3)]
    _same("repeats", [one["repeat"] for one in told], [False, True, True])
    _same("points", {one["points"] for one in told}, {told[0]["points"]})


def lost_answer(till: Till) -> None:
    """The line is cut before the answer to an accrue: the receipt counts once."""
    card, other = till.card(), till.card()
    whole = _done("accrue", till.accrue(till.receipt(other, AMOUNT_MINOR)))["points"]
    receipt = till.receipt(card, AMOUNT_MINOR)
    till.lose("/v1/till/accrue", {"transaction": till.name("accrue"), "receipt": receipt})
    told = _done("accrue", till.accrue(receipt))
    _same("points after a lost answer", told["points"], whole)
    _same("points of two cards with a receipt each", till.available(card), till.available(other))


def lost_burn(till: Till) -> None:
    """The answer to a redeem is lost; it is undone by its transaction."""
    card, there = _rich(till)
    transaction, trial = till.name("redeem"), till.name("redeem")
    _done("redeem", _redeemable(till, card, there, trial))
    _done("reverse", till.reverse(till.name("reverse"), redeem=trial))
    body = {"transaction": transaction, "store": till.store, "card": card, "points": there}
    till.lose("/v1/till/redeem", body)
    until = time.monotonic() + PATIENCE_SECONDS
    while till.available(card) == there and time.monotonic() < until:
        time.sleep(0.1)
    _same("points after a burn", till.available(card), 0)
    reversing = till.name("reverse")
    told = [_done("reverse", till.reverse(reversing, redeem=transaction)) for _ in range(2)]
    _same("repeats of reverse", [one["repeat"] for one in told], [False, True])
    _same("points after the reverse", till.available(card), there)


def burn_twice(till: Till) -> None:
    """A redeem under one transaction burns once."""
    card, there = _rich(till)
    points, transaction = max(1, there // 2), till.name("redeem")
    for _ in range(2):
        _done("redeem", _redeemable(till, card, points, transaction))
    _same("points after one burn", till.available(card), there - points)


def reverse_of_nothing(till: Till) -> None:
    """A reverse of a redeem that never was is refused, and changes nothing."""
    card, there = _rich(till)
    _refused("reverse", till.reverse(till.name("reverse"), redeem=till.name("never")))
    _same("points", till.available(card), there)


def reversed_receipt(till: Till) -> None:
    """An accrue that is reversed leaves nothing, however often it is reversed."""
    card = till.card()
    receipt = till.receipt(card, AMOUNT_MINOR)
    _done("accrue", till.accrue(receipt))
    key, transaction = {name: receipt[name] for name in KEY}, till.name("reverse")
    told = [_done("reverse", till.reverse(transaction, receipt=key)) for _ in range(2)]
    _same("repeats of reverse", [one["repeat"] for one in told], [False, True])
    _same("points", till.available(card), 0)


def reverse_first(till: Till) -> None:
    """A reverse overtakes its accrue: refused, and the receipt earns when it comes."""
    card = till.card()
    receipt = till.receipt(card, AMOUNT_MINOR)
    key, transaction = {name: receipt[name] for name in KEY}, till.name("reverse")
    _refused("reverse", till.reverse(transaction, receipt=key))
    _same("repeat of the accrue", [_done("accrue", till.accrue(receipt))["repeat"]], [False])
    _done("reverse", till.reverse(transaction, receipt=key))
    _same("points", till.available(card), 0)


def out_of_order(till: Till) -> None:
    """Receipts come in another order than they were captured in: each counts."""
    card, other = till.card(), till.card()
    ages = (30 * 60, 10 * 60, 20 * 60)
    for ago in sorted(ages, reverse=True):
        _earned(till, other, seconds_ago=ago)
    for ago in ages:
        _earned(till, card, seconds_ago=ago)
    _same("points", till.available(card), till.available(other))


def day_late(till: Till) -> None:
    """A journal of a day that was offline comes late, backwards and twice: each counts once."""
    card = till.card()
    receipts = [till.receipt(card, AMOUNT_MINOR, seconds_ago=DAY + n * HOUR // 4) for n in range(6)]
    first = [_done("accrue", till.accrue(receipt)) for receipt in reversed(receipts)]
    again = [_done("accrue", till.accrue(receipt)) for receipt in receipts]
    _same("repeats", [one["repeat"] for one in first + again], [False] * 6 + [True] * 6)
    _same("points", sum(one["points"] for one in again), sum(one["points"] for one in first))


def clock_ahead(till: Till) -> None:
    """A till's clock is a minute ahead: accepted. A day ahead: refused, and its key is free."""
    card = till.card()
    _done("accrue", till.accrue(till.receipt(card, AMOUNT_MINOR, seconds_ago=-60)))
    number = till.name("receipt")
    ahead = till.receipt(card, AMOUNT_MINOR, seconds_ago=-DAY, number=number)
    _refused("a receipt of tomorrow", till.accrue(ahead))
    right = {**till.receipt(card, AMOUNT_MINOR, number=number)}
    _same("repeat", [_done("accrue", till.accrue(right))["repeat"]], [False])


def other_content(till: Till) -> None:
    """Another receipt under the same number is refused, and the first stands."""
    card = till.card()
    receipt = till.receipt(card, AMOUNT_MINOR)
    first = _done("accrue", till.accrue(receipt))
    there = till.available(card)
    lines = [{**receipt["lines"][0], "amount_minor": 2 * AMOUNT_MINOR}]
    _refused("other content", till.accrue({**receipt, "lines": lines}))
    _same("points", till.available(card), there)
    _same("the first again", _done("accrue", till.accrue(receipt))["points"], first["points"])


def other_member(till: Till) -> None:
    """A receipt that is one member's is refused for another."""
    card, other = till.card(), till.card()
    receipt = till.receipt(card, AMOUNT_MINOR)
    _done("accrue", till.accrue(receipt))
    _refused("the receipt of another", till.accrue({**receipt, "card": other}))
    _same("points of the other", till.available(other), 0)


def nobodys(till: Till) -> None:
    """A receipt without a card is recorded, once."""
    receipt = till.receipt(None, AMOUNT_MINOR)
    told = [_done("accrue", till.accrue(receipt)) for _ in range(2)]
    _same("repeats", [one["repeat"] for one in told], [False, True])
    _same("points", [one["points"] for one in told], [0, 0])


def all_at_once(till: Till) -> None:
    """One receipt from many lines at once counts once."""
    card = till.card()
    receipt = till.receipt(card, AMOUNT_MINOR)
    names = [till.name("accrue") for _ in range(AT_ONCE)]
    with ThreadPoolExecutor(AT_ONCE) as lines:
        told = list(lines.map(lambda name: _done("accrue", till.accrue(receipt, name)), names))
    _same("first ones", sum(not one["repeat"] for one in told), 1)
    _same("points", len({one["points"] for one in told}), 1)


def spent_once(till: Till) -> None:
    """All points burnt by many tills at once are burnt once; the others are refused cleanly."""
    card, there = _rich(till)
    trial = till.name("redeem")
    _done("redeem", _redeemable(till, card, there, trial))
    _done("reverse", till.reverse(till.name("reverse"), redeem=trial))
    names = [till.name("redeem") for _ in range(AT_ONCE)]
    with ThreadPoolExecutor(AT_ONCE) as lines:
        told = list(lines.map(lambda name: till.redeem(card, there, name), names))
    _same("burns", sum(one.done for one in told), 1)
    for one in told:
        if not one.done:
            _refused("a burn of nothing", one)
    _same("points", till.available(card), 0)


def wrong_words(till: Till) -> None:
    """What has not the form is refused with the field at fault."""
    receipt = till.receipt(None, AMOUNT_MINOR)
    changes: Sequence[dict[str, Any]] = (
        {"number": 7}, {"lines": []}, {"currency": "euro"}, {"no-such-field": 1},
    )  # fmt: skip
    for change in changes:
        answer = till.accrue({**receipt, **change})
        _refused(f"a receipt with {change}", answer)
        if not answer.body.get("field"):
            msg = f"a receipt with {change} is refused without a field: {answer.body}"
            raise Broken(msg)


def no_key(till: Till) -> None:
    """Without a key, or with a wrong one, nothing is answered."""
    for key in ("none", "ll_", "ll_abc_def"):
        answer = till.call("/v1/till/inquire", {"card": "1"}, key=key)
        _same("status without a key", answer.status, 401)


def _about(play: Callable[[Till], None]) -> Case:
    about = (play.__doc__ or "").strip().rstrip(".")
    return Case(play.__name__.strip("_").replace("_", " "), about, play)


CASES: Sequence[Case] = tuple(
    _about(play)
    for play in (
        sent_twice, another_transaction, lost_answer, lost_burn, burn_twice, reverse_of_nothing,
        reversed_receipt, reverse_first, out_of_order, day_late, clock_ahead, other_content,
        other_member, nobodys, all_at_once, spent_once, wrong_words, no_key,
    )
)  # fmt: skip
