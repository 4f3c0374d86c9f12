-- +goose Up

-- Sealed: a copy of the database reveals names and lengths, no value.
CREATE TABLE secret (
  name        TEXT    NOT NULL PRIMARY KEY,
  version     INTEGER NOT NULL,
  wrapped_key TEXT    NOT NULL,
  sealed      TEXT    NOT NULL,
  set_at      INTEGER NOT NULL,
  set_by      TEXT    NOT NULL
) STRICT, WITHOUT ROWID;
