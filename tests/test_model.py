"""Random commands against an oracle on both stores: laws 3, 4, 6 and 7 after each, 8 and 9 at the end.

The core oracle by itself drives what a shop does every day; the full one adds the unusual. `make soak`
runs many more, by numbered seeds; `tests/model.py` says what happens in a step.
"""

import ast
import os
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from tests.conftest import Clock
from tests.model import MODELS, Shop

RUNS = {name: int(os.environ.get("MODEL_RUNS", n)) for name, n in (("core", 200), ("full", 60))}
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


def machine(fresh_ledger, store, model):
    """The state machine on one store: a rule for each act of the model."""

    class Machine(RuleBasedStateMachine):
        def __init__(self):
            super().__init__()
            self.shop = self.entered = None
            self.sound = True

        @initialize(name=st.sampled_from(sorted(model.programmes)))
        def open(self, name):
            clock, programme = Clock(), model.programmes[name]
            self.entered = fresh_ledger(store, clock, programme)
            self.shop = Shop(self.entered.__enter__(), clock, programme, model.oracle)

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

    for index, act in enumerate(model.acts):
        setattr(Machine, f"{act}_{index}", rule(data=st.data())(of(act)))
    return Machine


@pytest.mark.parametrize(
    ("name", "shared"), [("oracle.py", set()), ("oracle_more.py", {"tests.oracle"})]
)
def test_an_oracle_is_short_and_shares_no_code_with_the_ledger(name, shared):
    text = Path(__file__).with_name(name).read_text()
    assert len(text.splitlines()) <= 200
    assert max(map(len, text.splitlines())) <= 160
    modules = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.ImportFrom):
            modules.add("." * node.level + (node.module or ""))
        elif isinstance(node, ast.Import):
            modules |= {module.name for module in node.names}
    strange = {module for module in modules if module.split(".")[0] not in sys.stdlib_module_names}
    assert strange == shared
    assert not modules & {"importlib", "runpy", "builtins"}


@pytest.mark.parametrize("store", ["sqlite", "postgres"])
@pytest.mark.parametrize("name", ["core", "full"])
@pytest.mark.timeout(1500)  # hundreds of databases on a busy machine
def test_whatever_happens_the_ledger_says_what_the_oracle_says(name, store, fresh_ledger):
    print(f"model: {RUNS[name]} runs of up to {STEPS} steps on {store}, {name}, MODEL_SEED={SEED}")
    checked = settings(
        max_examples=RUNS[name], stateful_step_count=STEPS, deadline=None, database=None,
        suppress_health_check=list(HealthCheck), print_blob=False,
    )  # fmt: skip
    driven = machine(fresh_ledger, store, MODELS[name])
    run_state_machine_as_test(seed(SEED)(driven), settings=checked)
