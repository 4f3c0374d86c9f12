-- +goose Up

-- Properties whose edits go before what is read.
ALTER TABLE entity ADD COLUMN editable text COLLATE "C" NOT NULL DEFAULT '[]';

-- What people wrote beside a synchronized source, also of resources that are not
-- there at present.
CREATE TABLE resource_edit (
  entity text COLLATE "C" NOT NULL,
  resource_key text COLLATE "C" NOT NULL,
  property text COLLATE "C" NOT NULL,
  holds text COLLATE "C" NOT NULL,
  at bigint NOT NULL,
  actor text COLLATE "C" NOT NULL,
  PRIMARY KEY (entity, resource_key, property)
);

-- What people started, each with its proposed values and its workflow state.
CREATE TABLE workflow (
  id bigint NOT NULL PRIMARY KEY,
  workflow text COLLATE "C" NOT NULL,
  action text COLLATE "C" NOT NULL,
  entity text COLLATE "C" NOT NULL,
  resource_key text COLLATE "C" NOT NULL,
  changes text COLLATE "C" NOT NULL,
  why text COLLATE "C" NOT NULL,
  actor text COLLATE "C" NOT NULL,
  at bigint NOT NULL,
  state bigint NOT NULL,
  since_at bigint NOT NULL,
  version bigint NOT NULL
);

CREATE INDEX workflow_open ON workflow (id) WHERE state IN (4, 8, 9, 10, 11, 12, 13);
CREATE INDEX workflow_subject ON workflow (entity, resource_key, id);

-- One ruling for each approval step.
CREATE TABLE workflow_step (
  workflow bigint NOT NULL REFERENCES workflow (id),
  step bigint NOT NULL,
  actor text COLLATE "C" NOT NULL,
  at bigint NOT NULL,
  approve bigint NOT NULL,
  why text COLLATE "C" NOT NULL,
  PRIMARY KEY (workflow, step)
);
