"""What a process begins with that only works for the one that started it."""

from __future__ import annotations

import gc
import signal

GARBAGE = 50_000
"""Objects before the collector looks: there are many, and none in a circle."""


def begin() -> None:
    """Leave it to whoever started this process to end it, and the collector at rest."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    gc.freeze()
    gc.set_threshold(GARBAGE)
