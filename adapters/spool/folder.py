"""A drop folder on disk: what lies in it, what was taken out of it, and where that goes."""

from __future__ import annotations

import errno
import fcntl
import os
import secrets
import stat
from collections.abc import Collection, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from ledger.errors import InputInvalid

WORK = ".spool"
"""In the folder itself, so that taking a file out is a rename."""
LOCK = ".spool.lock"
TEMPORARY = (".tmp", ".part", ".filepart")
"""Endings of names that a sender writes under before it renames the file."""
REJECTS = ".rejects.ndjson"
_LONGEST_NAME, _LONGEST_ENDING = 255, 20


class Take(NamedTuple):
    """A file that was taken out of its folder, alone in a place that the token names."""

    token: str
    path: Path


class Lying(NamedTuple):
    """What lies in a folder."""

    path: Path
    stat: os.stat_result

    @property
    def odd(self) -> str:
        """Why a link or a folder is not taken; empty of all else."""
        if stat.S_ISLNK(self.stat.st_mode):
            return "a link is not followed; put the file itself there"
        return "a folder is not looked into" if stat.S_ISDIR(self.stat.st_mode) else ""


class Folder:
    """One folder that is watched, with the places beside it."""

    def __init__(self, path: Path, done: str, rejected: str) -> None:
        """Name the places of what was taken, as paths from the folder.

        Raises:
            InputInvalid: it is no folder.
        """
        if not path.is_dir():
            raise InputInvalid(f"`{path}` is no folder.", field="folder")
        self.path = path
        self.done = path / done
        self.rejected = path / rejected
        self._work = path / WORK

    def prepare(self) -> None:
        """Make the places.

        Raises:
            InputInvalid: one is on another file system, where a rename does not lead.
        """
        self._work.mkdir(mode=0o700, exist_ok=True)
        for place in (self.done, self.rejected):
            place.mkdir(parents=True, exist_ok=True)
            if place.stat().st_dev != self.path.stat().st_dev:
                msg = f"`{place}` is on another file system than `{self.path}`."
                raise InputInvalid(msg, field="done" if place == self.done else "rejected")

    @property
    def places(self) -> list[Path]:
        """Where nothing is taken from."""
        return [self._work.resolve(), self.done.resolve(), self.rejected.resolve()]

    def lying(self, known: Collection[Path]) -> list[Lying]:
        """What lies there, the oldest first.

        Hidden and temporary names are left out, and folders that lead to the known ones.
        """
        found = []
        with os.scandir(self.path) as entries:
            for entry in entries:
                if entry.name.startswith(".") or entry.name.lower().endswith(TEMPORARY):
                    continue
                with suppress(FileNotFoundError):
                    one = Lying(Path(entry.path), entry.stat(follow_symlinks=False))
                    if not stat.S_ISDIR(one.stat.st_mode) or not _leads_to(known, one.path):
                        found.append(one)
        return sorted(found, key=lambda one: (one.stat.st_mtime_ns, one.path))

    def taken_out(self) -> list[Take]:
        """What was taken out and not put away yet, the oldest first; empty places go."""
        self._work.mkdir(mode=0o700, exist_ok=True)
        found = []
        for place in self._work.iterdir():
            if not place.is_dir():
                continue
            if inside := next(place.iterdir(), None):
                found.append((inside.lstat().st_mtime_ns, Take(place.name, inside)))
            else:
                place.rmdir()
        return [take for _, take in sorted(found)]

    def take_out(self, path: Path) -> Take:
        """Take a file out of the folder, so that its name is free for another.

        Raises:
            OSError: it is gone, or may not be read or moved.
        """
        os.close(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK))
        take = Take(secrets.token_hex(6), Path())
        place = self._work / take.token
        place.mkdir()
        path.rename(place / path.name)
        return take._replace(path=place / path.name)

    def rejects_of(self, take: Take) -> Path:
        """Where the refused lines of a file are gathered."""
        return self._work / f"{take.token}.rejects"

    def show_rejects(self, take: Take) -> Path | None:
        """Put the reject file where people look for it; where it is, if there is one."""
        mine = self.rejected / _fitted(take.path.name, f".{take.token}{REJECTS}")
        plain = self.rejected / _fitted(take.path.name, REJECTS)
        gathered = self.rejects_of(take)
        if gathered.exists():
            target = mine if os.path.lexists(plain) else plain
            _move(gathered, target)
            return target
        return next((path for path in (mine, plain) if path.exists()), None)

    def target(self, take: Take, day: str) -> Path:
        """Where a file goes of which everything is kept; `day` is empty where it is not."""
        place = self.done / day if day else self.rejected
        plain = place / take.path.name
        if not os.path.lexists(plain):
            return plain
        ending = plain.suffix if len(plain.suffix) < _LONGEST_ENDING else ""
        return place / _fitted(plain.name.removesuffix(ending), f".{take.token}{ending}")

    @staticmethod
    def put_away(take: Take, target: Path) -> None:
        """Move a file to where it stays.

        Raises:
            OSError: it stays where it is.
        """
        _move(take.path, target)
        with suppress(OSError):  # else it goes at the next look
            take.path.parent.rmdir()


@contextmanager
def locked(folders: Sequence[Folder]) -> Iterator[None]:
    """Keep every other spool away from these folders and their places.

    Raises:
        InputInvalid: another is at work there, or the folders are in each other's way.
    """
    drops = [folder.path.resolve() for folder in folders]
    for folder in folders:
        for place in folder.places:
            if inner := next((drop for drop in drops if drop.is_relative_to(place)), None):
                msg = f"`{inner}` cannot be watched: what was taken is kept in `{place}`."
                raise InputInvalid(msg, field="folder")
    for folder in folders:
        folder.prepare()
    with ExitStack() as held:
        for place in dict.fromkeys(
            [*drops, *(p for folder in folders for p in folder.places[1:])]
        ):  # fmt: skip
            held.callback(os.close, _lock(place))
        yield


def _lock(place: Path) -> int:
    file = os.open(place / LOCK, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(file)
        raise InputInvalid(f"Another spool is at work on `{place}`.", field="folder") from None
    return file


def _leads_to(known: Collection[Path], path: Path) -> bool:
    real = path.resolve()
    return any(place.is_relative_to(real) for place in known)


def _fitted(stem: str, ending: str) -> str:
    """A name with this ending that a file system takes."""
    room = _LONGEST_NAME - len(os.fsencode(ending))
    raw = os.fsencode(stem)
    return (stem if len(raw) <= room else raw[:room].decode(errors="ignore")) + ending


def _move(source: Path, target: Path) -> None:
    """Rename a file, and have it there after a power cut too."""
    file = os.open(source, os.O_RDONLY | os.O_NOFOLLOW)
    try:
        os.fsync(file)
    finally:
        os.close(file)
    if not target.parent.is_dir():
        target.parent.mkdir(parents=True, exist_ok=True)
        _sync(target.parent.parent)
    source.rename(target)
    _sync(target.parent)
    _sync(source.parent)


def _sync(folder: Path) -> None:
    file = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(file)
    except OSError as error:
        if error.errno != errno.EINVAL:  # folders of some network file systems cannot
            raise
    finally:
        os.close(file)
