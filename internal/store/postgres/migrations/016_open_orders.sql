-- +goose Up

-- Whether an order would go out for the first time now, if no threshold held it
-- (-1: not known, its document says so). Open orders are counted from an index, by
-- what they wait for.
ALTER TABLE provisioning_order ADD COLUMN unsent bigint NOT NULL DEFAULT -1;

CREATE INDEX provisioning_order_counted ON provisioning_order (type, kind, waits, unsent) WHERE closed_at = 0;
CREATE INDEX provisioning_order_due ON provisioning_order (due_at) WHERE closed_at = 0 AND gated = 1 AND due_at > 0;

-- What is over is looked at once more: others may have waited for its end.
UPDATE assigned_resource SET judged = version WHERE closed = 1;
CREATE INDEX assigned_resource_ended ON assigned_resource (id) WHERE judged <> version AND closed = 1;
