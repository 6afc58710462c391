"""Ending what runs for ever, when SIGTERM or Ctrl-C asks for it."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Thread


@contextmanager
def stopped() -> Iterator[Event]:
    """An event that SIGTERM or Ctrl-C sets; a second one ends the process as usual."""
    stop = Event()
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}

    def end(*_: object) -> None:
        # Not from here: this may have interrupted a `wait` that holds the event's own lock.
        Thread(target=stop.set).start()
        for number, handler in before.items():
            signal.signal(number, handler)

    for number in before:
        signal.signal(number, end)
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
