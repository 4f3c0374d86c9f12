-- +goose Up

-- What a program was answered under an Idempotency-Key, for a day: asked again, it
-- is answered the same, and nothing is done twice. Status 0: it is being done.
CREATE TABLE kept_answer (
  id text COLLATE "C" NOT NULL PRIMARY KEY,
  request text COLLATE "C" NOT NULL,
  status bigint NOT NULL,
  kind text COLLATE "C" NOT NULL,
  content bytea NOT NULL,
  expires_at bigint NOT NULL
);

CREATE INDEX kept_answer_age ON kept_answer (expires_at);
