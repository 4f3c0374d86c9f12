-- +goose Up

-- Sealed: a copy of the database reveals names and lengths, no value.
CREATE TABLE secret (
  name text COLLATE "C" NOT NULL PRIMARY KEY,
  version bigint NOT NULL,
  wrapped_key text COLLATE "C" NOT NULL,
  sealed text COLLATE "C" NOT NULL,
  set_at bigint NOT NULL,
  set_by text COLLATE "C" NOT NULL
);
