-- +goose Up

-- A fingerprint of what evaluation reads of an assigned resource: as it stands,
-- and as the last evaluation left it.
ALTER TABLE assigned_resource ADD COLUMN standing bigint NOT NULL DEFAULT 0;
ALTER TABLE assigned_resource ADD COLUMN evaluated bigint NOT NULL DEFAULT 0;

-- Whether anybody doubts whose it is; -1: not known, its document says so.
ALTER TABLE assigned_resource ADD COLUMN settled bigint NOT NULL DEFAULT -1;

-- The version that was last judged.
ALTER TABLE assigned_resource ADD COLUMN judged bigint NOT NULL DEFAULT 0;

CREATE INDEX assigned_resource_stale ON assigned_resource (id) WHERE standing <> evaluated;
CREATE INDEX assigned_resource_unjudged ON assigned_resource (id) WHERE judged <> version AND closed = 0;
CREATE INDEX assigned_resource_ownership ON assigned_resource (type, id, owner_type, owner_key, target, settled) WHERE closed = 0;

-- What the next evaluation has to look at anew: resources, owners, targets of a
-- resource type, or everything. Marked in the transaction that changes it.
CREATE TABLE to_evaluate (
  kind text COLLATE "C" NOT NULL,
  entity text COLLATE "C" NOT NULL,
  resource_key text COLLATE "C" NOT NULL,
  marks bigint NOT NULL,
  PRIMARY KEY (kind, entity, resource_key)
);

INSERT INTO to_evaluate (kind, entity, resource_key, marks) VALUES ('everything', '', '', 1);

-- On what the last evaluation of everybody was based; one row.
CREATE TABLE evaluation (
  name text COLLATE "C" NOT NULL PRIMARY KEY,
  basis text COLLATE "C" NOT NULL
);
