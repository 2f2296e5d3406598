-- The decision log and what a restart needs, version 1.
--
-- log and payload are append-only: every UPDATE and DELETE is refused, except
-- that the body of a row may be dropped once it was exported (the row itself,
-- its hash and the hash of its body stay for ever). Enumerations are stored
-- by name, so that a row means the same to every version that reads it.

CREATE TABLE meta (
	key TEXT PRIMARY KEY,
	value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE log (
	seq INTEGER PRIMARY KEY,
	time INTEGER NOT NULL,
	kind TEXT NOT NULL,
	action_id TEXT,
	session TEXT,
	uid INTEGER NOT NULL,
	tool TEXT,
	decision TEXT,
	decided_by TEXT,
	rule TEXT,
	action_sha256 BLOB,
	policy_sha256 BLOB,
	body_sha256 BLOB NOT NULL,
	hash BLOB NOT NULL
) STRICT;

CREATE INDEX log_action ON log (action_id) WHERE action_id IS NOT NULL;

CREATE TABLE payload (
	seq INTEGER PRIMARY KEY,
	body BLOB NOT NULL
) STRICT;

-- With recursive_triggers, which every connection of ours sets, INSERT OR
-- REPLACE meets these too. An insert itself has no trigger: it would cost a
-- third of the time of a row, and the chain tells a row in the wrong place.
CREATE TRIGGER log_update BEFORE UPDATE ON log
BEGIN
	SELECT RAISE(ABORT, 'the log is append-only');
END;

CREATE TRIGGER log_delete BEFORE DELETE ON log
BEGIN
	SELECT RAISE(ABORT, 'the log is append-only');
END;

CREATE TRIGGER payload_update BEFORE UPDATE ON payload
BEGIN
	SELECT RAISE(ABORT, 'the log is append-only');
END;

CREATE TRIGGER payload_delete BEFORE DELETE ON payload
WHEN old.seq > coalesce((SELECT CAST(value AS INTEGER) FROM meta
    WHERE key = 'bodies_exported'), 0)
BEGIN
	SELECT RAISE(ABORT, 'a body that was not exported stays');
END;

-- The peaks of the Merkle tree over the first size rows: where a start takes
-- up the chain, so that it does not read the whole log.
CREATE TABLE tree (
	id INTEGER PRIMARY KEY CHECK (id = 1),
	size INTEGER NOT NULL,
	peaks BLOB NOT NULL
) STRICT;

-- Actions that a restart must find again; not part of the chain.
CREATE TABLE actions (
	n INTEGER PRIMARY KEY,
	id TEXT NOT NULL UNIQUE,
	stage TEXT NOT NULL,
	uid INTEGER NOT NULL,
	idempotency_key TEXT,
	deadline INTEGER NOT NULL,
	state BLOB NOT NULL,
	record BLOB NOT NULL
) STRICT;

CREATE UNIQUE INDEX actions_key ON actions (uid, idempotency_key)
WHERE idempotency_key IS NOT NULL;

-- What each_open walks over: also approvals that wait to be used.
CREATE INDEX actions_open ON actions (n)
WHERE stage IN ('pending', 'running') OR (stage = 'decided' AND deadline <> 0);
