-- +goose Up

-- By what people and programs sign in. The password is a hash; a session and a
-- token of an older epoch are void.
CREATE TABLE account (
  name        TEXT    NOT NULL PRIMARY KEY,
  person_type TEXT    NOT NULL,
  person_key  TEXT    NOT NULL,
  hash        TEXT    NOT NULL,
  issuer      TEXT    NOT NULL,
  subject     TEXT    NOT NULL,
  epoch       INTEGER NOT NULL,
  disabled_at INTEGER NOT NULL,
  at          INTEGER NOT NULL,
  actor       TEXT    NOT NULL
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX account_subject ON account (issuer, subject) WHERE subject <> '';

-- Who has which profile: an account (holder_type is empty) or a person.
CREATE TABLE profile_assignment (
  id             INTEGER NOT NULL PRIMARY KEY,
  holder_type    TEXT    NOT NULL,
  holder_key     TEXT    NOT NULL,
  profile        TEXT    NOT NULL,
  scope          TEXT    NOT NULL,
  how            TEXT    NOT NULL,
  from_at        INTEGER NOT NULL,
  to_at          INTEGER NOT NULL,
  delegator_type TEXT    NOT NULL,
  delegator_key  TEXT    NOT NULL,
  actor          TEXT    NOT NULL,
  at             INTEGER NOT NULL,
  why            TEXT    NOT NULL,
  revoked_at     INTEGER NOT NULL
) STRICT;

CREATE INDEX profile_assignment_holder ON profile_assignment (holder_type, holder_key, id);

-- Who is signed in in a browser, under the hash of what the browser holds.
CREATE TABLE session (
  hash       TEXT    NOT NULL PRIMARY KEY,
  content    BLOB    NOT NULL,
  expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX session_age ON session (expires_at);

-- What programs show, as a hash.
CREATE TABLE api_token (
  id         INTEGER NOT NULL PRIMARY KEY,
  hash       TEXT    NOT NULL UNIQUE,
  account    TEXT    NOT NULL,
  name       TEXT    NOT NULL,
  epoch      INTEGER NOT NULL,
  at         INTEGER NOT NULL,
  actor      TEXT    NOT NULL,
  expires_at INTEGER NOT NULL,
  used_at    INTEGER NOT NULL,
  revoked_at INTEGER NOT NULL
) STRICT;

CREATE INDEX api_token_account ON api_token (account, id);

-- The one-time link by which the first account is made, as a hash.
CREATE TABLE first_link (
  id         INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
  hash       TEXT    NOT NULL,
  expires_at INTEGER NOT NULL
) STRICT;
