-- +goose Up

-- What a role was found as before somebody decided about it, and a part of the
-- period in which the rules' word stands instead of the decision.
ALTER TABLE role_decision ADD COLUMN found bigint NOT NULL DEFAULT 0;
ALTER TABLE role_decision ADD COLUMN yields_from bigint NOT NULL DEFAULT 0;
ALTER TABLE role_decision ADD COLUMN yields_to bigint NOT NULL DEFAULT 0;

-- Found roles are listed for reconciliation.
CREATE INDEX assigned_role_found ON assigned_role (owner_type, owner_key, role, parameters) WHERE workflow IN (1, 3);
