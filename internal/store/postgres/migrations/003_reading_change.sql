-- +goose Up

-- What a large reading changes, written in pieces before the reading is committed.
CREATE TABLE reading_change (
  reading bigint NOT NULL REFERENCES reading (id),
  resource_key text COLLATE "C" NOT NULL,
  removed bigint NOT NULL,
  display text COLLATE "C" NOT NULL,
  document text COLLATE "C" NOT NULL,
  hash text COLLATE "C" NOT NULL,
  PRIMARY KEY (reading, resource_key)
);

-- The committed reading whose changes are still on their way into resource.
CREATE TABLE reading_folding (
  entity text COLLATE "C" NOT NULL PRIMARY KEY,
  reading bigint NOT NULL REFERENCES reading (id)
);

-- Every resource as the committed readings know it, folded or not.
CREATE VIEW resource_now AS
  SELECT r.entity, r.resource_key, r.display, r.document, r.hash FROM resource r
    WHERE NOT EXISTS (SELECT 1 FROM reading_folding f JOIN reading_change c ON c.reading = f.reading
      WHERE f.entity = r.entity AND c.resource_key = r.resource_key)
  UNION ALL
  SELECT f.entity, c.resource_key, c.display, c.document, c.hash FROM reading_folding f
    JOIN reading_change c ON c.reading = f.reading WHERE c.removed = 0;
