-- +goose Up

-- What servers do and did: jobs, each time that one is begun. The content is a
-- document: steps, log, who asked. touched_at is when anything of it was written.
CREATE TABLE job_run (
  id         INTEGER NOT NULL PRIMARY KEY,
  job        TEXT NOT NULL,
  connector  TEXT NOT NULL,
  state      TEXT NOT NULL CHECK (state IN ('waiting', 'running', 'done', 'failed', 'aborted')),
  attempt    INTEGER NOT NULL,
  at         INTEGER NOT NULL,
  not_before INTEGER NOT NULL,
  began_at   INTEGER NOT NULL,
  ended_at   INTEGER NOT NULL,
  abort      INTEGER NOT NULL,
  touched_at INTEGER NOT NULL,
  content    TEXT NOT NULL
) STRICT;

-- The same job of the same connector is open once.
CREATE UNIQUE INDEX job_run_open ON job_run (job, connector) WHERE state IN ('waiting', 'running');
CREATE INDEX job_run_touched ON job_run (touched_at);
CREATE INDEX job_run_of ON job_run (job, connector, id);

-- What was due to the rounds of before: a server begins them anew.
DELETE FROM due WHERE what = 'round';
