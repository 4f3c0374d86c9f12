-- +goose Up

-- What the pages of work list: orders that wait for a reviewer and were not put
-- off, orders that are with people, and open requests, each as it came.
ALTER TABLE provisioning_order ADD COLUMN postponed_until bigint NOT NULL DEFAULT 0;

CREATE INDEX provisioning_order_review ON provisioning_order (id) WHERE closed_at = 0 AND (blocked > 0 OR errored > 0);
CREATE INDEX provisioning_order_handed ON provisioning_order (id) WHERE closed_at = 0 AND manual = 1 AND transmitted > 0;
CREATE INDEX request_waiting ON request (id) WHERE workflow IN (2, 4, 8, 9, 10, 11, 12, 13);
