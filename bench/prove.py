"""`make prove`: what takes too long for every test run, on a whole chain's receipts.

Both stores from the same input with equal digests; the same input again; ten kills; a byte
changed a thousand times; the gap race; rebuilds killed under load. DATA names a folder of retail data; without it a chain is made up.
Everything is seeded, every process that is killed was started here.
"""

from __future__ import annotations

import argparse
import json
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from adapters.cli.commands.demo import currency_of, in_currency
from adapters.cli.files import programme_text
from bench.gaps import race
from bench.rebuilding import SLOW_SECONDS, under_load
from bench.server import new_database, postgres_server
from ledger.application import LoyaltyLedger

SECRET = "5eed" * 16
LOYALTY = [sys.executable, "-m", "adapters.cli.main"]
PARTS = ("equal", "kills", "tamper", "tamper-full", "gaps", "rebuild")
KILLS = 10
REBUILD_KILLS = 50
SMALL_RECEIPTS = 2_000


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--events", type=int, default=1_000_000, help="of the gap race")
    parser.add_argument("--only", choices=PARTS, action="append")
    options = parser.parse_args()
    wanted = options.only or PARTS
    rng = random.Random(options.seed)
    with tempfile.TemporaryDirectory(prefix="ll-prove-") as name, postgres_server() as server:
        proof = Proof(Path(name), server, options.data, rng, options.events)
        for part in wanted:
            getattr(proof, part.replace("-", "_"))()
    print("all shown" if not proof.failures else f"FAILED: {proof.failures}")
    return 1 if proof.failures else 0


class Proof:
    """One run; every claim prints a line."""

    def __init__(
        self, folder: Path, server: str, data: Path | None, rng: random.Random, events: int
    ) -> None:
        self.folder = folder
        self.server = server
        self.rng = rng
        self.events = events
        self.failures: list[str] = []
        self.data = data or self._made_up("chain.ndjson", members=2_000, weeks=52)
        self.currency = currency_of(self.data)
        self.clean: dict[str, Any] = {}
        self.clean_seconds = 60.0

    def equal(self) -> None:
        """One clean run on each store; then the same again."""
        for store in ("sqlite", "postgres"):
            db = self._new(store)
            began = time.monotonic()
            told = self._loyalty("ingest", str(self.data), "--history", "--enrol", db=db)
            if store == "sqlite":
                self.clean_seconds = time.monotonic() - began
            self.clean[store] = (db, self._digests(db))
            print(f"{store}: {told['recorded']} recorded, {told['rejected']} rejected")
            again = self._loyalty("ingest", str(self.data), "--history", "--enrol", db=db)
            self._claim(
                f"{store}: fed again, {again['repeated']} repeats and nothing new",
                again["recorded"] == 0 and again["repeated"] == told["recorded"]
                and self._digests(db) == self.clean[store][1],
            )  # fmt: skip
            verdict = self._loyalty("verify", db=db)
            self._claim(f"{store}: verify clean over {verdict['events']} events", verdict["clean"])
        same = self.clean["sqlite"][1] == self.clean["postgres"][1]
        self._claim("SQLite and PostgreSQL have equal digests", same)

    def kills(self) -> None:
        """Ten kills at random moments, then to the end: the same digests as a clean run."""
        if not self.clean:
            self.equal()
        for store in ("sqlite", "postgres"):
            db = self._new(store)
            killed = 0
            while killed < KILLS:
                killed += self._killed(db)
            self._loyalty("ingest", str(self.data), "--history", "--enrol", db=db)
            same = self._digests(db) == self.clean[store][1]
            self._claim(f"{store}: {killed} kills, then the digests of one clean run", same)
            self._claim(
                f"{store}: verify clean after the kills", self._loyalty("verify", db=db)["clean"]
            )

    def tamper(self) -> None:
        """One byte of one column of one event, a thousand times, on a small log."""
        small = self._made_up("small.ndjson", members=60, weeks=60, most=SMALL_RECEIPTS)
        db = self._new("sqlite", currency="EUR")
        told = self._loyalty("ingest", str(small), "--history", "--enrol", db=db)
        found = self._tampered(db, 1_000)
        self._claim(
            f"{found} of 1000 changed bytes found and named, on {told['recorded']} receipts",
            found == 1_000,
        )

    def tamper_full(self) -> None:
        """The same ten times on the whole log."""
        if not self.clean:
            self.equal()
        found = self._tampered(self.clean["sqlite"][0], 10)
        self._claim(f"{found} of 10 changed bytes found and named, on the whole log", found == 10)

    def gaps(self) -> None:
        """A million events of 32 processes, 5 % of the appends rolled back: nobody misses one."""
        for store in ("sqlite", "postgres"):
            db = self._new(store, "EUR")
            events, rolled, followers = race(db, processes=32, threads=2, each=self.events // 64)
            for number, follower in enumerate(followers):
                wrong, seen = follower.wrong, follower.after - follower.first
                self._claim(
                    f"{store}: follower {number} saw {seen} of {events} events, {len(wrong)} out of"
                    f" order, missed or twice; {rolled} appends rolled back {wrong[:1] or ''}",
                    not wrong and seen == events and rolled > 0,
                )

    def rebuild(self) -> None:
        """Rebuilds killed fifty times under load: tables of a replay, and no reader is held up."""
        for store in ("sqlite", "postgres"):
            seen = under_load(self._new(store, "EUR"), REBUILD_KILLS, self.rng)
            self._claim(
                f"{store}: {seen.kills} kills of a rebuild at work ({seen.workers_killed} of a"
                f" worker), {seen.ended} ended in full, {len(seen.flips)} flips,"
                f" {seen.recorded} receipts recorded meanwhile",
                seen.kills == REBUILD_KILLS and len(seen.flips) > 0 and seen.recorded > 0,
            )
            self._claim(
                f"{store}: the reports equal an offline replay and a fresh rebuild", seen.equal
            )
            self._claim(f"{store}: verify clean", seen.clean)
            self._claim(
                f"{store}: {len(seen.reads)} reads, {seen.reported_over} flips while a long report"
                f" was open, {len(seen.failed)} failures {seen.failed[:2] or ''}",
                seen.reported_over > 0 and not seen.failed,
            )
            for near in (False, True):
                for read in seen.slowest(near=near).values():
                    print(f"  slowest {'at a flip' if near else 'of all'}: {seen.told(read)}")
            slow = [r for r in seen.reads if r.seconds > SLOW_SECONDS and seen.near(r)]
            told = f"{len(slow)} reads over 100 ms within a second of a flip"
            self._claim(f"{store}: {told}", not slow)
            for read in slow[:10]:
                print(f"    {seen.told(read)}")

    # --- how ---------------------------------------------------------------------------

    def _tampered(self, db: str, tries: int) -> int:
        found = 0
        with LoyaltyLedger.open(db) as ledger:
            events = ledger.log.head()
            connection = sqlite3.connect(db, isolation_level=None)
            for _ in range(tries):
                position = self.rng.randint(1, events)
                column, old, new = _change(connection, position, self.rng)
                where = new if column == "notification_id" else position
                verdict = ledger.verify()
                named = f"position {position}"
                hit = any(named in f.place or named in f.detail for f in verdict.findings)
                if hit and not verdict.clean:
                    found += 1
                else:
                    print(f"  missed: {column} at {position}: {old!r} -> {new!r}")
                connection.execute(
                    f"UPDATE stored_events SET {column} = ? WHERE notification_id = ?", (old, where)
                )
            self._claim("the log verifies again once everything is put back", ledger.verify().clean)
        return found

    def _killed(self, db: str) -> bool:
        """Start an ingest and kill it; False where it ended before."""
        command = [*LOYALTY, "ingest", str(self.data), "--history", "--enrol", "--db", db, "--json"]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            process.wait(self.rng.uniform(1.0, max(2.0, self.clean_seconds * 0.6)))
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.wait()
            return True
        return False

    def _new(self, store: str, currency: str = "") -> str:
        db = str(self.folder / f"{self.rng.getrandbits(40):x}.db")
        if store == "postgres":
            db = new_database(self.server)
        text = in_currency(programme_text(Path("points_as_cash")), currency or self.currency)
        programme = self.folder / "programme.toml"
        programme.write_text(text)
        self._loyalty("init", str(programme), "--secret", SECRET, db=db)
        return db

    def _made_up(self, name: str, *, members: int, weeks: int, most: int = 0) -> Path:
        path = self.folder / name
        sizes = ["--members", str(members), "--weeks", str(weeks)]
        subprocess.run([*LOYALTY, "simulate", *sizes, "--out", str(path)], check=True)
        if most:
            lines = path.read_bytes().splitlines(keepends=True)[:most]
            path.write_bytes(b"".join(lines))
        return path

    def _digests(self, db: str) -> dict[str, str]:
        rows = self._loyalty("status", "--digests", db=db)["projections"]
        return {row["projection"]: row["digest"] for row in rows}

    def _loyalty(self, *arguments: str, db: str) -> dict[str, Any]:
        done = subprocess.run(
            [*LOYALTY, *arguments, "--db", db, "--json"],
            check=False, capture_output=True,
        )  # fmt: skip
        if done.returncode not in {0, 3, 4}:
            raise RuntimeError(done.stderr.decode()[-2000:])
        told: dict[str, Any] = json.loads(done.stdout)
        return told

    def _claim(self, what: str, holds: bool) -> None:  # noqa: FBT001
        print(("shown: " if holds else "FAILED: ") + what, flush=True)
        if not holds:
            self.failures.append(what)


COLUMNS = ("state", "topic", "originator_id", "originator_version", "notification_id",
           "recorded_at", "written_at", "leaf_hash", "claims")  # fmt: skip


def _change(
    connection: sqlite3.Connection, position: int, rng: random.Random
) -> tuple[str, Any, Any]:
    """Change one byte of one column of an event; gives the column, the old value, the new."""
    while True:
        column = rng.choice(COLUMNS)
        (old,) = connection.execute(
            f"SELECT {column} FROM stored_events WHERE notification_id = ?", (position,)
        ).fetchone()
        new = bytes(16) if old is None else _one_byte_off(old, rng)
        try:
            connection.execute(
                f"UPDATE stored_events SET {column} = ? WHERE notification_id = ?", (new, position)
            )
        except sqlite3.IntegrityError:
            continue  # another event has that value; the table itself refuses
        return column, old, new


def _one_byte_off(old: Any, rng: random.Random) -> Any:
    if isinstance(old, int):
        return old ^ (rng.randint(1, 255) << 8 * rng.randrange(4))
    data = bytearray(old.encode() if isinstance(old, str) else old)
    place = rng.randrange(len(data))
    data[place] ^= rng.randint(1, 127 if isinstance(old, str) else 255)
    return bytes(data).decode() if isinstance(old, str) else bytes(data)


if __name__ == "__main__":
    sys.exit(main())
