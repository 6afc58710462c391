"""Watching folders: each file that is dropped there is taken in once and put away.

A file is taken out of its folder by a rename before it is read, so nobody can put another in its
place meanwhile. It is put away once all of it is durable in the log. A spool that was killed goes
on with what it had taken out.
"""

from __future__ import annotations

from adapters.spool.folder import Folder
from adapters.spool.looking import Spool
from adapters.spool.taking import Taken, Taker

__all__ = ["Folder", "Spool", "Taken", "Taker"]
