-- +goose Up

-- A fingerprint of what evaluation reads of an assigned resource: as it stands,
-- and as the last evaluation left it.
ALTER TABLE assigned_resource ADD COLUMN standing INTEGER NOT NULL DEFAULT 0;
ALTER TABLE assigned_resource ADD COLUMN evaluated INTEGER NOT NULL DEFAULT 0;

-- Whether anybody doubts whose it is; -1: not known, its document says so.
ALTER TABLE assigned_resource ADD COLUMN settled INTEGER NOT NULL DEFAULT -1;

-- The version that was last judged.
ALTER TABLE assigned_resource ADD COLUMN judged INTEGER NOT NULL DEFAULT 0;

CREATE INDEX assigned_resource_stale ON assigned_resource (id) WHERE standing <> evaluated;
CREATE INDEX assigned_resource_unjudged ON assigned_resource (id) WHERE judged <> version AND closed = 0;
CREATE INDEX assigned_resource_ownership ON assigned_resource (type, id, owner_type, owner_key, target, settled) WHERE closed = 0;

-- What the next evaluation has to look at anew: resources, owners, targets of a
-- resource type, or everything. Marked in the transaction that changes it.
CREATE TABLE to_evaluate (
  kind         TEXT    NOT NULL,
  entity       TEXT    NOT NULL,
  resource_key TEXT    NOT NULL,
  marks        INTEGER NOT NULL,
  PRIMARY KEY (kind, entity, resource_key)
) STRICT, WITHOUT ROWID;

INSERT INTO to_evaluate (kind, entity, resource_key, marks) VALUES ('everything', '', '', 1);

-- On what the last evaluation of everybody was based; one row.
CREATE TABLE evaluation (
  name  TEXT NOT NULL PRIMARY KEY,
  basis TEXT NOT NULL
) STRICT, WITHOUT ROWID;
