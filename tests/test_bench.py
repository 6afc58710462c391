"""The benchmark measures the same job everywhere and hides no error; times are not looked at here."""

import itertools
import time

import pytest
from msgspec import convert, structs, to_builtins

from adapters.simulate import simulate
from bench import batches, growth, hot_member, latency, offers, online, preload, two_processes
from bench.callers import Ours, drive, look_at, percentiles_us
from bench.decision import counted_on
from bench.default_app import DefaultApp, Member
from bench.handwritten import Handwritten, HandwrittenSQLite
from bench.stage import Stage
from ledger.application import LoyaltyLedger
from ledger.types import Receipt

PROGRAMME = """
name = "bench"
currency = "EUR"
time_zone = "Europe/Berlin"
[earn]
points = 1
per_minor = 100
[lots.expiry]
after = 12
round_to = "month"
[tiers]
window_days = 365
keep_days = 30
[[tiers.level]]
name = "basic"
from_points = 0
[[tiers.level]]
name = "gold"
from_points = 60
multiplier_bp = 20000
"""


def made(count, members=8):
    return list(itertools.islice(simulate(members=members, weeks=60, currency="EUR"), count))


@pytest.fixture
def stage(request, store, new_db, tmp_path):
    """A stage whose databases are the test's own, which drops them."""
    server = request.getfixturevalue("postgres") if store == "postgres" else ""
    results = {"errors": 0}
    stage = Stage(
        store, tmp_path, server, (PROGRAMME, "EUR"), made(160), results, quick=True, largest=10_000
    )  # fmt: skip
    stage.database = new_db
    return stage


def test_all_programs_give_the_same_points_and_reach_the_same_tiers(stage):
    race = online.Race(stage)
    race.compare(stage.receipts)
    cards = {receipt.card for receipt in stage.receipts if receipt.card}
    tiers = {race.default.repository.get(Member.create_id(card)).tier for card in cards}
    assert stage.results["errors"] == 0
    assert "gold" in tiers
    race.close()


def test_points_that_differ_are_an_error(stage, monkeypatch):
    race = online.Race(stage)
    monkeypatch.setattr(race.default, "record", lambda _: -1)
    race.compare(stage.receipts[:3])
    assert stage.results["errors"] == 3
    race.close()


@pytest.mark.parametrize(
    ("measurement", "keys"),
    [
        (online, {"online_vs_default", "online_vs_handwritten_4", "online_vs_handwritten_64",
                  "online_vs_ceiling", "online_p99_us"}),
        (hot_member, {"hot_member_vs_handwritten"}),
        (latency, {"closed_p99_us", "open_p99_us", "open_p999_us"}),
        (two_processes, {"two_processes_vs_one"}),
        (offers, {"schedule_members_per_s", "schedule_vs_log", "rhythm_share_of_ingest_cpu"}),
        (batches, {"ingest_vs_limit", "ingest_workers_2_vs_1", "ingest_decision_share"}),
    ],
    ids=["online", "hot_member", "latency", "two_processes", "offers", "batches"],
)  # fmt: skip
def test_a_measurement_records_every_receipt_and_keeps_its_figures(stage, measurement, keys):
    stage.receipts = made(400)
    measurement.measure(stage)
    assert {stage.prefix + key for key in keys} <= set(stage.results)
    assert stage.results["errors"] == 0


def test_growth_compares_each_size_with_the_smallest_and_deletes_its_logs(stage, monkeypatch):
    monkeypatch.setattr(growth, "SIZES", (1_000, 10_000))
    monkeypatch.setattr(growth, "QUICK", 200)
    monkeypatch.setattr(growth, "ROUNDS", 1)
    monkeypatch.setattr(growth, "SHORT_RUNS", 1)
    made, dropped = [], []
    new, drop = stage.database, stage.drop
    stage.database = lambda: made.append(new()) or made[-1]
    stage.drop = lambda database: dropped.append(database) or drop(database)
    growth.measure(stage)
    keys = {"growth_default_1e3_1e4", "growth_commands_1e3_1e4", "rebuild_growth_1e3_1e4"}
    assert {stage.prefix + key for key in keys} <= set(stage.results)
    assert stage.results["errors"] == 0
    assert sorted(made) == sorted(dropped)


def test_a_long_log_is_the_recorded_one_and_others_like_it(stage):
    small, large = stage.database(), stage.database()
    assert preload.record(small, PROGRAMME, stage.receipts[:100]) == 0
    preload.multiply(small, large, PROGRAMME, 1_000)
    with LoyaltyLedger.open(small) as source, LoyaltyLedger.open(large) as target:
        assert target.log.head() == 1_000
        assert not target.log.broken_streams(1)
        found = {row[1:] for row in target.log.page(0, 1_000)}
        recorded = [row[1:] for row in source.log.page(0, 1_000) if row[1][0] in preload.KINDS]
        assert set(recorded) <= found
        assert len(found) == 1_000


def test_receipts_that_are_missing_are_an_error(stage):
    with LoyaltyLedger.create(stage.database(), PROGRAMME) as ledger:
        ledger.record_all(stage.receipts[:5], history=True, enrol=True)
        look_at(stage, ledger, 5)
        assert stage.results["errors"] == 0
        look_at(stage, ledger, 6)
        assert stage.results["errors"] == 1


def test_what_a_caller_is_refused_is_an_error(stage):
    ours = Ours(LoyaltyLedger.create(stage.database(), PROGRAMME))
    receipt = stage.receipts[0]
    assert not drive(ours, [receipt], 2).errors
    assert len(drive(ours, [receipt, receipt], 2).errors) == 2
    ours.close()


def test_other_programs_take_a_receipt_once(stage):
    receipt = next(r for r in stage.receipts if r.card)
    database = stage.database()
    hand = (
        HandwrittenSQLite(database, stage.programme) if stage.store == "sqlite"
        else Handwritten(database, stage.programme, 2)
    )  # fmt: skip
    default = DefaultApp(stage.library_settings(stage.database()), stage.programme)
    for program in (hand, default):
        first = program.caller(0)(receipt)
        assert (first > 0, program.caller(1)(receipt)) == (True, 0)
        program.close()


def test_the_default_keeps_all_of_a_receipt_and_tells_another_under_its_key(stage):
    default = DefaultApp(stage.library_settings(stage.database()), stage.programme)
    receipt = next(r for r in stage.receipts if r.card and any(x.kind != "sale" for x in r.lines))
    default.record(receipt)
    with pytest.raises(ValueError, match="other content"):
        default.record(structs.replace(receipt, cashier="another"))
    stored = next(
        default.mapper.to_domain_event(n) for n in default.recorder.select_notifications(1, 9)
        if n.topic.endswith("Scanned")
    )  # fmt: skip
    assert set(stored.bought) == {"captured_at", "lines", "tenders", "cashier"}
    assert convert(to_builtins(receipt) | stored.bought, Receipt) == receipt
    assert default.bytes_used() > 0
    default.close()


class Slow:
    """A program that takes a while and records nothing."""

    def caller(self, _number):
        return lambda _: time.sleep(0.02)


def test_a_wait_for_a_free_caller_is_counted_from_when_the_receipt_was_due():
    took = drive(Slow(), [None] * 5, 1, [0.0] * 5).took_ns
    assert [ns >= 20_000_000 * n for n, ns in enumerate(took, 1)] == [True] * 5


def test_percentiles_are_of_the_calls_in_order_of_their_time():
    found = percentiles_us([1000 * n for n in range(1000, 0, -1)])
    assert found == {"p50": 501, "p99": 991, "p999": 1000}


def test_points_are_counted_on_their_day():
    assert counted_on([1, 5], [10, 20], 5, 3) == ([1, 5], [10, 23])
    assert counted_on([1, 5], [10, 20], 3, 7) == ([1, 3, 5], [10, 7, 20])
    assert counted_on([1], [10], 2, 0) == ([1], [10])
