-- +goose Up

-- Open orders are counted by state without a look at those that were closed in it,
-- which are ever more.
CREATE INDEX provisioning_order_standing ON provisioning_order (state) WHERE closed_at = 0;
