"""Every command of `loyalty`, end to end."""

import json
import re

import pytest
from shop import line, receipt
from till import PROGRAMME, SECRET, TEXT, Till, head, process, simulated, write

from adapters.cli.main import COMMANDS, main
from adapters.cli.render import money, table, when
from ledger.calendar import moment_of
from ledger.types import date_of

CARD = "2900000000018"
BOUGHT = {"store": "s1", "lane": "1", "currency": "EUR"}


@pytest.fixture
def fed(till, tmp_path):
    """A member with one receipt of 100.00 that was captured a moment ago."""
    import time

    till("enrol", CARD, "--name", "Ada", "--birthday", "1990-05-17", "--store", "s1")
    now = int(time.time()) - 60
    bought = receipt(
        line(6_000, "p1", 2), line(4_000, "p2"), card=CARD, at=now, number="7", **BOUGHT
    )
    write(tmp_path / "r.ndjson", [bought])
    till("ingest", tmp_path / "r.ndjson")
    till.key = f"s1/1/{moment_of(now).date()}/7"
    till.file = tmp_path / "r.ndjson"
    return till


def test_init_names_the_programme_and_makes_one_ledger_only(capsys, db):
    till = Till(capsys, db)
    said = till("init", "points_as_cash")
    assert said == {"programme": "Points as cash", "currency": "EUR"}
    told = till("init", "points_as_cash", code=1)
    assert (told["error"], told["retryable"]) == ("log-exists", False)


def test_init_with_the_same_secret_gives_the_same_member_ids(capsys, new_db):
    ids = set()
    for _ in range(2):
        till = Till(capsys, new_db())
        till("init", PROGRAMME, "--secret", SECRET)
        ids.add(till("enrol", CARD)["member_id"])
    assert len(ids) == 1


@pytest.mark.parametrize("secret", ["", "5eed", "zz" * 32, "5eed" * 17])
def test_init_refuses_a_secret_that_is_none(capsys, tmp_path, secret):
    till = Till(capsys, str(tmp_path / "l.db"))
    if secret:
        assert till("init", PROGRAMME, "--secret", secret, code=1)["field"] == "secret"
        assert not (tmp_path / "l.db").exists()


def test_programme_is_checked_without_a_ledger(capsys, tmp_path):
    till = Till(capsys, str(tmp_path / "none.db"))
    assert till("programme", "check", PROGRAMME)["name"] == "Points as cash"
    assert "gold from 250" in till("programme", "check", PROGRAMME, json_=False)


def test_a_wrong_programme_names_its_key(capsys, tmp_path):
    till = Till(capsys, str(tmp_path / "none.db"))
    wrong = tmp_path / "wrong.toml"
    wrong.write_text('name = "x"\ncurrency = "EUR"\ntime_zone = "UTC"\n[earn]\npoint = 1\n')
    for command in (("programme", "check"), ("init",)):
        told = till(*command, wrong, code=1)
        assert told["error"] == "programme-invalid"
        assert "point" in told["message"]
        assert "earn" in told["message"]
    told = till("init", tmp_path / "absent.toml", code=1)
    assert "points_as_cash" in told["message"], "it says which ones ship"


def test_programme_is_published_from_a_future_instant_only(till, tmp_path):
    text = tmp_path / "next.toml"
    text.write_text(TEXT.replace("Points as cash", "Next"))
    said = till("programme", "publish", text, "--from", "2090-01-01")
    assert (said["number"], said["from"], said["repeat"]) == (2, "2090-01-01T00:00:00Z", False)
    assert till("programme", "publish", text, "--from", "2090-01-01")["repeat"]
    assert till("programme", "publish", text, "--from", "2020-01-01", code=1)["field"] == "from"
    assert till("programme", "publish", text, code=1)["field"] == "from"


def test_enrol_twice_is_once_and_other_data_is_a_conflict(till):
    first = till("enrol", CARD, "--name", "Ada")
    again = till("enrol", CARD, "--name", "Ada")
    assert (first["repeat"], again["repeat"]) == (False, True)
    assert first["member_id"] == again["member_id"]
    assert till("enrol", CARD, "--name", "Eve", code=1)["error"] == "key-conflict"
    assert "is a member already" in till("enrol", CARD, "--name", "Ada", json_=False)


def test_member_shows_tier_balance_and_person_by_card_and_by_id(fed):
    view = fed("member", CARD)
    assert view["balance"] == {
        "available": 10,
        "pending": 0,
        "expired": 0,
        "arrears": 0,
        "held": 0,
        "in_review": 0,
    }
    assert (view["tier"], view["receipts"], view["spend_minor"]) == ("member", 1, 10_000)
    assert (view["personal"]["name"], view["personal"]["birthday"]) == ("Ada", "1990-05-17")
    assert fed("member", view["member_id"], "--at", view["at"]) == view
    assert fed("member", CARD, "--at", "2001-01-01")["balance"]["available"] == 0
    known = fed("member", CARD, "--known-at", "2001-01-01")
    assert known["balance"]["available"] == 0
    text = fed("member", CARD, json_=False)
    assert "(Ada)" in text
    assert "100.00 EUR" in text


def test_unknown_member_is_refused_by_name(till):
    for command in ("member", "statement"):
        told = till(command, "nobody", code=1)
        assert (told["error"], "`nobody`" in told["message"]) == ("member-unknown", True)
    assert till("adjust", "nobody", 5, "--reason", "r", "--author", "a", code=1)["field"] == "card"
    assert till("redeem", "nobody", "--points", 5, code=1)["error"] == "card-unknown"


def test_statement_sums_to_the_balance_and_keeps_to_its_period(fed):
    fed("adjust", CARD, 5, "--reason", "sorry", "--author", "Bob")
    said = fed("statement", CARD)
    assert [m["kind"] for m in said["movements"]] == ["earn", "adjust_in"]
    assert said["sum"] == fed("member", CARD)["balance"]["available"] == 15
    assert said["movements"][0]["receipt"].endswith("/7")
    assert fed("statement", CARD, "--until", "2001-01-01")["movements"] == []
    assert fed("statement", CARD, "--from", "2001-01-01")["sum"] == 15
    text = fed("statement", CARD, json_=False)
    assert "sorry (Bob)" in text
    assert re.search(r"s1/1/\d{4}-\d\d-\d\d/7", text)
    assert fed("statement", CARD, "--until", "2001-01-01", json_=False) == "No movements.\n"


def test_quote_records_nothing(fed):
    before = head(fed.db)
    said = fed("quote", fed.file)["quotes"][0]
    assert said["points"] == [6, 4]
    assert said["available"] == 10
    assert "points" in fed("quote", fed.file, json_=False)
    assert head(fed.db) == before


def test_quote_names_the_line_that_is_no_basket(fed):
    fed.file.write_text('{"store": 1}\n')
    told = fed("quote", fed.file, code=1)
    assert (told["field"], "Line 1" in told["message"]) == ("store", True)


def test_redeem_pays_once_for_one_command_id(fed):
    said = fed("redeem", CARD, "--points", 10, "--command-id", "c1", "--store", "s1")
    assert (said["points"], said["value_minor"], said["available"]) == (10, 100, 0)
    again = fed("redeem", CARD, "--points", 10, "--command-id", "c1")
    assert (again["repeat"], again["available"]) == (True, 0)
    assert (
        fed("redeem", CARD, "--points", 15, "--command-id", "c1", code=1)["field"] == "command_id"
    )
    assert fed("redeem", CARD, "--points", 10, code=1)["error"] == "points-short"
    assert fed("redeem", CARD, "--gift", "mug", code=1)["error"] == "redeem-not-offered"


def test_a_made_command_id_is_printed_before_the_answer(fed):
    said = fed("adjust", CARD, -3, "--reason", "wrong", "--author", "Bob")
    assert f"command id {said['command_id']}" in fed.notes
    assert said["available"] == 7
    again = fed(
        "adjust", CARD, -3, "--reason", "wrong", "--author", "Bob",
        "--command-id", said["command_id"],
    )  # fmt: skip
    assert (again["repeat"], again["available"]) == (True, 7)


@pytest.mark.parametrize("points", ["99999999999999999999", "-99999999999999999999", "x", "1.5"])
def test_points_that_no_store_can_hold_are_wrong_usage(till, points):
    with pytest.raises(SystemExit) as ended:
        till("adjust", CARD, "--reason", "r", "--author", "a", "--", points)
    assert ended.value.code == 2


def test_return_takes_lines_back_and_then_the_rest(fed):
    said = fed("return", fed.key, "--line", "1:1")
    assert (said["points"], said["amount_minor"], said["arrears"]) == (3, 3_000, 0)
    assert fed("member", CARD)["balance"]["available"] == 7
    assert fed("return", fed.key, "--line", "1:2", code=1)["error"] == "return-too-large"
    said = fed("return", fed.key)
    assert said["points"] == 7
    assert fed("return", fed.key, code=1)["error"] == "return-too-large"
    assert fed("return", "s1/1/2001-01-01/1", code=1)["error"] == "receipt-unknown"


def test_one_line_named_twice_comes_back_twice(fed):
    assert fed("return", fed.key, "--line", "1:1", "--line", "1")["points"] == 6
    assert "4 points" in fed("return", fed.key, "--line", "2", json_=False)


def test_card_is_linked_replaced_and_blocked(fed):
    assert fed("card", "link", CARD, "c2")["done"] == "linked"
    assert fed("card", "link", CARD, "c2")["repeat"]
    assert fed("card", "replace", "c2", "c3")["done"] == "replaced"
    assert fed("card", "block", "c3", "--reason", "stolen")["done"] == "blocked"
    assert "blocked already" in fed("card", "block", "c3", json_=False)
    assert fed("redeem", "c3", "--points", 10, code=1)["error"] == "card-blocked"
    assert fed("member", CARD)["cards"] == 3
    assert fed("card", "block", CARD, "c9", code=1)["field"] == "new"
    assert fed("card", "link", CARD, code=1)["field"] == "new"


def test_complaint_is_opened_answered_and_resolved(fed):
    opened = fed("complaint", "open", CARD, "mouldy", "--receipt", fed.key, "--line", 2)
    complaint = opened["complaint"]
    for action, text in (("answer", "we look into it"), ("resolve", "sorry")):
        done = fed("complaint", action, CARD, text, "--complaint", complaint, "--author", "Bob")
        assert done["done"] == f"{action}ed".replace("ee", "e")
    told = fed("complaint", "answer", CARD, "late", "--complaint", complaint, code=1)
    assert told["error"] == "complaint-unknown"
    assert fed("complaint", "open", CARD, "x", code=1)["field"] == "receipt"
    assert fed("complaint", "resolve", CARD, "x", code=1)["field"] == "complaint"
    assert (
        fed("complaint", "answer", CARD, "x", "--complaint", "zz", code=1)["field"] == "complaint"
    )
    told = fed("complaint", "open", CARD, "x", "--receipt", fed.key, "--line", 9, code=1)
    assert told["error"] == "line-unknown"


def test_status_rebuild_and_verify_tell_the_same_digests(fed):
    status = fed("status", "--digests")
    assert status["head"] == head(fed.db)
    told = {p["projection"]: p["digest"] for p in status["projections"]}
    assert fed("rebuild")["digests"] == told
    assert fed("rebuild", "tier", "points")["digests"] == told
    verdict = fed("verify")
    assert (verdict["clean"], verdict["findings"], verdict["digests"]) == (True, [], told)
    assert verdict["events"] == status["head"]
    assert all(p["lag"] == 0 for p in status["projections"])
    assert fed("rebuild", "nonsense", code=1)["error"] == "input-invalid"
    for command in ("status", "rebuild", "verify"):
        assert "projection" in fed(command, json_=False)


def test_simulate_writes_the_same_file_for_the_same_seed(capsys, tmp_path):
    till = Till(capsys, None)
    for name in ("a", "b"):
        said = till("simulate", "--members", 9, "--weeks", 3, "--out", tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    assert said["receipts"] == len((tmp_path / "a").read_bytes().splitlines())
    piped = till("simulate", "--members", 9, "--weeks", 3, json_=False)
    assert piped.encode() == (tmp_path / "a").read_bytes()


def test_demo_tells_one_story_in_text_and_one_object_in_json(capsys, tmp_path):
    source = tmp_path / "chain.ndjson"
    simulated(source)
    till = Till(capsys, None)
    text = till("demo", "--data", source, "--folder", tmp_path / "d", json_=False)
    assert "Verified" in text
    assert "loyalty member" in text
    said = till("demo", "--data", source, "--folder", tmp_path / "d")
    assert said["clean"]
    assert said["recorded"] > 100
    assert said["best"]
    assert said["statement"]


def test_demo_of_a_chain_without_members_is_still_told(capsys, tmp_path):
    source = tmp_path / "chain.ndjson"
    write(source, [receipt(number="1", at=1_700_000_000)])
    said = Till(capsys, None)("demo", "--data", source, "--folder", tmp_path / "d")
    assert (said["clean"], said["members"], said["receipts"]) == (True, 0, 1)


@pytest.mark.parametrize("entry", COMMANDS, ids=lambda e: e.name)
def test_every_command_explains_itself(entry, capsys):
    with pytest.raises(SystemExit) as ended:
        main([entry.name, "--help"])
    assert ended.value.code == 0
    told = capsys.readouterr().out
    assert entry.about.split("\n")[0][:20] in told
    assert "--json" in told


@pytest.mark.parametrize(
    "arguments",
    [
        ["nonsense"],
        ["member"],
        ["redeem", CARD],
        ["redeem", CARD, "--points", "5", "--gift", "mug"],
        ["member", CARD, "--at", "yesterday"],
        ["member", CARD, "--at", "9999-12-31T23:59Z"],
        ["member", CARD, "--at", "0001-01-01"],
        ["return", "s1/1/2026-01-31"],
        ["return", "s1/1/yesterday/7"],
        ["return", "s1/1/2026-01-31/7", "--line", "one"],
        ["return", "s1/1/2026-01-31/7", "--line", "1:99999999999999999999"],
        ["adjust", CARD, "5"],
        ["simulate", "--weeks", "0"],
        ["enrol", CARD, "--birthday", "tomorrow"],
    ],
)
def test_wrong_usage_ends_with_two_and_says_why_on_stderr(arguments, capsys):
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    said = capsys.readouterr()
    assert (ended.value.code, said.out) == (2, "")
    assert "loyalty" in said.err


def test_no_command_shows_the_help_and_counts_as_wrong_usage(capsys):
    assert main([]) == 2
    assert "Exit codes" in capsys.readouterr().out


def test_text_refusals_go_to_stderr_and_leave_stdout_empty(till):
    assert till("member", "nobody", json_=False, code=1) == ""
    assert till.notes.startswith("loyalty: There is no such member.")


def test_progress_is_on_stderr_only(till, tmp_path):
    simulated(tmp_path / "r.ndjson")
    said = till("ingest", tmp_path / "r.ndjson", "--history", "--enrol")
    assert said["recorded"] > 100
    assert "ingest" in till.notes
    assert "reports" in till.notes
    till("verify")
    assert "replay" in till.notes
    json.dumps(said)


def test_money_dates_and_tables_are_written_as_people_read_them():
    assert money(-1_205, "EUR") == "-12.05 EUR"
    assert money(1_205, "JPY") == "1205 JPY"
    assert money(1_205, "KWD") == "1.205 KWD"
    assert (when(0), when(2**62), when(None)) == ("1970-01-01T00:00:00Z", None, None)
    assert table(("a", "n"), [("x", 5), ("yy", 10)]) == ["a    n", "x    5", "yy  10"]
    assert date_of(0).isoformat() == "1970-01-01"


def test_a_process_of_its_own_ends_with_the_same_codes(fed):
    assert process("verify", db=fed.db).wait() == 0
    assert process("member", "nobody", db=fed.db).wait() == 1
