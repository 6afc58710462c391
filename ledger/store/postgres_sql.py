"""The statements of the log on PostgreSQL; `postgres.py` runs them.

Each holds `{schema}`; the others where they are named. A receipt's stream begins with an event of its
own, or with the one in the member's stream that claims it: one index finds both and refuses a second.
"""

from __future__ import annotations

from ledger.store.leaf import LEAF_SQL

BEGUN = "coalesce(claims, originator_id)"
BEGINS = (
    "(claims IS NOT NULL OR (originator_version = 1"
    " AND originator_id >= {first_receipt} AND originator_id < {no_receipt}))"
)
"""Rows with which a receipt's stream begins, and that stream: as the index has them, or it is of no use."""

TABLES = (
    """
CREATE SCHEMA IF NOT EXISTS {schema};
CREATE TABLE IF NOT EXISTS {schema}.stored_events (
  notification_id bigint NOT NULL CHECK (notification_id > 0),
  recorded_at bigint NOT NULL,
  written_at bigint NOT NULL,
  originator_version integer NOT NULL,
  originator_id uuid NOT NULL,
  topic text COLLATE "C" NOT NULL,
  leaf_hash bytea NOT NULL,
  state bytea NOT NULL,
  claims uuid,
  PRIMARY KEY (originator_id, originator_version)
) WITH (autovacuum_vacuum_insert_scale_factor = 0.5);
ALTER TABLE {schema}.stored_events ALTER COLUMN state SET STORAGE EXTERNAL;
CREATE UNIQUE INDEX IF NOT EXISTS stored_events_position ON {schema}.stored_events (notification_id);
CREATE UNIQUE INDEX IF NOT EXISTS stored_events_begins
  ON {schema}.stored_events (("""
    + BEGUN
    + """)) WHERE """
    + BEGINS
    + """;
CREATE TABLE IF NOT EXISTS {schema}.stored_snapshots (
  originator_id uuid PRIMARY KEY,
  originator_version integer NOT NULL,
  topic text NOT NULL,
  state bytea NOT NULL
);
CREATE TABLE IF NOT EXISTS {schema}.personal_keys (
  originator_id uuid PRIMARY KEY,
  key bytea NOT NULL,
  birthday smallint NOT NULL
);
CREATE INDEX IF NOT EXISTS personal_keys_birthday
  ON {schema}.personal_keys (birthday, originator_id) WHERE birthday > 0;
CREATE TABLE IF NOT EXISTS {schema}.access_log (
  number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  at bigint NOT NULL,
  key text NOT NULL,
  holder text NOT NULL,
  role text NOT NULL,
  operation text NOT NULL,
  subject bytea NOT NULL,
  store text NOT NULL,
  code text NOT NULL
);
CREATE TABLE IF NOT EXISTS {schema}.log_settings (name text PRIMARY KEY, value text NOT NULL);
CREATE TABLE IF NOT EXISTS {schema}.log_marks (name text PRIMARY KEY, value text NOT NULL);
COMMENT ON TABLE {schema}.stored_events IS 'The log: one row an event, never changed';
COMMENT ON COLUMN {schema}.stored_events.notification_id IS 'Position and leaf index: from 1, without gaps';
COMMENT ON COLUMN {schema}.stored_events.claims IS 'The stream of a receipt that begins with this event';
COMMENT ON COLUMN {schema}.stored_events.recorded_at IS 'The ledger''s time, epoch seconds';
COMMENT ON COLUMN {schema}.stored_events.written_at IS 'Wall time, microseconds since the epoch';
"""
)  # fmt: skip

AS_NOW = (
    "SELECT attname FROM pg_attribute WHERE attname = %b"
    " AND attrelid = to_regclass('{schema}.stored_events')"
    " AND to_regclass('{schema}.access_log') IS NOT NULL"
)
PUT_SEEN = (
    "INSERT INTO {schema}.access_log (at, key, holder, role, operation, subject, store, code)"
    " SELECT * FROM unnest(%b::int8[], %b::text[], %b::text[], %b::text[], %b::text[],"
    " %b::bytea[], %b::text[], %b::text[])"
)
SEEN = (
    "SELECT number, at, key, holder, role, operation, subject, store, code"
    " FROM {schema}.access_log WHERE number > %b ORDER BY number LIMIT %b"
)
RENEW = """
ALTER TABLE {schema}.stored_events ADD COLUMN IF NOT EXISTS claims uuid;
DROP FUNCTION IF EXISTS {schema}.load_streams(bytea[], text, bigint);
DROP FUNCTION IF EXISTS {schema}.append_events(
  bigint, uuid[], integer[], text[], bigint[], bytea[], bigint);
"""

FUNCTION = (
    """
CREATE OR REPLACE FUNCTION {schema}.append_events(
  lock bigint, streams uuid[], versions integer[], topics text[], recorded bigint[],
  states bytea[], claimed uuid[], written bigint
) RETURNS bigint LANGUAGE plpgsql VOLATILE {index_scans} AS $body$
DECLARE base bigint;
BEGIN
  PERFORM pg_advisory_xact_lock(lock);
  SELECT coalesce(max(notification_id), 0) INTO base FROM {schema}.stored_events;
  INSERT INTO {schema}.stored_events (notification_id, recorded_at, written_at,
    originator_version, originator_id, topic, leaf_hash, state, claims)
  SELECT base + u.n, u.recorded, written, u.version, u.stream, u.topic,
    """
    + LEAF_SQL.format(
        index="(base + u.n)", stream="uuid_send(u.stream)", version="u.version::bigint", topic="u.topic",
        recorded_at="u.recorded", written_at="written", state="u.state", claims="u.claims",
    )
    + """,
    u.state, u.claims
  FROM unnest(streams, versions, topics, recorded, states, claimed)
    WITH ORDINALITY AS u(stream, version, topic, recorded, state, claims, n)
  ORDER BY u.n;
  PERFORM pg_notify({channel}, (base + cardinality(streams))::text);
  RETURN base + 1;
END $body$;
"""
)  # fmt: skip

APPEND = (
    "SELECT {schema}.append_events(%b, %b::uuid[], %b::int4[], %b::text[], %b::int8[], %b::bytea[],"
    " %b::uuid[], %b)"
)

APPEND_PREPARED = "SELECT {schema}.append_events($1, $2, $3, $4, $5, $6, $7, $8)"

LOAD_FUNCTION = """
CREATE OR REPLACE FUNCTION {schema}.load_streams(wanted bytea[], shape text, since bigint)
RETURNS TABLE (kind integer, stream bytea, number bigint, name text, bytes bytea, by bytea)
LANGUAGE plpgsql STABLE {index_scans} AS $body$
BEGIN
  RETURN QUERY
  WITH w AS MATERIALIZED (SELECT encode(u, 'hex')::uuid AS id FROM unnest(wanted) u)
  SELECT 0, NULL::bytea, coalesce(max(notification_id), 0), NULL::text, NULL::bytea, NULL::bytea
    FROM {schema}.stored_events
  UNION ALL
  SELECT 1, uuid_send(s.originator_id), s.originator_version::bigint, s.topic, s.state, NULL
    FROM w JOIN {schema}.stored_snapshots s ON s.originator_id = w.id AND s.topic = shape
  UNION ALL
  SELECT 2, uuid_send(e.originator_id), e.originator_version::bigint, NULL, NULL, NULL
    FROM (SELECT max(notification_id) AS head FROM {schema}.stored_events) h
    JOIN {schema}.stored_events e ON e.notification_id > since
    WHERE h.head - since <= {changes_told}
  UNION ALL
  SELECT 3, uuid_send(w.id), e.originator_version::bigint, e.topic, e.state,
      uuid_send(e.originator_id)
    FROM w JOIN {schema}.stored_events e
      ON coalesce(e.claims, e.originator_id) = w.id AND e.claims IS NOT NULL
    WHERE w.id >= {first_receipt} AND w.id < {no_receipt}
  UNION ALL
  SELECT 4, uuid_send(e.originator_id), e.originator_version::bigint, e.topic, e.state, NULL
    FROM w
    LEFT JOIN {schema}.stored_snapshots s ON s.originator_id = w.id AND s.topic = shape
    JOIN {schema}.stored_events e ON e.originator_id = w.id
      AND e.originator_version > coalesce(s.originator_version, 0)
  ORDER BY 1, 2, 3;
END $body$;
"""

# Plans are kept for as long as a connection, and one made while the log is small would go on
# reading all of it for every batch: in these functions only an index will do. Left to itself the
# server may also choose to plan, or even to compile, at every call, which costs as much as the call.
INDEX_SCANS = (
    "SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off"
    " SET plan_cache_mode = force_generic_plan SET jit = off"
)

LOAD = "SELECT kind, stream, number, name, bytes, by FROM {schema}.load_streams($1, $2, $3)"
COLUMNS = "notification_id, uuid_send(originator_id), originator_version, topic, state, recorded_at"
PAGE = (
    f"SELECT {COLUMNS} FROM {{schema}}.stored_events WHERE notification_id > %b"
    " ORDER BY notification_id LIMIT %b"
)
READ = (
    "SELECT notification_id, uuid_send(originator_id), originator_version,"
    " convert_to(topic, 'UTF8'), state, recorded_at, written_at, leaf_hash, uuid_send(claims)"
    " FROM {schema}.stored_events WHERE notification_id > %b ORDER BY notification_id LIMIT %b"
)
BROKEN = (
    "SELECT uuid_send(originator_id) FROM {schema}.stored_events e GROUP BY originator_id"
    " HAVING (max(originator_version) <> count(*) OR min(originator_version) <> 1)"
    " AND NOT (min(originator_version) = 2 AND max(originator_version) = count(*) + 1"
    " AND EXISTS (SELECT FROM {schema}.stored_events"
    f" WHERE {BEGUN} = e.originator_id AND claims IS NOT NULL))"
    f" UNION ALL SELECT uuid_send({BEGUN}) FROM {{schema}}.stored_events WHERE {BEGINS}"
    f" GROUP BY {BEGUN} HAVING count(*) > 1 LIMIT %b"
)
RECEIPTS = (
    f"SELECT uuid_send({BEGUN}) FROM {{schema}}.stored_events WHERE {BEGINS}"
    f" AND {BEGUN} > encode(%b, 'hex')::uuid ORDER BY {BEGUN} LIMIT %b"
)
KEEP = (
    "INSERT INTO {schema}.personal_keys SELECT encode(u.s, 'hex')::uuid, u.k, u.b"
    " FROM unnest(%b::bytea[], %b::bytea[], %b::int2[]) AS u(s, k, b) ORDER BY 1"
    " ON CONFLICT (originator_id) DO UPDATE SET birthday = excluded.birthday"
    " WHERE excluded.birthday >= 0"
)
DESTROY = "DELETE FROM {schema}.personal_keys WHERE originator_id = ANY (%b::uuid[])"
BORN_ON = (
    "SELECT uuid_send(originator_id) FROM {schema}.personal_keys WHERE birthday > 0"
    " AND birthday = ANY (%b::int2[]) AND originator_id > encode(%b, 'hex')::uuid"
    " ORDER BY originator_id LIMIT %b"
)
MARK = "SELECT value FROM {schema}.log_marks WHERE name = %s"
PUT_MARK = (
    "INSERT INTO {schema}.log_marks VALUES (%b, %b)"
    " ON CONFLICT (name) DO UPDATE SET value = excluded.value"
)
FORGET_MARK = "DELETE FROM {schema}.log_marks WHERE name = %b"
STREAMS = (
    "SELECT uuid_send(originator_id), originator_version, notification_id, topic, state"
    " FROM {schema}.stored_events"
    " WHERE (originator_id, originator_version) > (encode(%b, 'hex')::uuid, %b::integer)"
    " AND originator_id < encode(%b, 'hex')::uuid"
    " ORDER BY originator_id, originator_version LIMIT %b"
)
