-- +goose Up

-- What long lists are walked by, in the order that a page asks for: each index holds
-- what its list can be cut down by.
CREATE INDEX provisioning_order_since ON provisioning_order
  (since_at, id, type, kind, state, gated, blocked, errored, manual, transmitted, postponed_until) WHERE closed_at = 0;
DROP INDEX provisioning_order_type;
CREATE INDEX provisioning_order_type ON provisioning_order
  (type, id, kind, state, gated, blocked, errored, manual, transmitted, postponed_until, since_at) WHERE closed_at = 0;

CREATE INDEX request_since ON request (since_at, id);
CREATE INDEX request_waiting_since ON request (since_at, id) WHERE workflow IN (2, 4, 8, 9, 10, 11, 12, 13);
