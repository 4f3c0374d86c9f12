-- +goose Up

-- What people ask for about roles, and what was said in each approval step.
CREATE TABLE request (
  id bigint NOT NULL PRIMARY KEY,
  owner_type text COLLATE "C" NOT NULL,
  owner_key text COLLATE "C" NOT NULL,
  role text COLLATE "C" NOT NULL,
  action text COLLATE "C" NOT NULL,
  parameters text COLLATE "C" NOT NULL,
  from_at bigint NOT NULL,
  to_at bigint NOT NULL,
  why text COLLATE "C" NOT NULL,
  actor text COLLATE "C" NOT NULL,
  at bigint NOT NULL,
  workflow bigint NOT NULL CHECK (workflow IN (2, 4, 8, 9, 10, 11, 12, 13, 16, 17, 19, 20)),
  since_at bigint NOT NULL,
  remarks text COLLATE "C" NOT NULL,
  stuck text COLLATE "C" NOT NULL,
  version bigint NOT NULL CHECK (version > 0)
);

-- At most one open request for one way of having a role.
CREATE UNIQUE INDEX request_open ON request (owner_type, owner_key, role, parameters)
  WHERE workflow IN (2, 4, 8, 9, 10, 11, 12, 13);
CREATE INDEX request_owner ON request (owner_type, owner_key, id);
CREATE INDEX request_stuck ON request (id) WHERE stuck <> '' AND workflow IN (2, 4, 8, 9, 10, 11, 12, 13);

CREATE TABLE request_step (
  request bigint NOT NULL REFERENCES request (id),
  step bigint NOT NULL,
  actor text COLLATE "C" NOT NULL,
  at bigint NOT NULL,
  approve bigint NOT NULL,
  why text COLLATE "C" NOT NULL,
  how text COLLATE "C" NOT NULL,
  PRIMARY KEY (request, step)
);

-- Nobody decides two steps of one request.
CREATE UNIQUE INDEX request_step_once ON request_step (request, actor) WHERE how = 'reviewer';

-- For whom an open request waits.
CREATE TABLE request_reviewer (
  person text COLLATE "C" NOT NULL,
  request bigint NOT NULL REFERENCES request (id),
  seat text COLLATE "C" NOT NULL,
  PRIMARY KEY (person, request)
);

CREATE INDEX request_reviewer_request ON request_reviewer (request);

-- Since when each automation rule is deployed: before that no time counts.
CREATE TABLE automation_rule (
  mark text COLLATE "C" NOT NULL PRIMARY KEY,
  since_at bigint NOT NULL
);

-- How long a role has stood in its workflow state.
CREATE TABLE assigned_role_before AS SELECT * FROM assigned_role;
DROP TABLE assigned_role;

CREATE TABLE assigned_role (
  owner_type text COLLATE "C" NOT NULL,
  owner_key text COLLATE "C" NOT NULL,
  role text COLLATE "C" NOT NULL,
  parameters text COLLATE "C" NOT NULL,
  workflow bigint NOT NULL,
  from_at bigint NOT NULL,
  to_at bigint NOT NULL,
  reasons text COLLATE "C" NOT NULL,
  since_at bigint NOT NULL,
  PRIMARY KEY (owner_type, owner_key, role, parameters)
);

CREATE INDEX assigned_role_role ON assigned_role (role, owner_type, owner_key);

INSERT INTO assigned_role (owner_type, owner_key, role, parameters, workflow, from_at, to_at, reasons, since_at)
  SELECT owner_type, owner_key, role, parameters, workflow, from_at, to_at, reasons, 0 FROM assigned_role_before;
DROP TABLE assigned_role_before;
