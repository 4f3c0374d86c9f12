-- +goose Up

-- What servers do and did: jobs, each time that one is begun. The content is a
-- document: steps, log, who asked. touched_at is when anything of it was written.
CREATE TABLE job_run (
  id bigint NOT NULL PRIMARY KEY,
  job text COLLATE "C" NOT NULL,
  connector text COLLATE "C" NOT NULL,
  state text COLLATE "C" NOT NULL CHECK (state IN ('waiting', 'running', 'done', 'failed', 'aborted')),
  attempt bigint NOT NULL,
  at bigint NOT NULL,
  not_before bigint NOT NULL,
  began_at bigint NOT NULL,
  ended_at bigint NOT NULL,
  abort bigint NOT NULL,
  touched_at bigint NOT NULL,
  content text COLLATE "C" NOT NULL
);

-- The same job of the same connector is open once.
CREATE UNIQUE INDEX job_run_open ON job_run (job, connector) WHERE state IN ('waiting', 'running');
CREATE INDEX job_run_touched ON job_run (touched_at);
CREATE INDEX job_run_of ON job_run (job, connector, id);

-- What was due to the rounds of before: a server begins them anew.
DELETE FROM due WHERE what = 'round';
