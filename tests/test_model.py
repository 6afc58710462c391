"""Random commands against an oracle on both stores: laws 3, 4, 6 and 7 after each, 8 and 9 at the end.

`make soak` runs many more, by numbered seeds; `tests/model.py` says what happens in a step.
"""

import ast
import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from tests.conftest import Clock
from tests.model import ACTS, PROGRAMMES, Shop

RUNS = int(os.environ.get("MODEL_RUNS", "200"))
STEPS = 50
SEED = int(os.environ.get("MODEL_SEED", "2026"))


class Drawn:
    """Choices by Hypothesis, which makes a failing run short."""

    def __init__(self, data):
        self.data = data

    def pick(self, things):
        return things[self.number(0, len(things) - 1)]

    def number(self, low, high):
        return self.data.draw(st.integers(low, high)) if low < high else low


def machine(fresh_ledger, store):
    """The state machine on one store: a rule for each act of the shop."""

    class Model(RuleBasedStateMachine):
        def __init__(self):
            super().__init__()
            self.shop = self.entered = None
            self.sound = True

        @initialize(name=st.sampled_from(sorted(PROGRAMMES)))
        def open(self, name):
            clock = Clock()
            self.entered = fresh_ledger(store, clock, PROGRAMMES[name])
            self.shop = Shop(self.entered.__enter__(), clock, PROGRAMMES[name])

        def teardown(self):
            if self.entered is None:
                return
            try:
                if self.sound:
                    self.shop.finish()
            finally:
                self.entered.__exit__(None, None, None)

    def of(act):
        def step(self, data):
            self.sound = False
            getattr(self.shop, act)(Drawn(data))
            self.shop.look(Drawn(data))
            self.sound = True

        step.__name__ = act
        return step

    for index, act in enumerate(ACTS):
        setattr(Model, f"{act}_{index}", rule(data=st.data())(of(act)))
    return Model


@pytest.mark.parametrize("name", ["oracle.py", "oracle_door.py"])
def test_the_oracle_is_short_and_shares_no_code_with_the_ledger(name):
    text = Path(__file__).with_name(name).read_text()
    assert len(text.splitlines()) <= 200
    modules = {
        module.split(".")[0]
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for module in (
            [node.module] if isinstance(node, ast.ImportFrom) else [a.name for a in node.names]
        )
    }
    assert not modules & {"ledger", "adapters", "bench"}


@pytest.mark.parametrize("store", ["sqlite", "postgres"])
@pytest.mark.timeout(1500)  # 200 databases on a busy machine
def test_whatever_happens_the_ledger_says_what_the_oracle_says(store, fresh_ledger):
    print(f"model: {RUNS} runs of up to {STEPS} steps on {store}, MODEL_SEED={SEED}")
    checked = settings(
        max_examples=RUNS, stateful_step_count=STEPS, deadline=None, database=None,
        suppress_health_check=list(HealthCheck), print_blob=False,
    )  # fmt: skip
    run_state_machine_as_test(seed(SEED)(machine(fresh_ledger, store)), settings=checked)
