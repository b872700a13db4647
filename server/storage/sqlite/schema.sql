-- Format 1 of the store. Leaves, contents and key objects are the truth; leaf_hash and tile are
-- derived from the leaves, and fsck can write them anew.

CREATE TABLE meta (
  one      INTEGER PRIMARY KEY CHECK (one = 1),
  format   INTEGER NOT NULL,
  database BLOB NOT NULL,   -- 16 random bytes; the head guard carries the same
  origin   TEXT NOT NULL,
  digest   BLOB NOT NULL    -- SHA-256 over the other columns: nothing else would show a flipped bit
) STRICT;

CREATE TABLE head (
  one        INTEGER PRIMARY KEY CHECK (one = 1),
  size       INTEGER NOT NULL,
  root       BLOB NOT NULL,
  epoch      INTEGER NOT NULL,
  checkpoint BLOB NOT NULL,
  digest     BLOB NOT NULL
) STRICT;

CREATE TABLE leaf (
  idx     INTEGER PRIMARY KEY,
  content INTEGER,          -- content.id; NULL where the content was never held, for ever
  bytes   BLOB NOT NULL
) STRICT;

-- All 32 bytes: a shortened key would let somebody search for a collision and get a receipt
-- for an entry that is not logged.
CREATE TABLE leaf_hash (
  hash BLOB PRIMARY KEY,
  idx  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE content (
  id    INTEGER PRIMARY KEY,
  bytes BLOB                -- NULL once erased
) STRICT;

CREATE TABLE content_digest (
  digest BLOB PRIMARY KEY,
  id     INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE key_object (
  id     INTEGER PRIMARY KEY,
  digest BLOB NOT NULL UNIQUE,
  bytes  BLOB NOT NULL
) STRICT;

CREATE TABLE tile (
  level  INTEGER NOT NULL,
  n      INTEGER NOT NULL,
  hashes BLOB NOT NULL,     -- 1 to 256 hashes; grows, and what is there never changes
  PRIMARY KEY (level, n)
) STRICT, WITHOUT ROWID;
