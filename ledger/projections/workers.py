"""Parts of a rebuild in several processes: this one and its helpers.

On PostgreSQL each writes what it folds; on SQLite, which takes one writer, the helpers read and
fold, and the process that started them writes. It does parts itself between what they say, from
the beginning on: a helper takes longer to start than a small log to be read. A helper that dies
leaves its part to the others: the part's cursor says how far it came.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, suppress
from multiprocessing import get_context, parent_process
from queue import Empty, Queue
from threading import Thread
from typing import Any, NamedTuple

import msgspec

from ledger.events import TOPICS
from ledger.projections import PROJECTIONS
from ledger.projections.folder import Folder
from ledger.projections.rebuild import Scan, Written
from ledger.projections.runs import Part, Run
from ledger.projections.schema import Patch, Projection, Said
from ledger.store import helping
from ledger.store.codec import Codec
from ledger.store.keys import Keys
from ledger.store.log import Log
from ledger.store.opening import SECRET, open_log

PATIENCE_SECONDS = 10
AHEAD = 2
"""Pages that are heard and not written yet, so that no helper waits while a page is folded here."""
Told = Callable[[Part, Part], None]
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(
    tuple[dict[str, list[tuple[Any, ...]]], list[tuple[bytes, list[Any]]]]
).decode


class Task(NamedTuple):
    """What a helper is told: everything by name, to be found again in a fresh process."""

    db: str
    names: tuple[str, ...]
    run: Run
    batch: int


class Sheet(NamedTuple):
    """A page that travels between processes."""

    before: Part
    after: Part
    said: dict[str, tuple[bytes, Sequence[Patch]]] | None
    """Rows as msgpack, which costs a third of what pickled ones do."""


def spread(
    scan: Scan, log: Log, batch: int, chosen: Sequence[Projection], parts: Sequence[int],
    workers: int, told: Told,
) -> None:  # fmt: skip
    """Do the parts with so many processes, this one among them.

    Raises:
        RebuildOvertaken: another rebuild began after this one.
    """
    task = Task(log.db, tuple(p.name for p in chosen), scan.run, batch)
    crew = _Crew(task, parts)

    def take(sheets: Iterator[Sheet]) -> None:
        for sheet in sheets:
            if not log.is_postgres:
                scan.write(_page(sheet))
            told(sheet.before, sheet.after)

    try:
        crew.hire(min(workers, len(parts)) - 1)
        while crew.waiting or crew.busy:
            if not crew.waiting:
                take(crew.sheets(wait=True))
                continue
            with closing(scan.finish(crew.waiting.pop(0))) as pages:
                for page in pages:
                    told(page.before, page.after)
                    take(crew.sheets(wait=False))
    finally:
        crew.dismiss()


class _Crew:
    """The helpers, and which part each is at."""

    def __init__(self, task: Task, parts: Sequence[int]) -> None:
        self.waiting = list(parts)
        self.busy: dict[_Helper, int] = {}
        self._task = task
        self._heard: Queue[tuple[_Helper, Any]] = Queue(AHEAD)
        self._there: set[_Helper] = set()

    def hire(self, count: int) -> None:
        """Start helpers, each with a part."""
        for _ in range(count):
            helper = _Helper(self._task, self._heard)
            self._there.add(helper)
            self._give(helper)

    def sheets(self, *, wait: bool) -> Iterator[Sheet]:
        """What helpers have said; to `wait` is for one thing at least."""
        with suppress(Empty):
            while self.busy:
                helper, said = self._heard.get(block=wait)
                wait = False
                if isinstance(said, EOFError):  # it died, or there was nothing left for it
                    self._gone(helper)
                elif isinstance(said, BaseException):
                    raise said
                elif said is None:
                    del self.busy[helper]
                    self._give(helper)
                else:
                    yield said

    def dismiss(self) -> None:
        """Let every helper go; one that is at work has nothing to lose."""
        for helper in self._there:
            helper.process.terminate()
        while self._there:  # what they are about to say is asked for by nobody now
            helper, said = self._heard.get()
            if isinstance(said, EOFError):
                self._gone(helper)

    def _gone(self, helper: _Helper) -> None:
        self._there.remove(helper)
        helper.process.join(PATIENCE_SECONDS)
        if helper in self.busy:
            self.waiting.append(self.busy.pop(helper))

    def _give(self, helper: _Helper) -> None:
        """Give a helper the next part; where none waits, it may go."""
        if self.waiting:
            self.busy[helper] = self.waiting.pop(0)
        helper.tell(self.busy.get(helper))


class _Helper:
    """A process that does parts, and a thread that hears what it says."""

    def __init__(self, task: Task, heard: Queue[tuple[_Helper, Any]]) -> None:
        """Start it; a fresh process, since a forked one would share connections."""
        context = get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._heard = heard
        self.process = context.Process(target=serve, args=(task, theirs), daemon=True)
        self.process.start()
        theirs.close()
        Thread(target=self._hear, daemon=True).start()

    def tell(self, part: int | None) -> None:
        """Give it a part, or None to let it go."""
        with suppress(OSError):  # it died, which is heard too
            self._pipe.send(part)

    def _hear(self) -> None:
        """Until it has ended, which is the last that is heard."""
        try:
            while True:
                self._heard.put((self, self._pipe.recv()))
        except (EOFError, OSError):
            pass
        except Exception as error:  # noqa: BLE001  raised by whoever waits for what it says
            self._heard.put((self, error))
        self._heard.put((self, EOFError()))


def serve(task: Task, pipe: Any) -> None:
    """Be a helper: do parts until there are none."""
    helping.begin()
    log = open_log(task.db)
    try:
        keys = Keys(bytes.fromhex(log.setting(SECRET) or ""))
        chosen = [p for p in PROJECTIONS if p.name in task.names]
        scan = Scan(log, Folder(Codec(TOPICS, {}), keys), chosen, task.run, task.batch)
        while (number := pipe.recv()) is not None:
            _do_part(scan, log, pipe, number)
    except (EOFError, BrokenPipeError, ConnectionResetError):
        return  # nobody waits for it any more
    except Exception as error:  # noqa: BLE001  it is told where somebody can act on it
        with suppress(OSError):
            pipe.send(error)
    finally:
        log.close()


def _do_part(scan: Scan, log: Log, pipe: Any, number: int) -> None:
    parent = parent_process()
    with closing(scan.finish(number) if log.is_postgres else scan.pages(number)) as pages:
        for page in pages:
            pipe.send(Sheet(page.before, page.after, {} if log.is_postgres else _packed(page)))
            if parent is not None and not parent.is_alive():
                raise EOFError
    pipe.send(None)


def _packed(page: Written) -> dict[str, tuple[bytes, Sequence[Patch]]] | None:
    if page.said is None:
        return None
    return {
        name: (_encode((said.rows, said.told)), said.patches) for name, said in page.said.items()
    }


def _page(sheet: Sheet) -> Written:
    if sheet.said is None:
        return Written(sheet.before, sheet.after, None)
    said = {}
    for name, (encoded, patches) in sheet.said.items():
        rows, told = _decode(encoded)
        said[name] = Said(rows, patches, told)
    return Written(sheet.before, sheet.after, said)
