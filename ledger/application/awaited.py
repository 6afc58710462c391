"""The door for asyncio: callers that wait without a thread each.

A task that is cancelled before the writer took its command leaves nothing behind; later the
command is recorded all the same, and sending it again tells its outcome.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any, cast

from ledger.application.receipts import Receipts
from ledger.commands.common import Outcome
from ledger.commands.record_receipt import RecordReceipt
from ledger.store.awaiting import Awaited as Waits
from ledger.store.awaiting import Mail
from ledger.store.writer import Command
from ledger.types import Receipt


class Awaited(Receipts):
    """Commands for callers in an event loop."""

    _mail: Mail | None = None
    """To the loop that asked last; one that comes in between gets its answers all the same."""

    async def do_async(self, command: Command) -> Outcome:
        """Decide any command of `ledger.commands`, and answer when it is durable.

        Raises:
            Busy, Closed, and what the command refuses.
        """
        loop = asyncio.get_running_loop()
        mail = self._mail  # looked at once: another loop's thread may put its own there
        if mail is None or mail.loop is not loop:
            mail = self._mail = Mail(loop)
        job = Waits(command, mail)
        self._writer.put(job)
        return cast("Outcome", await job.future)

    async def record_async(
        self, receipt: Receipt, *, history: bool = False, enrol: bool = False
    ) -> Outcome:
        """Record a receipt; see `record`.

        Raises:
            Busy, Closed, and what `record` refuses.
        """
        return await self.do_async(RecordReceipt(receipt, history, enrol))

    async def record_all_async(
        self, receipts: Iterable[Receipt], *, history: bool = False, enrol: bool = False
    ) -> list[Any]:
        """Record receipts together; see `record_all`.

        Raises:
            Busy, Closed.
        """
        later = self.record_later(receipts, history=history, enrol=enrol)
        return await asyncio.wrap_future(later)

    async def close_async(self) -> None:
        """Answer every waiting command, then let go of the store; the event loop goes on."""
        await asyncio.to_thread(self.close)

    def close(self) -> None:
        """Answer every waiting command, then let go of the store."""
        self._writer.close()
        self.log.close()
