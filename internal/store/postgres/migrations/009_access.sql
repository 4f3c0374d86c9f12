-- +goose Up

-- By what people and programs sign in. The password is a hash; a session and a
-- token of an older epoch are void.
CREATE TABLE account (
  name text COLLATE "C" NOT NULL PRIMARY KEY,
  person_type text COLLATE "C" NOT NULL,
  person_key text COLLATE "C" NOT NULL,
  hash text COLLATE "C" NOT NULL,
  issuer text COLLATE "C" NOT NULL,
  subject text COLLATE "C" NOT NULL,
  epoch bigint NOT NULL,
  disabled_at bigint NOT NULL,
  at bigint NOT NULL,
  actor text COLLATE "C" NOT NULL
);

CREATE UNIQUE INDEX account_subject ON account (issuer, subject) WHERE subject <> '';

-- Who has which profile: an account (holder_type is empty) or a person.
CREATE TABLE profile_assignment (
  id bigint NOT NULL PRIMARY KEY,
  holder_type text COLLATE "C" NOT NULL,
  holder_key text COLLATE "C" NOT NULL,
  profile text COLLATE "C" NOT NULL,
  scope text COLLATE "C" NOT NULL,
  how text COLLATE "C" NOT NULL,
  from_at bigint NOT NULL,
  to_at bigint NOT NULL,
  delegator_type text COLLATE "C" NOT NULL,
  delegator_key text COLLATE "C" NOT NULL,
  actor text COLLATE "C" NOT NULL,
  at bigint NOT NULL,
  why text COLLATE "C" NOT NULL,
  revoked_at bigint NOT NULL
);

CREATE INDEX profile_assignment_holder ON profile_assignment (holder_type, holder_key, id);

-- Who is signed in in a browser, under the hash of what the browser holds.
CREATE TABLE session (
  hash text COLLATE "C" NOT NULL PRIMARY KEY,
  content bytea NOT NULL,
  expires_at bigint NOT NULL
);

CREATE INDEX session_age ON session (expires_at);

-- What programs show, as a hash.
CREATE TABLE api_token (
  id bigint NOT NULL PRIMARY KEY,
  hash text COLLATE "C" NOT NULL UNIQUE,
  account text COLLATE "C" NOT NULL,
  name text COLLATE "C" NOT NULL,
  epoch bigint NOT NULL,
  at bigint NOT NULL,
  actor text COLLATE "C" NOT NULL,
  expires_at bigint NOT NULL,
  used_at bigint NOT NULL,
  revoked_at bigint NOT NULL
);

CREATE INDEX api_token_account ON api_token (account, id);

-- The one-time link by which the first account is made, as a hash.
CREATE TABLE first_link (
  id bigint NOT NULL PRIMARY KEY CHECK (id = 1),
  hash text COLLATE "C" NOT NULL,
  expires_at bigint NOT NULL
);
