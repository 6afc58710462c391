"""Scores by name, with how sure they are, and what one way of making lists gains over another."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from ledger.forecast.measures import Lists
from ledger.forecast.purchases import Floats

Scores = dict[str, Floats]
"""By name of the measure: one value a member."""


def ranked(lists: Lists, places: Iterable[int]) -> Scores:
    """Recall, NDCG and hit rate at so many places."""
    scores: Scores = {}
    for k in places:
        scores |= {
            f"recall@{k}": lists.recall(k), f"ndcg@{k}": lists.ndcg(k), f"hit@{k}": lists.hit(k)
        }  # fmt: skip
    return scores


def listed(lists: Lists, k: int) -> Scores:
    """Precision of k places, and the share of all that was bought that stood on them.

    The share is of all members together: by member, what it adds to it.
    """
    bought = max(float(lists.bought.mean()), 1e-9)
    on_list = lists.hits[:, :k].sum(axis=1)
    return {f"precision@{k}": lists.precision(k), f"coverage@{k}": on_list / bought}


def flat(runs: Mapping[str, Sequence[Scores]], gains: bool = True) -> dict[str, float]:  # noqa: FBT001, FBT002
    """One flat object: the model's means under their names, the others' under `baseline.`.

    A run is one split or one day; means are over runs. `baseline.` alone is personal frequency, the
    one to beat; `gain.` is the model's paired gain over it, `se.` and `gain_se.` are standard errors
    of one run.
    """
    told: dict[str, float] = {}
    for way, scores in runs.items():
        before = {"model": "", "frequency": "baseline."}.get(way, f"baseline.{way}.")
        told |= {before + name: _mean(run[name] for run in scores) for name in scores[0]}
    for name in runs["model"][0]:
        told[f"se.{name}"] = _error(run[name] for run in runs["model"])
        if gains:
            pairs = zip(runs["model"], runs["frequency"], strict=True)
            gained = [ours[name] - theirs[name] for ours, theirs in pairs]
            told[f"gain.{name}"] = _mean(gained)
            told[f"gain_se.{name}"] = _error(gained)
    return told


def _mean(runs: Iterable[Floats]) -> float:
    return round(float(np.mean([values.mean() for values in runs])), 5)


def _error(runs: Iterable[Floats]) -> float:
    return round(float(np.mean([v.std() / math.sqrt(max(len(v), 1)) for v in runs])), 5)
