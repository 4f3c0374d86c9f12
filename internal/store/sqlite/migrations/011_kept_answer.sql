-- +goose Up

-- What a program was answered under an Idempotency-Key, for a day: asked again, it
-- is answered the same, and nothing is done twice. Status 0: it is being done.
CREATE TABLE kept_answer (
  id         TEXT    NOT NULL PRIMARY KEY,
  request    TEXT    NOT NULL,
  status     INTEGER NOT NULL,
  kind       TEXT    NOT NULL,
  content    BLOB    NOT NULL,
  expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX kept_answer_age ON kept_answer (expires_at);
