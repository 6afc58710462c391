"""Numbered runs of the model, one by one: `python -m tests.soak --store sqlite --runs 1000`."""

import argparse
import json
import os
import random
import shutil
import signal
import sys
import tempfile
import traceback
from contextlib import contextmanager
from pathlib import Path

from bench.server import drop_database, in_memory, new_database, postgres_server
from ledger.application import LoyaltyLedger
from tests.conftest import SECRET, Clock
from tests.model import MODELS, Chosen, Shop

OUT = Path(__file__).parent.parent / "bench" / "out"


def run(model, seed, steps, open_db, *, loud=False):
    """One run by its seed: what was done, and how it failed, if it did."""
    chooser = random.Random(seed)
    choose = Chosen(chooser)
    name = choose.pick(sorted(model.programmes))
    count = steps if seed % 4 else choose.number(1, steps)
    clock = Clock()
    told = {"seed": seed, "programme": name, "steps": 0}
    shop = None
    with open_db(name) as db, LoyaltyLedger.open(db, clock=clock) as ledger:
        shop = Shop(ledger, clock, model.programmes[name], model.oracle)
        shop.loud = loud
        try:
            for told["steps"] in range(1, count + 1):
                act = choose.pick(model.acts)
                getattr(shop, act)(choose)
                shop.look(choose)
            act = "finish"
            shop.finish()
        except Exception as error:
            told["failed"] = f"{act}: {error!r}"[:600]
            told["trace"] = traceback.format_exc()
    return {**told, **shop.tally}


@contextmanager
def databases(store, programmes, folder):
    """A way to open a fresh ledger under a programme: a copy of one that was made once."""
    made = {}

    def template(name, new):
        if name not in made:
            made[name] = new()
            LoyaltyLedger.create(made[name], programmes[name], secret=SECRET, clock=Clock()).close()
        return made[name]

    if store == "sqlite":

        @contextmanager
        def fresh(name):
            db = folder / "run.db"
            shutil.copyfile(template(name, lambda: str(folder / f"{name}.db")), db)
            try:
                yield str(db)
            finally:
                for path in folder.glob("run.db*"):
                    path.unlink()

        yield fresh
        return
    with postgres_server(in_memory()) as server:

        @contextmanager
        def fresh(name):
            db = new_database(server, template(name, lambda: new_database(server)))
            try:
                yield db
            finally:
                drop_database(server, db)

        yield fresh


def main(words=None):
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--oracle", choices=sorted(MODELS), default="full")
    parser.add_argument("--store", choices=("sqlite", "postgres"), default="sqlite")
    parser.add_argument("--runs", type=int, default=10_000)
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--first", type=int, default=1)
    parser.add_argument("--seed", type=int, help="only this one, and say how it fails")
    args = parser.parse_args(words)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that its PostgreSQL goes with it
    OUT.mkdir(parents=True, exist_ok=True)
    model = MODELS[args.oracle]
    out = OUT / f"soak-{'' if args.oracle == 'full' else 'core-'}{args.store}.jsonl"
    known = [json.loads(line) for line in out.read_text().splitlines()] if out.exists() else []
    done = {told["seed"]: told for told in known}
    with (
        tempfile.TemporaryDirectory(dir=in_memory()) as folder,
        databases(args.store, model.programmes, Path(folder)) as open_db,
    ):
        if args.seed is not None:
            told = run(model, args.seed, args.steps, open_db, loud=True)
            print(told.pop("trace", ""), json.dumps(told))
            return int("failed" in told)
        for seed in range(args.first, args.first + args.runs):
            if seed in done:
                continue
            done[seed] = told = run(model, seed, args.steps, open_db)
            told.pop("trace", None)
            with out.open("a") as file:
                file.write(json.dumps(told) + "\n")
                file.flush()
                os.fsync(file.fileno())
    failed = [told for told in done.values() if "failed" in told]
    sums = {
        k: sum(t.get(k, 0) for t in done.values()) for k in ("steps", "done", "repeat", "refused")
    }
    what = {"oracle": args.oracle, "store": args.store}
    print(json.dumps({**what, "runs": len(done), "failed": len(failed), **sums}))
    for told in failed[:20]:
        print(f"seed {told['seed']}: {told['failed'][:200]}")
        print(
            f"  again: python -m tests.soak --oracle {args.oracle} --store {args.store}"
            f" --steps {args.steps} --seed {told['seed']}"
        )
    return int(bool(failed))


if __name__ == "__main__":
    sys.exit(main())
