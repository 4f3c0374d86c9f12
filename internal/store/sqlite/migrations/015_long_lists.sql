-- +goose Up

-- What lists are read by, however long they are: each index holds what its list
-- can be cut down by, so that what does not fit costs no look at a row.
DROP INDEX provisioning_order_state;
DROP INDEX provisioning_order_type;
DROP INDEX provisioning_order_review;
DROP INDEX provisioning_order_handed;
CREATE INDEX provisioning_order_list ON provisioning_order (id, type, kind, state, gated, since_at) WHERE closed_at = 0;
CREATE INDEX provisioning_order_state ON provisioning_order (state, id);
CREATE INDEX provisioning_order_type ON provisioning_order (type, id, kind, state, gated, blocked, errored) WHERE closed_at = 0;
CREATE INDEX provisioning_order_review ON provisioning_order (id, type, kind, state, since_at, postponed_until)
  WHERE closed_at = 0 AND (blocked > 0 OR errored > 0);
CREATE INDEX provisioning_order_handed ON provisioning_order (id, type, kind, since_at)
  WHERE closed_at = 0 AND manual = 1 AND transmitted > 0;
CREATE INDEX order_item_property ON order_item (property, order_id) WHERE live = 1;

DROP INDEX assigned_resource_question;
CREATE INDEX assigned_resource_question ON assigned_resource (id, type, found, workflow)
  WHERE closed = 0 AND (found > 0 OR workflow IN (1, 3));

DROP INDEX assigned_role_found;
CREATE INDEX assigned_role_found ON assigned_role (owner_type, owner_key, role, parameters, workflow) WHERE workflow IN (1, 3);

CREATE INDEX request_role ON request (role, id);

-- Most roles are calculated: the others are counted by an index.
CREATE INDEX assigned_role_apart ON assigned_role (workflow) WHERE workflow <> 18;
