-- +goose Up

-- What people ask for about roles, and what was said in each approval step.
CREATE TABLE request (
  id         INTEGER NOT NULL PRIMARY KEY,
  owner_type TEXT    NOT NULL,
  owner_key  TEXT    NOT NULL,
  role       TEXT    NOT NULL,
  action     TEXT    NOT NULL,
  parameters TEXT    NOT NULL,
  from_at    INTEGER NOT NULL,
  to_at      INTEGER NOT NULL,
  why        TEXT    NOT NULL,
  actor      TEXT    NOT NULL,
  at         INTEGER NOT NULL,
  workflow   INTEGER NOT NULL CHECK (workflow IN (2, 4, 8, 9, 10, 11, 12, 13, 16, 17, 19, 20)),
  since_at   INTEGER NOT NULL,
  remarks    TEXT    NOT NULL,
  stuck      TEXT    NOT NULL,
  version    INTEGER NOT NULL CHECK (version > 0)
) STRICT;

-- At most one open request for one way of having a role.
CREATE UNIQUE INDEX request_open ON request (owner_type, owner_key, role, parameters)
  WHERE workflow IN (2, 4, 8, 9, 10, 11, 12, 13);
CREATE INDEX request_owner ON request (owner_type, owner_key, id);
CREATE INDEX request_stuck ON request (id) WHERE stuck <> '' AND workflow IN (2, 4, 8, 9, 10, 11, 12, 13);

CREATE TABLE request_step (
  request INTEGER NOT NULL REFERENCES request (id),
  step    INTEGER NOT NULL,
  actor   TEXT    NOT NULL,
  at      INTEGER NOT NULL,
  approve INTEGER NOT NULL,
  why     TEXT    NOT NULL,
  how     TEXT    NOT NULL,
  PRIMARY KEY (request, step)
) STRICT, WITHOUT ROWID;

-- Nobody decides two steps of one request.
CREATE UNIQUE INDEX request_step_once ON request_step (request, actor) WHERE how = 'reviewer';

-- For whom an open request waits.
CREATE TABLE request_reviewer (
  person  TEXT    NOT NULL,
  request INTEGER NOT NULL REFERENCES request (id),
  seat    TEXT    NOT NULL,
  PRIMARY KEY (person, request)
) STRICT, WITHOUT ROWID;

CREATE INDEX request_reviewer_request ON request_reviewer (request);

-- Since when each automation rule is deployed: before that no time counts.
CREATE TABLE automation_rule (
  mark     TEXT    NOT NULL PRIMARY KEY,
  since_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- How long a role has stood in its workflow state.
CREATE TABLE assigned_role_before AS SELECT * FROM assigned_role;
DROP TABLE assigned_role;

CREATE TABLE assigned_role (
  owner_type TEXT    NOT NULL,
  owner_key  TEXT    NOT NULL,
  role       TEXT    NOT NULL,
  parameters TEXT    NOT NULL,
  workflow   INTEGER NOT NULL,
  from_at    INTEGER NOT NULL,
  to_at      INTEGER NOT NULL,
  reasons    TEXT    NOT NULL,
  since_at   INTEGER NOT NULL,
  PRIMARY KEY (owner_type, owner_key, role, parameters)
) STRICT, WITHOUT ROWID;

CREATE INDEX assigned_role_role ON assigned_role (role, owner_type, owner_key);

INSERT INTO assigned_role (owner_type, owner_key, role, parameters, workflow, from_at, to_at, reasons, since_at)
  SELECT owner_type, owner_key, role, parameters, workflow, from_at, to_at, reasons, 0 FROM assigned_role_before;
DROP TABLE assigned_role_before;
