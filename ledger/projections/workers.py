"""Parts of a rebuild in processes of their own.

On PostgreSQL each worker writes what it folds; on SQLite, which takes one writer, the workers
read and fold, and the process that started them writes. A worker that dies leaves its part to
the others: the part's cursor says how far it came.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, suppress
from multiprocessing import get_context, parent_process
from multiprocessing.connection import Connection, wait
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
Told = Callable[[Part, Part], None]
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(
    tuple[dict[str, list[tuple[Any, ...]]], list[tuple[bytes, list[Any]]]]
).decode


class Task(NamedTuple):
    """What a worker is told: everything by name, to be found again in a fresh process."""

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
) -> list[int]:  # fmt: skip
    """Have the parts done; returns those that are left where every worker died.

    Raises:
        RebuildOvertaken: another rebuild began after this one.
    """
    task = Task(log.db, tuple(p.name for p in chosen), scan.run, batch)
    crew = _Crew(task, parts)
    try:
        crew.hire(min(workers, len(parts)))
        for sheet in crew.sheets():
            if not log.is_postgres:
                scan.write(_page(sheet))
            told(sheet.before, sheet.after)
    finally:
        crew.dismiss()
    return crew.waiting


class _Crew:
    """The worker processes, and which part each is at."""

    def __init__(self, task: Task, parts: Sequence[int]) -> None:
        self.waiting = list(parts)
        self._task = task
        self._busy: dict[Any, int] = {}
        self._processes: list[Any] = []

    def hire(self, workers: int) -> None:
        """Start workers; a fresh process each, since a forked one would share connections."""
        context = get_context("spawn")
        for _ in range(workers):
            ours, theirs = context.Pipe()
            process = context.Process(target=serve, args=(self._task, theirs), daemon=True)
            process.start()
            theirs.close()
            self._processes.append(process)
            self._give(ours)

    def sheets(self) -> Iterator[Sheet]:
        """What the workers say, until every part is done or every worker gone."""
        while self._busy:
            for pipe in wait(list(self._busy)):
                assert isinstance(pipe, Connection)  # noqa: S101  nothing else is waited for
                try:
                    said = pipe.recv()
                except (EOFError, OSError):  # it died
                    self.waiting.append(self._busy.pop(pipe))
                    continue
                if isinstance(said, BaseException):
                    raise said
                if said is None:
                    del self._busy[pipe]
                    self._give(pipe)
                else:
                    yield said

    def dismiss(self) -> None:
        """Let every worker go; one that is at work has nothing to lose."""
        for process in self._processes:
            process.terminate()
        for process in self._processes:
            process.join(PATIENCE_SECONDS)

    def _give(self, pipe: Any) -> None:
        """Give a worker the next part; where none waits, it may go."""
        if not self.waiting:
            pipe.close()
            return
        number = self.waiting.pop(0)
        self._busy[pipe] = number
        try:
            pipe.send(number)
        except OSError:  # it died; reading from it says so too
            return


def serve(task: Task, pipe: Any) -> None:
    """Be a worker: do parts until the pipe is closed."""
    helping.begin()
    log = open_log(task.db)
    try:
        keys = Keys(bytes.fromhex(log.setting(SECRET) or ""))
        chosen = [p for p in PROJECTIONS if p.name in task.names]
        scan = Scan(log, Folder(Codec(TOPICS, {}), keys), chosen, task.run, task.batch)
        while True:
            _do_part(scan, log, pipe, pipe.recv())
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
