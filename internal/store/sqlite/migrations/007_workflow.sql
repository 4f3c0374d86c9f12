-- +goose Up

-- Properties whose edits go before what is read.
CREATE TABLE entity_before AS SELECT * FROM entity;
DROP TABLE entity;

CREATE TABLE entity (
  entity   TEXT NOT NULL PRIMARY KEY,
  identify TEXT NOT NULL,
  editable TEXT NOT NULL
) STRICT, WITHOUT ROWID;

INSERT INTO entity (entity, identify, editable) SELECT entity, identify, '[]' FROM entity_before;
DROP TABLE entity_before;

-- What people wrote beside a synchronized source, also of resources that are not
-- there at present.
CREATE TABLE resource_edit (
  entity       TEXT    NOT NULL,
  resource_key TEXT    NOT NULL,
  property     TEXT    NOT NULL,
  holds        TEXT    NOT NULL,
  at           INTEGER NOT NULL,
  actor        TEXT    NOT NULL,
  PRIMARY KEY (entity, resource_key, property)
) STRICT, WITHOUT ROWID;

-- What people started, each with its proposed values and its workflow state.
CREATE TABLE workflow (
  id           INTEGER NOT NULL PRIMARY KEY,
  workflow     TEXT    NOT NULL,
  action       TEXT    NOT NULL,
  entity       TEXT    NOT NULL,
  resource_key TEXT    NOT NULL,
  changes      TEXT    NOT NULL,
  why          TEXT    NOT NULL,
  actor        TEXT    NOT NULL,
  at           INTEGER NOT NULL,
  state        INTEGER NOT NULL,
  since_at     INTEGER NOT NULL,
  version      INTEGER NOT NULL
) STRICT;

CREATE INDEX workflow_open ON workflow (id) WHERE state IN (4, 8, 9, 10, 11, 12, 13);
CREATE INDEX workflow_subject ON workflow (entity, resource_key, id);

-- One ruling for each approval step.
CREATE TABLE workflow_step (
  workflow INTEGER NOT NULL REFERENCES workflow (id),
  step     INTEGER NOT NULL,
  actor    TEXT    NOT NULL,
  at       INTEGER NOT NULL,
  approve  INTEGER NOT NULL,
  why      TEXT    NOT NULL,
  PRIMARY KEY (workflow, step)
) STRICT, WITHOUT ROWID;
