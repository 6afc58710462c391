"""The load of a whole chain, small: what it says of a server, and that it hides nothing."""

import argparse
import datetime as dt
import itertools
import random

from bench import tills
from ledger.application import LoyaltyLedger
from ledger.types import Line, Receipt


def options(**more):
    return argparse.Namespace(
        **{"tills": 3, "period": 1.0, "cards": 5, "minutes": 0.1, "kills": 0, "crashes": 0,
           "search": False, "seed": 1} | more
    )  # fmt: skip


def test_tills_send_until_they_are_answered_whatever_is_killed(capsys):
    words = ["--tills", "60", "--period", "2", "--minutes", "0.2", "--cards", "200"]
    assert tills.main([*words, "--kills", "1", "--crashes", "1"]) == 0, capsys.readouterr().out
    told = capsys.readouterr().out
    assert "kill: there again" in told
    assert "crash: there again" in told
    assert told.endswith("all there, once\n")


def test_what_is_missing_or_elsewhere_is_an_error(tmp_path):
    run = tills.Run(tmp_path, str(tmp_path / "a.db"), options(), lambda: None)
    log, date = tmp_path / "log", dt.date(2026, 1, 1)
    at = dt.datetime(2026, 1, 1, 12, tzinfo=dt.UTC)
    with LoyaltyLedger.open(str(tmp_path / "a.db")) as ledger:
        places = {
            number: ledger.record(
                Receipt("S1", "1", date, number, at, "EUR", [Line("p", 1, 100)], card=card),
                history=True,
            )
            for number, card in (("1", run._cards[0]), ("2", run._cards[1]), ("3", None))
        }
    rows = [
        f"{what} S1 1 2026-01-01 {number}"
        + (f" {place.stream.hex()} {place.version}" if what == "answered" else "")
        for number, place in places.items()
        for what in ("sent", "answered")
    ]
    log.write_text("\n".join(rows) + "\n")
    run._compare(log, 0)
    assert run.errors == []
    log.write_text("\n".join([*rows[:2], rows[2], rows[3][:-1] + "9", "sent S1 1 2026-01-01 4"]))
    run._compare(log, 0)
    told = [error.partition(":")[0] for error in run.errors]
    assert told == [
        "1 receipts were never answered",
        "1 missing",
        "1 never sent",
        "1 told another place",
    ]


def test_what_goes_wrong_is_spread_over_the_time(tmp_path):
    run = tills.Run(tmp_path, str(tmp_path / "a.db"), options(kills=20, crashes=5), lambda: None)
    run._rng = random.Random(3)
    wrong = run._wrong(600.0)
    times = [at for at, _ in wrong]
    assert sorted(kind for _, kind in wrong) == ["crash"] * 5 + ["kill"] * 20
    assert times == sorted(times)
    assert 0 < times[0] < times[-1] < 600
    assert min(b - a for a, b in itertools.pairwise(times)) > 5


def test_the_highest_rate_is_found_from_below_and_from_above(tmp_path, monkeypatch):
    run = tills.Run(tmp_path, str(tmp_path / "a.db"), options(), lambda: None)
    asked = []

    def tried(_port, rate):
        asked.append(rate)
        return (1_000.0, 0) if rate <= 500 else (999_000.0, 0)

    monkeypatch.setattr(run, "_tried", tried)
    assert 500 / tills.STEP < run._highest(1, "up", 100.0) <= 500
    assert 500 / tills.STEP < run._highest(1, "down", 2_000.0) <= 500
    monkeypatch.setattr(run, "_tried", lambda *_: (1_000.0, 1))
    assert run._highest(1, "never", 5.0) == 0
