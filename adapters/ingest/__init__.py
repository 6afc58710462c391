"""Feeding receipts to the door: in large batches, and each of them ends somewhere.

A receipt is recorded, or was recorded before (a repeat), or is rejected with its place and
the reason. Feeding the same again changes nothing, so an import that was killed is fed again;
a text file is gone on with at the byte up to which all of it was durable.
"""

from __future__ import annotations

from adapters.ingest.feeding import ingest
from adapters.ingest.hands import BATCH
from adapters.ingest.marks import Mark
from adapters.ingest.tally import Tally

__all__ = ["BATCH", "Mark", "Tally", "ingest"]
