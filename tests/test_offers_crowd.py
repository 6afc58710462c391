"""The caps of a campaign are exact, however many redeem at once, and nothing stays behind."""

import multiprocessing
import threading

from ledger.application import LoyaltyLedger
from tests.campaigns import PASTA, begun, described, issued, soup, uses_on
from tests.conftest import NOW, Clock
from tests.shop import DAY, key, receipt

TODAY = 20_454
PROCESSES, THREADS, RECEIPTS = 4, 16, 22
"""64 redeem 1,408 times, in a crowd of threads in each of four processes."""
PIECES, MINOR, OFF = 1_000, 50_000, 37
"""37 does not go into 500.00: the last one gets what is left."""


def sold(card, barcode, number):
    return receipt(
        soup(), soup(off=OFF, product=PASTA), card=card, offers=(barcode,), number=number, lane=card
    )


def redeem(db, members):
    """One process: each member redeems in a thread of its own; the uses of all."""
    with LoyaltyLedger.open(db, clock=Clock()) as ledger:
        found = []

        def one(card, barcode):
            for number in range(RECEIPTS):
                found.extend(uses_on(ledger, ledger.record(sold(card, barcode, f"{number}"))))

        threads = [threading.Thread(target=one, args=member) for member in members]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return found


def given(found, code):
    return sum(use[2] for use in found if use[1] == code), sum(
        use[3] for use in found if use[1] == code
    )


def test_64_threads_of_processes_redeem_exactly_the_budget_and_nothing_is_stranded(
    ledger, db, clock
):
    described(ledger)
    pieces = begun(ledger, code="pieces", budget_minor=None, budget_pieces=PIECES)
    money = begun(
        ledger, code="money", products=[PASTA], offer={"off_minor": OFF}, budget_minor=MINOR,
        budget_pieces=None,
    )  # fmt: skip
    members = []
    for number in range(PROCESSES * THREADS):
        ledger.enrol(f"M{number}")
        members.append((f"M{number}", issued(ledger, f"M{number}", pieces, money).barcode))
    context = multiprocessing.get_context("spawn")
    with context.Pool(PROCESSES) as pool:
        parts = pool.starmap(redeem, [(db, members[i::PROCESSES]) for i in range(PROCESSES)])
    found = [use for part in parts for use in part]

    assert given(found, "pieces") == (PIECES, PIECES * 50)
    assert given(found, "money")[1] == MINOR
    assert ledger.campaign("pieces").left == (None, 0)
    assert ledger.campaign("money").left == (0, None)

    card, barcode = members[0]
    first = sold(card, barcode, "0")
    ledger.return_goods(key(first), "back")  # the first receipt of a member met both budgets full
    again = [
        use
        for number in range(3)
        for use in uses_on(ledger, ledger.record(sold(card, barcode, f"again{number}")))
    ]
    assert given(again, "pieces")[0] == 1
    assert given(again, "money")[1] == OFF

    for code in (pieces, money):
        ledger.end_campaign(code, TODAY, "Ada", f"end-{code}")
    clock.now = NOW + DAY
    late = receipt(soup(), card=card, offers=(barcode,), at=clock.now)
    assert uses_on(ledger, ledger.record(late)) == []
    assert ledger.campaign("pieces").left == (None, 0)
    assert ledger.campaign("money").left == (0, None)
    verdict = ledger.verify()
    assert verdict.clean, verdict.findings
