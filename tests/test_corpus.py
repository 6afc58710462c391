"""Inputs that fuzzing found, tried again: none is a fault, each is a receipt or has a reason."""

import pytest

from tests.fuzzed import NAMES, kept, targets


@pytest.fixture(scope="module")
def corpus():
    return kept()


@pytest.mark.parametrize("name", NAMES)
def test_what_once_led_to_a_new_path_is_read_without_a_fault(name, corpus, tmp_path):
    one = targets(tmp_path)[name]
    assert corpus[name]
    for data in corpus[name]:
        one(data)
