-- What a witness has cosigned: one row for each log, the newest. Read and written by state.ts,
-- which says what must never happen (W1). The triggers say it once more, to whoever writes here.

CREATE TABLE meta (
  one    INTEGER PRIMARY KEY CHECK (one = 1),
  format INTEGER NOT NULL,
  -- Verifier keys of the witness, one a line: whose promises these are.
  vkeys  TEXT NOT NULL,
  digest BLOB NOT NULL CHECK (length(digest) = 32)
) STRICT;

CREATE TABLE head (
  -- SHA-256 of the origin
  id     BLOB PRIMARY KEY CHECK (length(id) = 32),
  origin TEXT NOT NULL,
  size   INTEGER NOT NULL CHECK (size >= 0),
  root   BLOB NOT NULL CHECK (length(root) = 32),
  -- Seconds since 1970, as they stand in the newest cosignature.
  time   INTEGER NOT NULL CHECK (time > 0),
  -- The checkpoint with the signatures of its log.
  note   BLOB NOT NULL,
  digest BLOB NOT NULL CHECK (length(digest) = 32)
) STRICT;

CREATE TRIGGER never_back BEFORE UPDATE ON head
WHEN NEW.id IS NOT OLD.id
  OR NEW.size < OLD.size
  OR (NEW.size = OLD.size AND NEW.root IS NOT OLD.root)
  OR NEW.time < OLD.time
BEGIN
  SELECT RAISE(ABORT, 'W1: a head never goes back and never gets another root');
END;

CREATE TRIGGER never_forgotten BEFORE DELETE ON head
BEGIN
  SELECT RAISE(ABORT, 'W1: a head that was cosigned is never forgotten');
END;
