-- What an index verifier keeps beside each head: how far it has executed the index of that log. Written
-- in the transaction that moves the head, so that both are of one size. Not in the state of a witness.

CREATE TABLE executed (
  -- SHA-256 of the origin
  id     BLOB PRIMARY KEY REFERENCES head (id),
  -- schema/index/index-state.ts
  state  BLOB NOT NULL,
  digest BLOB NOT NULL CHECK (length(digest) = 32)
) STRICT;
