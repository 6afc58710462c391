"""What a process begins with that does one thing: a command, or a part of one for another process."""

from __future__ import annotations

import gc
import signal

GARBAGE = 50_000
"""Objects before the collector looks: there are many, and none in a circle. As it comes, it takes a
tenth of a rebuild."""


def begin() -> None:
    """Leave it to whoever started this process to end it, and the collector at rest."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    rest()


def rest(garbage: int = GARBAGE) -> None:
    """Have the collector leave alone what is there by now, and look rarely at what comes."""
    gc.freeze()
    gc.set_threshold(garbage)
