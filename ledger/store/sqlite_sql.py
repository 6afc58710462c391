"""The statements of the log on SQLite; `sqlite.py` runs them.

A receipt's stream begins with an event of its own, or with the one in the member's stream that claims
it: one index finds both and refuses a second.
"""

from __future__ import annotations

from ledger.store.keys import RECEIPT

INSERT = "INSERT INTO stored_events VALUES (?,?,?,?,?,?,?,?,?)"
KEEP = (
    "INSERT INTO personal_keys VALUES (?,?,?) ON CONFLICT (originator_id)"
    " DO UPDATE SET birthday = excluded.birthday WHERE excluded.birthday >= 0"
)
PAGE = (
    "SELECT notification_id, originator_id, originator_version, topic, state, recorded_at"
    " FROM stored_events WHERE notification_id > ? ORDER BY notification_id LIMIT ?"
)
# SQLite lets a column hold any type: what is not of its own becomes NULL here, for the auditor.
READ = (
    "SELECT notification_id,"
    " CASE typeof(originator_id) WHEN 'blob' THEN originator_id END, originator_version,"
    " CASE typeof(topic) WHEN 'text' THEN CAST(topic AS BLOB) END,"
    " CASE typeof(state) WHEN 'blob' THEN state END, recorded_at, written_at,"
    " CASE typeof(leaf_hash) WHEN 'blob' THEN leaf_hash END,"
    " CASE typeof(claims) WHEN 'null' THEN NULL WHEN 'blob' THEN claims ELSE x'00' END"
    " FROM stored_events WHERE notification_id > ? ORDER BY notification_id LIMIT ?"
)
RECEIPTS = (f"x'{bytes([RECEIPT]).hex()}'", f"x'{bytes([RECEIPT + 1]).hex()}'")
BEGUN = "coalesce(claims, originator_id)"
BEGINS = (
    "claims IS NOT NULL OR (originator_version = 1"
    f" AND originator_id >= {RECEIPTS[0]} AND originator_id < {RECEIPTS[1]})"
)
BEGINS_INDEX = (
    f"CREATE UNIQUE INDEX IF NOT EXISTS stored_events_begins ON stored_events ({BEGUN})"
    f" WHERE {BEGINS}"
)
ACCESS_LOG = (
    "CREATE TABLE IF NOT EXISTS access_log (number INTEGER PRIMARY KEY AUTOINCREMENT,"
    " at INTEGER NOT NULL, key TEXT NOT NULL, holder TEXT NOT NULL, role TEXT NOT NULL,"
    " operation TEXT NOT NULL, subject BLOB NOT NULL, store TEXT NOT NULL, code TEXT NOT NULL)"
)
HAS_TABLE = "SELECT name FROM sqlite_master WHERE type = 'table' AND name = ?"
HAS_COLUMN = "SELECT name FROM pragma_table_info('stored_events') WHERE name = ?"
BROKEN = (
    "SELECT originator_id FROM stored_events e GROUP BY originator_id"
    " HAVING (max(originator_version) <> count(*) OR min(originator_version) <> 1)"
    " AND NOT (min(originator_version) = 2 AND max(originator_version) = count(*) + 1"
    f" AND EXISTS (SELECT 1 FROM stored_events WHERE {BEGUN} = e.originator_id"
    " AND claims IS NOT NULL))"
    f" UNION ALL SELECT {BEGUN} FROM stored_events WHERE {BEGINS}"
    " GROUP BY 1 HAVING count(*) > 1 LIMIT ?"
)
TABLES = (
    "CREATE TABLE IF NOT EXISTS stored_events ("
    "notification_id INTEGER PRIMARY KEY CHECK (notification_id > 0), originator_id BLOB NOT NULL,"
    " originator_version INTEGER NOT NULL, topic TEXT NOT NULL, recorded_at INTEGER NOT NULL,"
    " written_at INTEGER NOT NULL, leaf_hash BLOB NOT NULL, state BLOB NOT NULL, claims BLOB)",
    "CREATE UNIQUE INDEX IF NOT EXISTS stored_events_by_stream"
    " ON stored_events (originator_id, originator_version)",
    BEGINS_INDEX,
    "CREATE TABLE IF NOT EXISTS stored_snapshots ("
    "originator_id BLOB PRIMARY KEY, originator_version INTEGER NOT NULL, topic TEXT NOT NULL,"
    " state BLOB NOT NULL) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS personal_keys ("
    "originator_id BLOB PRIMARY KEY, key BLOB NOT NULL, birthday INTEGER NOT NULL) WITHOUT ROWID",
    "CREATE INDEX IF NOT EXISTS personal_keys_birthday"
    " ON personal_keys (birthday, originator_id) WHERE birthday > 0",
    ACCESS_LOG,
    "CREATE TABLE IF NOT EXISTS log_settings (name TEXT PRIMARY KEY, value TEXT NOT NULL)",
    "CREATE TABLE IF NOT EXISTS log_marks (name TEXT PRIMARY KEY, value TEXT NOT NULL)",
)
