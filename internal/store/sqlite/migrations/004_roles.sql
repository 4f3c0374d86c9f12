-- +goose Up

-- Roles are had with parameters: the same role more than once.
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
  PRIMARY KEY (owner_type, owner_key, role, parameters)
) STRICT, WITHOUT ROWID;

CREATE INDEX assigned_role_role ON assigned_role (role, owner_type, owner_key);

INSERT INTO assigned_role (owner_type, owner_key, role, parameters, workflow, from_at, to_at, reasons)
  SELECT owner_type, owner_key, role, '', workflow, from_at, to_at, reasons FROM assigned_role_before;
DROP TABLE assigned_role_before;

-- What people settled about an owner and a role: an input of every evaluation.
CREATE TABLE role_decision (
  owner_type TEXT    NOT NULL,
  owner_key  TEXT    NOT NULL,
  role       TEXT    NOT NULL,
  parameters TEXT    NOT NULL,
  workflow   INTEGER NOT NULL,
  from_at    INTEGER NOT NULL,
  to_at      INTEGER NOT NULL,
  at         INTEGER NOT NULL,
  actor      TEXT    NOT NULL,
  why        TEXT    NOT NULL,
  request    INTEGER NOT NULL,
  PRIMARY KEY (owner_type, owner_key, role, parameters)
) STRICT, WITHOUT ROWID;
