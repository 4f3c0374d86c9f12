-- +goose Up

-- What people and other systems are told: written together with what it tells of,
-- and sent afterwards.
CREATE TABLE message (
  id        INTEGER NOT NULL PRIMARY KEY,
  way       TEXT    NOT NULL,
  recipient TEXT    NOT NULL,
  address   TEXT    NOT NULL,
  subject   TEXT    NOT NULL,
  content   BLOB    NOT NULL,
  at        INTEGER NOT NULL,
  state     TEXT    NOT NULL CHECK (state IN ('waiting', 'sent', 'failed')),
  attempts  INTEGER NOT NULL,
  next_at   INTEGER NOT NULL,
  sent_at   INTEGER NOT NULL,
  why       TEXT    NOT NULL
) STRICT;

CREATE INDEX message_waiting ON message (way, next_at) WHERE state = 'waiting';
CREATE INDEX message_recipient_id ON message (recipient, id);

-- What a recipient was told of and still waits for him.
CREATE TABLE message_told (
  recipient TEXT    NOT NULL,
  matter    TEXT    NOT NULL,
  at        INTEGER NOT NULL,
  PRIMARY KEY (recipient, matter)
) STRICT, WITHOUT ROWID;

-- How a recipient wants to be told, where he chose, and when his last digest was
-- written.
CREATE TABLE message_recipient (
  recipient TEXT    NOT NULL PRIMARY KEY,
  how       TEXT    NOT NULL,
  hour      TEXT    NOT NULL,
  zone      TEXT    NOT NULL,
  digest_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
