"""The way of receipts from a source to the hands that take them in, and of what they answer."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence

from adapters.ingest.hands import BATCH, Hand, How, hands
from adapters.ingest.marks import Mark
from adapters.ingest.sorting import Sorter
from adapters.ingest.tally import Tally, Told
from adapters.pos.ndjson import Start
from adapters.records import Found
from adapters.rejects import Rejects
from ledger.application import LoyaltyLedger
from ledger.errors import InputInvalid

AHEAD = 2
"""Chunks that are read and not answered yet."""
CHUNK_BYTES = 1 << 24
"""A line may have a mebibyte; usual receipts are far from this."""
CHUNKS_A_MARK = 4
"""A mark costs a commit."""
BATCHES_A_PORTION = 2
"""Of a hand in another process: it reads the next batch while one is being decided."""
MOST_WORKERS = 64
MOST_BATCH = 2_500
"""So many that all that is read ahead fits the writer's queue."""


def ingest(
    ledger: LoyaltyLedger,
    source: Iterable[Found],
    rejects: Rejects,
    *,
    history: bool = False,
    enrol: bool = False,
    batch: int = BATCH,
    workers: int = 1,
    mark: Mark | None = None,
) -> Tally:
    """Feed what a source finds to the ledger, by so many processes.

    What is refused is written in the order of the source. With a mark, the source begins where
    the mark says; after a kill, what was refused since may be written down a second time.

    Raises:
        InputInvalid: the number of workers, or of receipts in a batch.
        StoreUnavailable, Busy, Closed: nothing is lost; feed the same again.
    """
    if not 1 <= workers <= MOST_WORKERS:
        raise InputInvalid(f"From 1 to {MOST_WORKERS} workers.", field="workers")
    if not 1 <= batch <= MOST_BATCH:
        raise InputInvalid(f"From 1 to {MOST_BATCH} receipts together.", field="batch")
    with hands(ledger, How(history, enrol, batch), workers) as crew:
        return feed(ledger, crew, source, rejects, batch, mark)


def feed(
    ledger: LoyaltyLedger, crew: Sequence[Hand], source: Iterable[Found], rejects: Rejects,
    batch: int = BATCH, mark: Mark | None = None,
) -> Tally:  # fmt: skip
    """The same by hands that are there already."""
    several = len(crew) > 1
    size = batch * BATCHES_A_PORTION * len(crew) if several else batch
    tally = mark.tally if mark else Tally()
    settling = _Settling(rejects, tally, mark)
    sorter = Sorter(ledger, len(crew))
    found = iter(source)
    while chunk := _chunk(found, size):
        settling.reached(Start(chunk[0].place.offset, chunk[0].place.line - 1))
        portions = zip(crew, sorter.sort(chunk), strict=True)
        settling.add([hand.take(portion) for hand, portion in portions if portion])
    settling.end()
    return tally


def _chunk(found: Iterator[Found], size: int) -> list[Found]:
    """So many, or fewer where they are long."""
    chunk: list[Found] = []
    length = 0
    for one in found:
        chunk.append(one)
        length += one.place.length
        if len(chunk) == size or length >= CHUNK_BYTES:
            break
    return chunk


class _Settling:
    """What is under way, and how far everything before it is settled."""

    def __init__(self, rejects: Rejects, tally: Tally, mark: Mark | None) -> None:
        """Nothing is under way."""
        self._rejects = rejects
        self._tally = tally
        self._mark = mark
        self._asked: deque[list[Callable[[], Told]]] = deque()
        self._starts: deque[Start] = deque()
        self._since_mark = 0

    def reached(self, start: Start) -> None:
        """The next chunk begins here."""
        self._starts.append(start)

    def add(self, answers: list[Callable[[], Told]]) -> None:
        """A chunk is under way; wait for the oldest where there are enough."""
        self._asked.append(answers)
        if len(self._asked) > AHEAD:
            self._settle()

    def end(self) -> None:
        """Wait for the rest."""
        while self._asked:
            self._settle()
        if self._mark:
            self._mark.forget()

    def _settle(self) -> None:
        """Wait for the oldest chunk, and mark where the one after it begins."""
        parts = [answer() for answer in self._asked.popleft()]
        told = [one for part in parts for one in part.refused]
        for bad, _ in sorted(told, key=lambda one: one[0].place[1:]):
            self._rejects.write(bad)
        for part in parts:
            self._tally.add(part)
        self._starts.popleft()
        self._since_mark += 1
        if self._mark and self._starts and (told or self._since_mark >= CHUNKS_A_MARK):
            self._rejects.close()  # what was refused is on disk first
            self._mark.keep(self._starts[0], self._tally)
            self._since_mark = 0
