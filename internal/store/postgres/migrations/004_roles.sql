-- +goose Up

-- Roles are had with parameters: the same role more than once.
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
  PRIMARY KEY (owner_type, owner_key, role, parameters)
);

CREATE INDEX assigned_role_role ON assigned_role (role, owner_type, owner_key);

INSERT INTO assigned_role (owner_type, owner_key, role, parameters, workflow, from_at, to_at, reasons)
  SELECT owner_type, owner_key, role, '', workflow, from_at, to_at, reasons FROM assigned_role_before;
DROP TABLE assigned_role_before;

-- What people settled about an owner and a role: an input of every evaluation.
CREATE TABLE role_decision (
  owner_type text COLLATE "C" NOT NULL,
  owner_key text COLLATE "C" NOT NULL,
  role text COLLATE "C" NOT NULL,
  parameters text COLLATE "C" NOT NULL,
  workflow bigint NOT NULL,
  from_at bigint NOT NULL,
  to_at bigint NOT NULL,
  at bigint NOT NULL,
  actor text COLLATE "C" NOT NULL,
  why text COLLATE "C" NOT NULL,
  request bigint NOT NULL,
  PRIMARY KEY (owner_type, owner_key, role, parameters)
);
