-- +goose Up

-- What people and other systems are told: written together with what it tells of,
-- and sent afterwards.
CREATE TABLE message (
  id bigint NOT NULL PRIMARY KEY,
  way text COLLATE "C" NOT NULL,
  recipient text COLLATE "C" NOT NULL,
  address text COLLATE "C" NOT NULL,
  subject text COLLATE "C" NOT NULL,
  content bytea NOT NULL,
  at bigint NOT NULL,
  state text COLLATE "C" NOT NULL CHECK (state IN ('waiting', 'sent', 'failed')),
  attempts bigint NOT NULL,
  next_at bigint NOT NULL,
  sent_at bigint NOT NULL,
  why text COLLATE "C" NOT NULL
);

CREATE INDEX message_waiting ON message (way, next_at) WHERE state = 'waiting';
CREATE INDEX message_recipient_id ON message (recipient, id);

-- What a recipient was told of and still waits for him.
CREATE TABLE message_told (
  recipient text COLLATE "C" NOT NULL,
  matter text COLLATE "C" NOT NULL,
  at bigint NOT NULL,
  PRIMARY KEY (recipient, matter)
);

-- How a recipient wants to be told, where he chose, and when his last digest was
-- written.
CREATE TABLE message_recipient (
  recipient text COLLATE "C" NOT NULL PRIMARY KEY,
  how text COLLATE "C" NOT NULL,
  hour text COLLATE "C" NOT NULL,
  zone text COLLATE "C" NOT NULL,
  digest_at bigint NOT NULL
);
