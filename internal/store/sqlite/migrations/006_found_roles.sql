-- +goose Up

-- What a role was found as before somebody decided about it, and a part of the
-- period in which the rules' word stands instead of the decision.
CREATE TABLE role_decision_before AS SELECT * FROM role_decision;
DROP TABLE role_decision;

CREATE TABLE role_decision (
  owner_type  TEXT    NOT NULL,
  owner_key   TEXT    NOT NULL,
  role        TEXT    NOT NULL,
  parameters  TEXT    NOT NULL,
  workflow    INTEGER NOT NULL,
  from_at     INTEGER NOT NULL,
  to_at       INTEGER NOT NULL,
  at          INTEGER NOT NULL,
  actor       TEXT    NOT NULL,
  why         TEXT    NOT NULL,
  request     INTEGER NOT NULL,
  found       INTEGER NOT NULL,
  yields_from INTEGER NOT NULL,
  yields_to   INTEGER NOT NULL,
  PRIMARY KEY (owner_type, owner_key, role, parameters)
) STRICT, WITHOUT ROWID;

INSERT INTO role_decision (owner_type, owner_key, role, parameters, workflow, from_at, to_at, at, actor, why, request, found, yields_from, yields_to)
  SELECT owner_type, owner_key, role, parameters, workflow, from_at, to_at, at, actor, why, request, 0, 0, 0 FROM role_decision_before;
DROP TABLE role_decision_before;

-- Found roles are listed for reconciliation.
CREATE INDEX assigned_role_found ON assigned_role (owner_type, owner_key, role, parameters) WHERE workflow IN (1, 3);
