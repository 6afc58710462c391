"""Looking at the folders again and again, and what each look does."""

from __future__ import annotations

import errno
import os
import stat
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import chain
from pathlib import Path
from threading import Event
from typing import NamedTuple, TypeVar

from adapters.spool.folder import Folder, Lying, Take
from adapters.spool.taking import Taken, Taker
from ledger.errors import LedgerError

REST_S = 30
"""How long a file that could not be taken in is left alone."""
_MOMENT_S = 0.05
_T = TypeVar("_T")


class Put(NamedTuple):
    """A file that was taken in, where it is now, and its reject file if there is one."""

    taken: Taken
    archived: Path
    rejects: Path | None


class Spool:
    """Watches folders. All that must not be forgotten is on disk and in the log's database."""

    def __init__(
        self, folders: Sequence[Folder], settle_s: int, tell: Callable[[Put], None],
        complain: Callable[[str], None], clock: Callable[[], float] = time.monotonic,
    ) -> None:  # fmt: skip
        """`tell` hears of each file that was taken, `complain` of each that was not, once.

        A file is complete when its size and time did not change for `settle_s`; the `clock` is one
        that never goes back.
        """
        self._folders = folders
        self._known = [folder.path.resolve() for folder in folders]
        self._known += [place for folder in folders for place in folder.places]
        self._settle_s = settle_s
        self._tell = tell
        self._complain = complain
        self._clock = clock
        self._seen: dict[Path, tuple[tuple[int, int], float]] = {}
        self._looked_at: set[Path] = set()
        self._resting: dict[Path, float] = {}
        self._complaints: dict[Path, str] = {}
        self._complained: set[Path] = set()
        self._told: set[str] = set()

    def watch(self, taker: Taker, stop: Event, every_s: int, *, once: bool) -> None:
        """Look until `stop` is set, or once: then long enough to know which files are complete.

        Raises:
            StoreUnavailable and the like: see `Taker.is_away`; nothing is lost, watch again later.
        """
        looks = 0
        while not stop.is_set():
            self.look(taker, stop.is_set)
            looks += 1
            if once and (looks > 1 or not self.unsettled):
                return
            stop.wait(self._settle_s + _MOMENT_S if once else every_s)

    def look(self, taker: Taker, stop: Callable[[], bool]) -> None:
        """Go on with what was taken out before, then take what lies there, the oldest first."""
        self._looked_at, self._complained = set(), set()
        taken = False
        for step in chain.from_iterable(self._steps(folder, taker) for folder in self._folders):
            taken = taken or bool(step)
            if stop():
                break
        if taken:
            self._try(taker, Path("reports"), "reports", lambda: taker.follow(stop))
        if stop():  # what was not looked at is as it was
            return
        self._seen = {path: seen for path, seen in self._seen.items() if path in self._looked_at}
        self._complaints = {
            path: why for path, why in self._complaints.items() if path in self._complained
        }

    @property
    def left(self) -> int:
        """How many things the latest look had to complain about."""
        return len(self._complaints)

    @property
    def unsettled(self) -> list[Path]:
        """Files that may still be written to."""
        now = self._clock()
        return [path for path, (_, at) in self._seen.items() if now - at < self._settle_s]

    def _steps(self, folder: Folder, taker: Taker) -> Iterator[bool | None]:
        """Do one thing after another; true where a file was taken in."""
        name = named(folder.path)
        taken_out = self._try(taker, folder.path, name, folder.taken_out)
        if taken_out is None:
            return
        for before in taken_out:
            yield self._try_take(folder, before, taker)
        lying = self._try(taker, folder.path, name, lambda: folder.lying(self._known))
        for one in lying or []:
            act = partial(self._take_out, folder, one)
            if take := self._try(taker, one.path, named(one.path), act):
                yield self._try_take(folder, take, taker)

    def _take_out(self, folder: Folder, one: Lying) -> Take | None:
        """Take a file out of the folder if it is one, and complete."""
        odd = one.odd
        if not odd and not self._settled(one.path):
            return None
        if not odd and not one.stat.st_size:
            odd = "it is empty; it is taken once something is in it"
        if odd:
            self._say(one.path, odd)
            return None
        take = folder.take_out(one.path)
        self._complaints.pop(one.path, None)
        self._seen[take.path] = self._seen.pop(one.path)
        return take

    def _try_take(self, folder: Folder, take: Take, taker: Taker) -> bool | None:
        if self._resting.get(take.path, 0) > self._clock():
            self._complained.add(take.path)
            return False
        name = named(folder.path / take.path.name)
        done = self._try(taker, take.path, name, partial(self._take, folder, take, taker, name))
        if done is None:
            self._resting[take.path] = self._clock() + REST_S
        else:
            self._resting.pop(take.path, None)
        return done

    def _take(self, folder: Folder, take: Take, taker: Taker, name: str) -> bool:
        """Take in a file that was taken out; whether it is put away."""
        if not self._settled(take.path):
            return False
        as_it_was, _ = self._seen[take.path]
        taken, key = taker.take(take, name, folder.rejects_of(take))
        self._settled(take.path)
        if self._seen[take.path][0] != as_it_was:
            self._say(take.path, "it was written to while it was read; it is read again", name)
            return False
        taker.remember(taken, key)
        rejects = folder.show_rejects(take) if taken.tally.rejected else None
        target = folder.target(take, taker.today() if taken.whole else "")
        if take.token not in self._told:  # before it is away: told twice rather than never
            self._told.add(take.token)
            self._tell(Put(taken, target, rejects))
        folder.put_away(take, target)
        self._told.discard(take.token)
        self._complaints.pop(take.path, None)
        del self._seen[take.path]
        return True

    def _settled(self, path: Path) -> bool:
        """Whether a file is as it was for long enough.

        Raises:
            OSError: it is gone, or something else was put in its place.
        """
        found = path.lstat()
        if not stat.S_ISREG(found.st_mode):
            raise OSError(errno.EINVAL, "it is no ordinary file")
        is_now = (found.st_size, found.st_mtime_ns)
        was, since = self._seen.get(path, (None, 0.0))
        if was != is_now:
            since = self._clock()
        self._seen[path] = (is_now, since)
        self._looked_at.add(path)
        return self._clock() - since >= self._settle_s

    def _try(self, taker: Taker, path: Path, name: str, act: Callable[[], _T]) -> _T | None:
        """Do it, or complain: nothing but a store that is away, and nobody reading, ends the look."""
        try:
            return act()
        except Exception as error:
            if taker.is_away(error) or isinstance(error, BrokenPipeError):
                raise
            if isinstance(error, FileNotFoundError) and self._is_gone(path):
                self._complain(f"`{name}` is gone; somebody else took it away.")
            else:
                self._say(path, _why(error), name)
        return None

    def _is_gone(self, path: Path) -> bool:
        return not os.path.lexists(path) and all(path != folder.path for folder in self._folders)

    def _say(self, path: Path, why: str, name: str = "") -> None:
        """Complain about a file, unless the same was said at the look before."""
        why = " ".join(why.split())
        self._complained.add(path)
        if self._complaints.get(path) != why:
            self._complaints[path] = why
            self._complain(f"`{name or named(path)}` is not taken: {why}.")


def named(path: Path) -> str:
    """A path on one line, whatever is in it."""
    return on_one_line(os.fsencode(path).decode(errors="backslashreplace"))


def on_one_line(text: str) -> str:
    """A text of which every letter can be seen."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def _why(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        where = f" ({named(Path(error.filename))})" if error.filename else ""
        return f"{error.strerror}{where}"
    if isinstance(error, LedgerError | ImportError):
        return str(error).rstrip(".")
    return f"{type(error).__name__}: {error}".rstrip(".")
