"""`loyalty offers evaluate` on plain files: two forms, bad input with its place, no look ahead."""

import json
import os
import random
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest

from adapters.cli.main import main
from adapters.offers import baskets
from adapters.offers import lines as lines_of

ROOT = Path(__file__).parent.parent
DATA = Path(os.environ.get("LOYALTY_DATA") or ROOT.parent / "shared" / "data")
DUNNHUMBY = DATA / "dunnhumby_baskets"


def shopping(member, visits, seed=9):
    """What a member buys: three things nearly always, something else now and then."""
    rng = random.Random(seed * 1_000 + member)
    own = rng.sample(range(30), 3)
    for _ in range(visits):
        yield [item for item in own if rng.random() < 0.8] + [rng.randrange(30)]


@pytest.fixture
def folder(tmp_path):
    history, future = {}, {}
    for member in range(60):
        told = list(shopping(member, 9))
        history[str(member)] = [[-1], *told[:-1], [-1]]
        future[str(member)] = [[-1], told[-1], [-1]]
    (tmp_path / "history.json").write_text(json.dumps(history))
    (tmp_path / "future.json").write_text(json.dumps(future))
    return tmp_path


@pytest.fixture
def lines(tmp_path):
    pa = pytest.importorskip("pyarrow")
    pq = pytest.importorskip("pyarrow.parquet")
    rows = []
    for member in range(50):
        rng = random.Random(member)
        day = date(2025, 1, 1)
        for number, basket in enumerate(shopping(member, 110)):
            day += timedelta(days=rng.randint(2, 8))
            rows += [(f"M{member}", day, f"{member}-{number}", f"P{item}") for item in basket]
    rows += [("", date(2025, 2, 2), "anonymous", "P1"), (None, date(2025, 2, 2), "n", "P1")]
    columns = dict(
        zip(("who", "date", "basket", "item"), map(list, zip(*rows, strict=True)), strict=True)
    )
    path = tmp_path / "lines.parquet"
    pq.write_table(pa.table(columns), path)
    return path


def told(capsys, *arguments):
    code = main(["offers", "evaluate", *map(str, arguments), "--json"])
    out = capsys.readouterr().out
    return code, json.loads(out)


def test_baskets_are_told_better_than_by_chance(folder, capsys):
    code, found = told(capsys, folder, "--splits", 2)
    assert code == 0
    assert found["ndcg@10"] > found["baseline.random.ndcg@10"] + 0.1
    for name in ("recall@10", "ndcg@10", "hit@10", "recall@20", "ndcg@20", "hit@20"):
        assert 0 < found[name] <= 1
        assert f"baseline.{name}" in found
        assert found[f"gain.{name}"] == pytest.approx(
            found[name] - found[f"baseline.{name}"], abs=1e-4
        )


def test_the_same_seeds_say_the_same(folder, capsys):
    assert told(capsys, folder, "--splits", 2) == told(capsys, folder, "--splits", 2)


def test_markers_may_be_missing(folder, capsys):
    before = told(capsys, folder, "--splits", 1)
    for name in ("history.json", "future.json"):
        read = json.loads((folder / name).read_text())
        bare = {member: [b for b in all_ if b != [-1]] for member, all_ in read.items()}
        (folder / name).write_text(json.dumps(bare))
    assert told(capsys, folder, "--splits", 1) == before


def test_keys_say_who_is_tested(folder, tmp_path, capsys):
    keys = tmp_path / "keys.json"
    keys.write_text(
        json.dumps({"train": [str(n) for n in range(40)], "val": [], "test": ["50", 51]})
    )
    code, found = told(capsys, folder, "--keys", keys)
    assert code == 0
    split = baskets.split_by_keys(keys, baskets.read(folder))
    assert split.train.tolist() == list(range(40))
    assert split.test.tolist() == [50, 51]
    assert found["recall@20"] > 0


def test_a_tested_members_future_is_not_learned_from(folder, tmp_path, monkeypatch):
    """Whatever the tested members buy next, the model is the same."""
    models = []
    fit = baskets.fit

    def kept(lessons, horizon_days):
        models.append(fit(lessons, horizon_days))
        return models[-1]

    monkeypatch.setattr(baskets, "fit", kept)
    split = baskets.split_by_seed(60, 1)
    future = json.loads((folder / "future.json").read_text())
    for item in (0, 1):
        for member in split.test:
            future[str(member)] = [[-1], [item], [-1]]
        (folder / "future.json").write_text(json.dumps(future))
        baskets.evaluate(baskets.read(folder), [split])
    assert models[0] == models[1]


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("history.json", "{", "history.json"),
        ("history.json", '{"1": [[0, "milk"]]}', "got `str` - at `$[...][0][1]`"),
        ("future.json", "[]", "future.json"),
        ("future.json", '{"no": [[1]]}', "No member has both"),
    ],
)
def test_what_is_wrong_with_a_file_is_said_with_its_place(folder, capsys, name, text, said):
    (folder / name).write_text(text)
    code, found = told(capsys, folder)
    assert code == 1
    assert said in found["message"]


@pytest.mark.parametrize(
    "text", ["[]", '{"train": ["0"], "test": []}', '{"train": ["x"], "test": ["0"]}']
)
def test_keys_that_lead_nowhere_are_refused(folder, tmp_path, capsys, text):
    (tmp_path / "keys.json").write_text(text)
    code, found = told(capsys, folder, "--keys", tmp_path / "keys.json")
    assert (code, found["field"]) == (1, "keys")


def test_lines_are_told_with_their_dates(lines, capsys):
    code, found = told(capsys, lines, "--columns", "member=who")
    assert code == 0
    assert found["precision@20"] > found["baseline.random.precision@20"]
    assert 0 < found["coverage@20"] <= 1
    assert 0 < found["timing_window_share"] <= 1
    for name in (
        "precision@20",
        "coverage@20",
        "timing_mdae_days",
        "timing_window_share",
        "recall@10",
    ):
        assert f"baseline.{name}" in found
    assert main(["offers", "evaluate", str(lines), "--columns", "member=who"]) == 0
    assert "timing_mdae_days" in capsys.readouterr().out


def test_lines_that_cannot_be_used_are_refused(lines, tmp_path, capsys):
    code, found = told(capsys, lines)  # there is no column `member`
    assert (code, found["error"]) == (1, "input-invalid")
    (tmp_path / "no.parquet").write_text("no")
    assert told(capsys, tmp_path / "no.parquet")[0] == 1
    assert told(capsys, lines, "--keys", lines)[1]["field"] == "keys"
    with pytest.raises(SystemExit):
        main(["offers", "evaluate", str(lines), "--columns", "who=member"])


def test_too_few_days_are_refused(tmp_path, capsys):
    pa = pytest.importorskip("pyarrow")
    pq = pytest.importorskip("pyarrow.parquet")
    one = {"member": ["a"], "date": [date(2025, 1, 1)], "basket": ["1"], "item": ["x"]}
    pq.write_table(pa.table(one), tmp_path / "short.parquet")
    code, found = told(capsys, tmp_path / "short.parquet")
    assert code == 1
    assert "140 days" in found["message"]


@pytest.mark.parametrize(
    ("last", "days"),
    [(154, [140, 112, 84]), (400, list(range(386, 83, -28))), (900, list(range(886, 549, -28)))],
)
def test_lists_are_made_on_as_many_days_as_what_lies_before_allows(last, days):
    assert lines_of.tested_days(np.arange(last + 1)) == days
    assert len(days) <= lines_of.DAYS


@pytest.mark.skipif(not DUNNHUMBY.is_dir(), reason="the retail data is not here (LOYALTY_DATA)")
def test_real_baskets_are_told_as_well_as_they_were():
    """One split only, so less sure than what is printed for ten."""
    found = baskets.read(DUNNHUMBY)
    scores = baskets.evaluate(found, [baskets.split_by_seed(found.bought.members, 1)])
    assert scores["gain.recall@10"] > 0
    assert scores["gain.ndcg@10"] > 0
    assert scores["recall@10"] > 0.22
