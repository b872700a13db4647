-- The index beside a log: what can be rebuilt from the log, but for which heads were indexed, and
-- those stand in the index log. Keys are hashes, so rows come at random places.

CREATE TABLE meta (
  one    INTEGER PRIMARY KEY CHECK (one = 1),
  format INTEGER NOT NULL,
  origin TEXT NOT NULL,
  mapfn  BLOB NOT NULL
) STRICT;

-- One row for each leaf of the index log that is in these tables: its bytes, the right edge of the
-- postings tree behind it, the signed main checkpoint, and the update that leads to it.
CREATE TABLE leaf (
  idx    INTEGER PRIMARY KEY,
  bytes  BLOB NOT NULL,
  edge   BLOB NOT NULL,
  main   BLOB NOT NULL,
  step   BLOB NOT NULL
) STRICT;

-- Which entries post a key, and what they claim under it. Never changed, only added to.
CREATE TABLE posting (
  key   BLOB NOT NULL,
  idx   INTEGER NOT NULL,
  claim BLOB,
  PRIMARY KEY (key, idx)
) STRICT, WITHOUT ROWID;

-- Records of keys with a long list; those of others are made from their postings.
CREATE TABLE record (
  key       BLOB PRIMARY KEY,
  n         INTEGER NOT NULL,
  last      INTEGER NOT NULL,
  edge      BLOB NOT NULL,
  vals      BLOB NOT NULL,
  saturated INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
