"""`loyalty jobs list|run|history`: time-driven work."""

from __future__ import annotations

import argparse
import logging
from threading import Event
from typing import Any

from adapters.cli.render import Speaker, table, when
from adapters.cli.stopping import stopped
from adapters.cli.values import positive
from ledger import events as e
from ledger.application import LoyaltyLedger
from ledger.jobs import JOBS
from ledger.jobs.history import JobRun, JobStatus
from ledger.jobs.runner import LEASE_S, Ran

REFUSED, INTERRUPTED = 1, 130
LOOK_AGAIN_S = 1
"""How often it is looked whether another scheduler's turn has ended."""


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("action", choices=("list", "run", "history"))
    parser.add_argument("name", nargs="*", help="(default: all jobs)")
    how = parser.add_mutually_exclusive_group()
    how.add_argument(
        "--until-idle", action="store_true", help="wait for the turns of other schedulers too"
    )
    how.add_argument("--forever", action="store_true", help="run what is due until stopped")
    parser.add_argument("--every", type=positive, default=30, help="seconds, with --forever")
    parser.add_argument("--lease", type=positive, default=LEASE_S, help="seconds, to run")
    parser.add_argument("--limit", type=positive, default=20, help="of the history")


def run(options: argparse.Namespace, speaker: Speaker) -> int:
    """List the jobs, run what is due, or show what was done."""
    with LoyaltyLedger.open(options.db, jobs=JOBS) as ledger:
        if options.action == "list":
            return _list(ledger, options, speaker)
        if options.action == "history":
            return _history(ledger, options, speaker)
        with stopped() as stop:
            if options.forever:
                return _forever(ledger, options, speaker, stop)
            return _once(ledger, options, speaker, stop)


def _list(ledger: LoyaltyLedger, options: argparse.Namespace, speaker: Speaker) -> int:
    jobs = ledger.jobs.status(options.name)
    head = ("job", "schedule", "catch-up", "last done", "next due", "state")
    rows = [
        (j.job.name, str(j.job.schedule), j.job.catch_up, when(j.done_due_at) or "never",
         when(j.next_due_at), _state(j))
        for j in jobs
    ]  # fmt: skip
    lines = table(head, rows) if rows else ["No jobs are registered."]
    speaker.say({"jobs": [_status(job) for job in jobs]}, lines)
    return 0


def _state(status: JobStatus) -> str:
    if not status.by:
        return status.state
    return f"{status.state}, {status.members} members so far, by {status.by}"


def _status(status: JobStatus) -> dict[str, Any]:
    job = status.job
    return {
        "job": job.name, "about": job.about, "schedule": str(job.schedule),
        "catch_up": job.catch_up, "state": status.state, "last_done": when(status.done_due_at),
        "next_due": when(status.next_due_at), "by": status.by or None,
        "lease_until": when(status.lease_until), "members": status.members,
    }  # fmt: skip


def _history(ledger: LoyaltyLedger, options: argparse.Namespace, speaker: Speaker) -> int:
    runs = ledger.jobs.history(options.name, options.limit)
    head = ("job", "due", "for all since", "ended", "turns", "state", "effects", "unchanged",
            "refused")  # fmt: skip
    rows = [
        (r.job, when(r.due_at), _since(r), when(r.ended_at) or "", r.turns, r.state, r.effects,
         r.unchanged, r.refused)
        for r in runs
    ]  # fmt: skip
    lines = table(head, rows) if rows else ["No runs yet."]
    for r in runs:
        lines += [f"  {r.job} {when(r.due_at)}: {m.hex()} {why}" for m, why in r.refusals]
    speaker.say({"runs": [_run(run) for run in runs]}, lines)
    return 0


def _since(run: JobRun) -> str:
    if run.since == run.due_at:
        return ""
    return (run.since and when(run.since)) or "the beginning"


def _run(run: JobRun) -> dict[str, Any]:
    return {
        "job": run.job, "due": when(run.due_at), "since": when(run.since) if run.since else None,
        "started": when(run.started_at), "ended": when(run.ended_at), "turns": run.turns,
        "by": run.by, "state": run.state, "effects": run.effects, "unchanged": run.unchanged,
        "refused": run.refused,
        "refusals": [{"member": member.hex(), "error": why} for member, why in run.refusals],
    }  # fmt: skip


def _once(
    ledger: LoyaltyLedger, options: argparse.Namespace, speaker: Speaker, stop: Event
) -> int:  # fmt: skip
    ledger.jobs.named(options.name)
    ran = Ran([], [], ())
    with speaker.progress("jobs", 0, "members") as update:
        while not stop.is_set():
            more = ledger.jobs.run(
                options.name, without={failure.job for failure in ran.failed},
                lease_s=options.lease, stop=stop.is_set, progress=update,
            )  # fmt: skip
            ran = Ran(ran.done + more.done, ran.failed + more.failed, more.held)
            if not (ran.held and options.until_idle):
                break
            stop.wait(LOOK_AGAIN_S)
    data = {
        "done": [_done(job, done) for job, done in ran.done],
        "failed": [{"job": f.job, "due": when(f.due_at), "error": f.why, "message": f.detail}
                   for f in ran.failed],
        "held": ran.held,
    }  # fmt: skip
    speaker.say(data, _lines(ran) or ["Nothing was due."])
    if stop.is_set():
        return INTERRUPTED
    return REFUSED if ran.failed else 0


def _done(job: str, done: e.JobDone) -> dict[str, Any]:
    return {
        "job": job, "due": when(done.due_at), "effects": done.effects,
        "unchanged": done.unchanged, "refused": done.refused,
    }  # fmt: skip


def _lines(ran: Ran) -> list[str]:
    lines = [
        f"{job} {when(d.due_at)}: {d.effects} effects, {d.unchanged} unchanged,"
        f" {d.refused} refused."
        for job, d in ran.done
    ]
    lines += [f"{f.job} {when(f.due_at)}: FAILED, {f.why}: {f.detail}" for f in ran.failed]
    return lines + [f"{job}: another scheduler is at it." for job in ran.held]


def _forever(
    ledger: LoyaltyLedger, options: argparse.Namespace, speaker: Speaker, stop: Event
) -> int:  # fmt: skip
    from adapters.jobs import Ticker, run_scheduler

    ledger.jobs.named(options.name)
    logging.getLogger("apscheduler").setLevel(logging.ERROR)

    def tell(ran: Ran) -> None:
        for line in _lines(ran._replace(held=())):
            speaker.note(line)

    tick = Ticker(
        ledger, stop, names=options.name, lease_s=options.lease, tell=tell,
        complain=lambda why: speaker.note(f"loyalty: {why} The next tick tries again."),
    )  # fmt: skip
    speaker.note(f"Running what is due every {options.every} s; SIGTERM or Ctrl-C ends it.")
    run_scheduler(tick, stop, options.every)
    speaker.say({"stopped": True}, ["Stopped."])
    return 0
