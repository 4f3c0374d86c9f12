-- The schema that the migrations of PostgreSQL arrive at. Times are Unix
-- nanoseconds, 0 for none; truth is 0 or 1; texts are compared byte for byte.

CREATE TABLE counter (
  name text COLLATE "C" NOT NULL PRIMARY KEY,
  value bigint NOT NULL
);

CREATE TABLE journal (
  seq bigint NOT NULL PRIMARY KEY,
  at bigint NOT NULL,
  process text COLLATE "C" NOT NULL,
  behalf text COLLATE "C" NOT NULL,
  name text COLLATE "C" NOT NULL,
  subject text COLLATE "C" NOT NULL,
  why text COLLATE "C" NOT NULL,
  detail text COLLATE "C" NOT NULL,
  prev text COLLATE "C" NOT NULL,
  hash text COLLATE "C" NOT NULL UNIQUE
);

CREATE FUNCTION refuse_edit() RETURNS trigger LANGUAGE plpgsql AS $refuse$
BEGIN
  RAISE EXCEPTION '%', TG_ARGV[0] USING ERRCODE = 'restrict_violation';
END
$refuse$;

CREATE TRIGGER journal_is_not_edited BEFORE UPDATE ON journal
FOR EACH ROW EXECUTE FUNCTION refuse_edit('the journal is append-only');

CREATE TRIGGER journal_is_not_deleted BEFORE DELETE ON journal
FOR EACH ROW EXECUTE FUNCTION refuse_edit('the journal is append-only');

CREATE TRIGGER journal_is_not_emptied BEFORE TRUNCATE ON journal
FOR EACH STATEMENT EXECUTE FUNCTION refuse_edit('the journal is append-only');

-- The head of the chain, apart from it: entries cut off at the end are missed.
CREATE TABLE journal_head (
  id bigint NOT NULL PRIMARY KEY CHECK (id = 1),
  seq bigint NOT NULL,
  hash text COLLATE "C" NOT NULL
);

INSERT INTO journal_head (id, seq, hash) VALUES (1, 0, '');

CREATE TABLE configuration (
  id bigint NOT NULL PRIMARY KEY,
  hash text COLLATE "C" NOT NULL,
  at bigint NOT NULL,
  actor text COLLATE "C" NOT NULL,
  files text COLLATE "C" NOT NULL
);

CREATE TABLE entity (
  entity text COLLATE "C" NOT NULL PRIMARY KEY,
  identify text COLLATE "C" NOT NULL,
  editable text COLLATE "C" NOT NULL DEFAULT '[]'
);

CREATE TABLE reading (
  id bigint NOT NULL PRIMARY KEY,
  connector text COLLATE "C" NOT NULL,
  entity text COLLATE "C" NOT NULL,
  began_at bigint NOT NULL,
  ended_at bigint NOT NULL,
  complete bigint NOT NULL,
  state text COLLATE "C" NOT NULL,
  counts text COLLATE "C" NOT NULL,
  findings bigint NOT NULL,
  why text COLLATE "C" NOT NULL
);

CREATE INDEX reading_entity ON reading (entity, state, complete, id);

CREATE TABLE reading_finding (
  reading bigint NOT NULL REFERENCES reading (id),
  ordinal bigint NOT NULL,
  finding text COLLATE "C" NOT NULL,
  PRIMARY KEY (reading, ordinal)
);

CREATE TABLE reading_set_aside (
  reading bigint NOT NULL REFERENCES reading (id),
  resource_key text COLLATE "C" NOT NULL,
  PRIMARY KEY (reading, resource_key)
);

CREATE TABLE resource (
  entity text COLLATE "C" NOT NULL,
  resource_key text COLLATE "C" NOT NULL,
  display text COLLATE "C" NOT NULL,
  document text COLLATE "C" NOT NULL,
  hash text COLLATE "C" NOT NULL,
  version bigint NOT NULL,
  valid_from bigint NOT NULL,
  PRIMARY KEY (entity, resource_key)
);

-- Covering, so that a reading that changes nothing reads no documents.
CREATE INDEX resource_hash ON resource (entity, resource_key, hash);
CREATE INDEX resource_display ON resource (entity, display, resource_key);

CREATE TABLE resource_identifier (
  entity text COLLATE "C" NOT NULL,
  resource_key text COLLATE "C" NOT NULL,
  property text COLLATE "C" NOT NULL,
  identifier text COLLATE "C" NOT NULL,
  PRIMARY KEY (entity, resource_key, property, identifier)
);

CREATE INDEX resource_identifier_name ON resource_identifier (entity, property, identifier, resource_key);

CREATE TABLE resource_link (
  entity text COLLATE "C" NOT NULL,
  resource_key text COLLATE "C" NOT NULL,
  property text COLLATE "C" NOT NULL,
  target text COLLATE "C" NOT NULL,
  PRIMARY KEY (entity, resource_key, property, target)
);

CREATE INDEX resource_link_inverse ON resource_link (entity, property, target, resource_key);

CREATE TABLE resource_word (
  entity text COLLATE "C" NOT NULL,
  resource_key text COLLATE "C" NOT NULL,
  word text COLLATE "C" NOT NULL,
  PRIMARY KEY (entity, resource_key, word)
);

CREATE INDEX resource_word_search ON resource_word (entity, word, resource_key);

CREATE TABLE resource_history (
  entity text COLLATE "C" NOT NULL,
  resource_key text COLLATE "C" NOT NULL,
  valid_to bigint NOT NULL,
  version bigint NOT NULL,
  valid_from bigint NOT NULL,
  display text COLLATE "C" NOT NULL,
  document text COLLATE "C" NOT NULL,
  PRIMARY KEY (entity, resource_key, valid_to, version)
);

CREATE INDEX resource_history_age ON resource_history (valid_to);

CREATE TABLE decision (
  kind text COLLATE "C" NOT NULL,
  type text COLLATE "C" NOT NULL,
  owner_type text COLLATE "C" NOT NULL,
  owner_key text COLLATE "C" NOT NULL,
  target text COLLATE "C" NOT NULL,
  property text COLLATE "C" NOT NULL,
  decided_value text COLLATE "C" NOT NULL,
  at bigint NOT NULL,
  actor text COLLATE "C" NOT NULL,
  why text COLLATE "C" NOT NULL,
  PRIMARY KEY (kind, type, owner_type, owner_key, target, property)
);

CREATE UNIQUE INDEX decision_allocates_once ON decision (type, property, decided_value) WHERE kind = 'allocation';

CREATE TABLE assigned_role (
  owner_type text COLLATE "C" NOT NULL,
  owner_key text COLLATE "C" NOT NULL,
  role text COLLATE "C" NOT NULL,
  parameters text COLLATE "C" NOT NULL,
  workflow bigint NOT NULL,
  from_at bigint NOT NULL,
  to_at bigint NOT NULL,
  reasons text COLLATE "C" NOT NULL,
  since_at bigint NOT NULL,
  PRIMARY KEY (owner_type, owner_key, role, parameters)
);

CREATE INDEX assigned_role_role ON assigned_role (role, owner_type, owner_key);
CREATE INDEX assigned_role_found ON assigned_role (owner_type, owner_key, role, parameters, workflow) WHERE workflow IN (1, 3);
CREATE INDEX assigned_role_apart ON assigned_role (workflow) WHERE workflow <> 18;

CREATE TABLE assigned_resource (
  id bigint NOT NULL PRIMARY KEY,
  type text COLLATE "C" NOT NULL,
  owner_type text COLLATE "C" NOT NULL,
  owner_key text COLLATE "C" NOT NULL,
  entity text COLLATE "C" NOT NULL,
  target text COLLATE "C" NOT NULL,
  connector text COLLATE "C" NOT NULL,
  connection text COLLATE "C" NOT NULL,
  manual bigint NOT NULL,
  workflow bigint NOT NULL,
  state bigint NOT NULL,
  blocked bigint NOT NULL,
  errored bigint NOT NULL,
  found bigint NOT NULL,
  present bigint NOT NULL,
  confidence bigint NOT NULL,
  from_at bigint NOT NULL,
  to_at bigint NOT NULL,
  waiting bigint NOT NULL,
  closed bigint NOT NULL,
  version bigint NOT NULL CHECK (version > 0),
  document text COLLATE "C" NOT NULL,
  standing bigint NOT NULL DEFAULT 0,
  evaluated bigint NOT NULL DEFAULT 0,
  settled bigint NOT NULL DEFAULT -1,
  judged bigint NOT NULL DEFAULT 0
);

CREATE INDEX assigned_resource_owner ON assigned_resource (owner_type, owner_key);
CREATE INDEX assigned_resource_target ON assigned_resource (entity, target);
CREATE INDEX assigned_resource_held ON assigned_resource (type) WHERE present = 1 AND closed = 0;
CREATE INDEX assigned_resource_state ON assigned_resource (type, state) WHERE closed = 0;
CREATE INDEX assigned_resource_question ON assigned_resource (id, type, found, workflow)
  WHERE closed = 0 AND (found > 0 OR workflow IN (1, 3));
CREATE INDEX assigned_resource_waiting ON assigned_resource (id) WHERE waiting = 1;
CREATE INDEX assigned_resource_stale ON assigned_resource (id) WHERE standing <> evaluated;
CREATE INDEX assigned_resource_unjudged ON assigned_resource (id) WHERE judged <> version AND closed = 0;
CREATE INDEX assigned_resource_ended ON assigned_resource (id) WHERE judged <> version AND closed = 1;
CREATE INDEX assigned_resource_ownership ON assigned_resource (type, id, owner_type, owner_key, target, settled) WHERE closed = 0;

CREATE TABLE provisioning_order (
  id bigint NOT NULL PRIMARY KEY,
  assigned_resource bigint NOT NULL REFERENCES assigned_resource (id),
  kind text COLLATE "C" NOT NULL,
  version bigint NOT NULL,
  created_at bigint NOT NULL,
  closed_at bigint NOT NULL,
  supersedes bigint NOT NULL,
  outcome text COLLATE "C" NOT NULL,
  waits text COLLATE "C" NOT NULL,
  taken_by text COLLATE "C" NOT NULL,
  agent text COLLATE "C" NOT NULL,
  fence bigint NOT NULL,
  lease_until bigint NOT NULL,
  not_before bigint NOT NULL,
  type text COLLATE "C" NOT NULL,
  owner_type text COLLATE "C" NOT NULL,
  owner_key text COLLATE "C" NOT NULL,
  connector text COLLATE "C" NOT NULL,
  connection text COLLATE "C" NOT NULL,
  manual bigint NOT NULL,
  state bigint NOT NULL,
  gated bigint NOT NULL,
  ready bigint NOT NULL,
  transmitted bigint NOT NULL,
  read_back bigint NOT NULL,
  blocked bigint NOT NULL,
  errored bigint NOT NULL,
  due_at bigint NOT NULL,
  expires_at bigint NOT NULL,
  since_at bigint NOT NULL,
  postponed_until   bigint NOT NULL DEFAULT 0,
  unsent            bigint NOT NULL DEFAULT -1
);

-- At most one open order per assigned resource.
CREATE UNIQUE INDEX provisioning_order_open ON provisioning_order (assigned_resource) WHERE closed_at = 0;
CREATE INDEX provisioning_order_assigned ON provisioning_order (assigned_resource, id);
CREATE INDEX provisioning_order_collect ON provisioning_order (connector, connection, gated, id, due_at, assigned_resource, ready, closed_at)
  WHERE closed_at = 0 AND ready > 0;
CREATE INDEX provisioning_order_transmitted ON provisioning_order (connector, connection, id, assigned_resource)
  WHERE closed_at = 0 AND transmitted > 0;
CREATE INDEX provisioning_order_read_back ON provisioning_order (connector, connection, id, assigned_resource)
  WHERE closed_at = 0 AND read_back > 0;
CREATE INDEX provisioning_order_expiring ON provisioning_order (expires_at, id) WHERE closed_at = 0 AND expires_at > 0;
CREATE INDEX provisioning_order_state ON provisioning_order (state, id);
CREATE INDEX provisioning_order_standing ON provisioning_order (state) WHERE closed_at = 0;
CREATE INDEX provisioning_order_type ON provisioning_order
  (type, id, kind, state, gated, blocked, errored, manual, transmitted, postponed_until, since_at) WHERE closed_at = 0;
CREATE INDEX provisioning_order_since ON provisioning_order
  (since_at, id, type, kind, state, gated, blocked, errored, manual, transmitted, postponed_until) WHERE closed_at = 0;
CREATE INDEX provisioning_order_counted ON provisioning_order (type, kind, waits, unsent) WHERE closed_at = 0;
CREATE INDEX provisioning_order_due ON provisioning_order (due_at) WHERE closed_at = 0 AND gated = 1 AND due_at > 0;
CREATE INDEX provisioning_order_owner ON provisioning_order (owner_type, owner_key, id);
CREATE INDEX provisioning_order_review ON provisioning_order (id, type, kind, state, since_at, postponed_until)
  WHERE closed_at = 0 AND (blocked > 0 OR errored > 0);
CREATE INDEX provisioning_order_handed ON provisioning_order (id, type, kind, since_at)
  WHERE closed_at = 0 AND manual = 1 AND transmitted > 0;
CREATE INDEX provisioning_order_list ON provisioning_order (id, type, kind, state, gated, since_at) WHERE closed_at = 0;

CREATE TABLE order_item (
  order_id bigint NOT NULL REFERENCES provisioning_order (id),
  item bigint NOT NULL,
  assigned_resource bigint NOT NULL,
  property text COLLATE "C" NOT NULL,
  link text COLLATE "C" NOT NULL,
  op text COLLATE "C" NOT NULL,
  state bigint NOT NULL,
  mark text COLLATE "C" NOT NULL,
  proposed text COLLATE "C" NOT NULL,
  current_value text COLLATE "C" NOT NULL,
  before_value text COLLATE "C" NOT NULL,
  workflow bigint NOT NULL,
  message text COLLATE "C" NOT NULL,
  live bigint NOT NULL, -- its order is open
  since_at bigint NOT NULL,
  PRIMARY KEY (order_id, item)
);

CREATE INDEX order_item_state ON order_item (state, mark) WHERE live = 1;
CREATE INDEX order_item_property ON order_item (property, order_id) WHERE live = 1;

-- Every legal move, seeded from the transition table when the store is opened.
CREATE TABLE order_transition (
  from_place text COLLATE "C" NOT NULL,
  event text COLLATE "C" NOT NULL,
  to_place text COLLATE "C" NOT NULL,
  PRIMARY KEY (from_place, event, to_place)
);

CREATE TABLE order_step (
  assigned_resource bigint NOT NULL REFERENCES assigned_resource (id),
  item bigint NOT NULL,
  step bigint NOT NULL CHECK (step > 0),
  prev_step bigint CHECK (prev_step = step - 1),
  from_place text COLLATE "C" NOT NULL,
  event text COLLATE "C" NOT NULL,
  to_place text COLLATE "C" NOT NULL,
  order_id bigint NOT NULL,
  at bigint NOT NULL,
  actor text COLLATE "C" NOT NULL,
  why text COLLATE "C" NOT NULL,
  PRIMARY KEY (assigned_resource, item, step),        -- two writers of one step: one wins
  UNIQUE (assigned_resource, item, step, to_place),
  CHECK ((step = 1) = (prev_step IS NULL)),
  CHECK (step > 1 OR from_place IN ('None', 'Verified', 'Verified (frozen)', 'Executed',
    'Inactive', 'Inactive (declined)', 'Inactive (released)')),
  FOREIGN KEY (from_place, event, to_place)           -- only legal moves
    REFERENCES order_transition (from_place, event, to_place),
  FOREIGN KEY (assigned_resource, item, prev_step, from_place) -- only from where it really is
    REFERENCES order_step (assigned_resource, item, step, to_place)
);

CREATE TRIGGER order_step_is_not_edited BEFORE UPDATE ON order_step
FOR EACH ROW EXECUTE FUNCTION refuse_edit('steps are append-only');

CREATE TRIGGER order_step_is_not_deleted BEFORE DELETE ON order_step
FOR EACH ROW EXECUTE FUNCTION refuse_edit('steps are append-only');

CREATE TRIGGER order_step_is_not_emptied BEFORE TRUNCATE ON order_step
FOR EACH STATEMENT EXECUTE FUNCTION refuse_edit('steps are append-only');

CREATE TABLE park (
  type text COLLATE "C" NOT NULL,
  kind text COLLATE "C" NOT NULL,
  since_at bigint NOT NULL,
  orders bigint NOT NULL,
  ceiling bigint NOT NULL,
  why text COLLATE "C" NOT NULL,
  PRIMARY KEY (type, kind)
);

CREATE TABLE due (
  what text COLLATE "C" NOT NULL,
  subject text COLLATE "C" NOT NULL,
  not_before bigint NOT NULL,
  holder text COLLATE "C" NOT NULL,
  lease_until bigint NOT NULL,
  PRIMARY KEY (what, subject)
);

CREATE INDEX due_time ON due (not_before);

-- Sealed: a copy of the database reveals names and lengths, no value.
CREATE TABLE secret (
  name text COLLATE "C" NOT NULL PRIMARY KEY,
  version bigint NOT NULL,
  wrapped_key text COLLATE "C" NOT NULL,
  sealed text COLLATE "C" NOT NULL,
  set_at bigint NOT NULL,
  set_by text COLLATE "C" NOT NULL
);

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
  found bigint NOT NULL DEFAULT 0,
  yields_from bigint NOT NULL DEFAULT 0,
  yields_to bigint NOT NULL DEFAULT 0,
  PRIMARY KEY (owner_type, owner_key, role, parameters)
);

-- What people ask for about roles, and what was said in each approval step.
CREATE TABLE request (
  id bigint NOT NULL PRIMARY KEY,
  owner_type text COLLATE "C" NOT NULL,
  owner_key text COLLATE "C" NOT NULL,
  role text COLLATE "C" NOT NULL,
  action text COLLATE "C" NOT NULL,
  parameters text COLLATE "C" NOT NULL,
  from_at bigint NOT NULL,
  to_at bigint NOT NULL,
  why text COLLATE "C" NOT NULL,
  actor text COLLATE "C" NOT NULL,
  at bigint NOT NULL,
  workflow bigint NOT NULL CHECK (workflow IN (2, 4, 8, 9, 10, 11, 12, 13, 16, 17, 19, 20)),
  since_at bigint NOT NULL,
  remarks text COLLATE "C" NOT NULL,
  stuck text COLLATE "C" NOT NULL,
  version bigint NOT NULL CHECK (version > 0)
);

-- At most one open request for one way of having a role.
CREATE UNIQUE INDEX request_open ON request (owner_type, owner_key, role, parameters)
  WHERE workflow IN (2, 4, 8, 9, 10, 11, 12, 13);
CREATE INDEX request_owner ON request (owner_type, owner_key, id);
CREATE INDEX request_role ON request (role, id);
CREATE INDEX request_stuck ON request (id) WHERE stuck <> '' AND workflow IN (2, 4, 8, 9, 10, 11, 12, 13);
CREATE INDEX request_waiting ON request (id) WHERE workflow IN (2, 4, 8, 9, 10, 11, 12, 13);
CREATE INDEX request_since ON request (since_at, id);
CREATE INDEX request_waiting_since ON request (since_at, id) WHERE workflow IN (2, 4, 8, 9, 10, 11, 12, 13);

CREATE TABLE request_step (
  request bigint NOT NULL REFERENCES request (id),
  step bigint NOT NULL,
  actor text COLLATE "C" NOT NULL,
  at bigint NOT NULL,
  approve bigint NOT NULL,
  why text COLLATE "C" NOT NULL,
  how text COLLATE "C" NOT NULL,
  PRIMARY KEY (request, step)
);

-- Nobody decides two steps of one request.
CREATE UNIQUE INDEX request_step_once ON request_step (request, actor) WHERE how = 'reviewer';

-- For whom an open request waits.
CREATE TABLE request_reviewer (
  person text COLLATE "C" NOT NULL,
  request bigint NOT NULL REFERENCES request (id),
  seat text COLLATE "C" NOT NULL,
  PRIMARY KEY (person, request)
);

CREATE INDEX request_reviewer_request ON request_reviewer (request);

-- Since when each automation rule is deployed: before that no time counts.
CREATE TABLE automation_rule (
  mark text COLLATE "C" NOT NULL PRIMARY KEY,
  since_at bigint NOT NULL
);

-- What people wrote beside a synchronized source, also of resources that are not
-- there at present.
CREATE TABLE resource_edit (
  entity text COLLATE "C" NOT NULL,
  resource_key text COLLATE "C" NOT NULL,
  property text COLLATE "C" NOT NULL,
  holds text COLLATE "C" NOT NULL,
  at bigint NOT NULL,
  actor text COLLATE "C" NOT NULL,
  PRIMARY KEY (entity, resource_key, property)
);

-- What people started, each with its proposed values and its workflow state.
CREATE TABLE workflow (
  id bigint NOT NULL PRIMARY KEY,
  workflow text COLLATE "C" NOT NULL,
  action text COLLATE "C" NOT NULL,
  entity text COLLATE "C" NOT NULL,
  resource_key text COLLATE "C" NOT NULL,
  changes text COLLATE "C" NOT NULL,
  why text COLLATE "C" NOT NULL,
  actor text COLLATE "C" NOT NULL,
  at bigint NOT NULL,
  state bigint NOT NULL,
  since_at bigint NOT NULL,
  version bigint NOT NULL
);

CREATE INDEX workflow_open ON workflow (id) WHERE state IN (4, 8, 9, 10, 11, 12, 13);
CREATE INDEX workflow_subject ON workflow (entity, resource_key, id);

-- One ruling for each approval step.
CREATE TABLE workflow_step (
  workflow bigint NOT NULL REFERENCES workflow (id),
  step bigint NOT NULL,
  actor text COLLATE "C" NOT NULL,
  at bigint NOT NULL,
  approve bigint NOT NULL,
  why text COLLATE "C" NOT NULL,
  PRIMARY KEY (workflow, step)
);

-- What the next evaluation has to look at anew: resources, owners, targets of a
-- resource type, or everything. Marked in the transaction that changes it.
CREATE TABLE to_evaluate (
  kind text COLLATE "C" NOT NULL,
  entity text COLLATE "C" NOT NULL,
  resource_key text COLLATE "C" NOT NULL,
  marks bigint NOT NULL,
  PRIMARY KEY (kind, entity, resource_key)
);

-- On what the last evaluation of everybody was based; one row.
CREATE TABLE evaluation (
  name text COLLATE "C" NOT NULL PRIMARY KEY,
  basis text COLLATE "C" NOT NULL
);

-- By what people and programs sign in. The password is a hash; a session and a
-- token of an older epoch are void.
CREATE TABLE account (
  name text COLLATE "C" NOT NULL PRIMARY KEY,
  person_type text COLLATE "C" NOT NULL,
  person_key text COLLATE "C" NOT NULL,
  hash text COLLATE "C" NOT NULL,
  issuer text COLLATE "C" NOT NULL,
  subject text COLLATE "C" NOT NULL,
  epoch bigint NOT NULL,
  disabled_at bigint NOT NULL,
  at bigint NOT NULL,
  actor text COLLATE "C" NOT NULL
);

CREATE UNIQUE INDEX account_subject ON account (issuer, subject) WHERE subject <> '';

-- Who has which profile: an account (holder_type is empty) or a person.
CREATE TABLE profile_assignment (
  id bigint NOT NULL PRIMARY KEY,
  holder_type text COLLATE "C" NOT NULL,
  holder_key text COLLATE "C" NOT NULL,
  profile text COLLATE "C" NOT NULL,
  scope text COLLATE "C" NOT NULL,
  how text COLLATE "C" NOT NULL,
  from_at bigint NOT NULL,
  to_at bigint NOT NULL,
  delegator_type text COLLATE "C" NOT NULL,
  delegator_key text COLLATE "C" NOT NULL,
  actor text COLLATE "C" NOT NULL,
  at bigint NOT NULL,
  why text COLLATE "C" NOT NULL,
  revoked_at bigint NOT NULL
);

CREATE INDEX profile_assignment_holder ON profile_assignment (holder_type, holder_key, id);

-- Who is signed in in a browser, under the hash of what the browser holds.
CREATE TABLE session (
  hash text COLLATE "C" NOT NULL PRIMARY KEY,
  content bytea NOT NULL,
  expires_at bigint NOT NULL
);

CREATE INDEX session_age ON session (expires_at);

-- What programs show, as a hash.
CREATE TABLE api_token (
  id bigint NOT NULL PRIMARY KEY,
  hash text COLLATE "C" NOT NULL UNIQUE,
  account text COLLATE "C" NOT NULL,
  name text COLLATE "C" NOT NULL,
  epoch bigint NOT NULL,
  at bigint NOT NULL,
  actor text COLLATE "C" NOT NULL,
  expires_at bigint NOT NULL,
  used_at bigint NOT NULL,
  revoked_at bigint NOT NULL
);

CREATE INDEX api_token_account ON api_token (account, id);

-- The one-time link by which the first account is made, as a hash.
CREATE TABLE first_link (
  id bigint NOT NULL PRIMARY KEY CHECK (id = 1),
  hash text COLLATE "C" NOT NULL,
  expires_at bigint NOT NULL
);

-- What a program was answered under an Idempotency-Key, for a day: asked again, it
-- is answered the same, and nothing is done twice. Status 0: it is being done.
CREATE TABLE kept_answer (
  id text COLLATE "C" NOT NULL PRIMARY KEY,
  request text COLLATE "C" NOT NULL,
  status bigint NOT NULL,
  kind text COLLATE "C" NOT NULL,
  content bytea NOT NULL,
  expires_at bigint NOT NULL
);

CREATE INDEX kept_answer_age ON kept_answer (expires_at);

-- What people and other systems are told: written together with what it tells of,
-- and sent afterwards.
CREATE TABLE message (
  id bigint NOT NULL PRIMARY KEY,
  way text COLLATE "C" NOT NULL,
  recipient text COLLATE "C" NOT NULL,
  address text COLLATE "C" NOT NULL,
  subject text COLLATE "C" NOT NULL,
  content bytea NOT NULL,
  at bigint NOT NULL,
  state text COLLATE "C" NOT NULL CHECK (state IN ('waiting', 'sent', 'failed')),
  attempts bigint NOT NULL,
  next_at bigint NOT NULL,
  sent_at bigint NOT NULL,
  why text COLLATE "C" NOT NULL
);

CREATE INDEX message_waiting ON message (way, next_at) WHERE state = 'waiting';
CREATE INDEX message_recipient_id ON message (recipient, id);

-- What a recipient was told of and still waits for him.
CREATE TABLE message_told (
  recipient text COLLATE "C" NOT NULL,
  matter text COLLATE "C" NOT NULL,
  at bigint NOT NULL,
  PRIMARY KEY (recipient, matter)
);

-- How a recipient wants to be told, where he chose, and when his last digest was
-- written.
CREATE TABLE message_recipient (
  recipient text COLLATE "C" NOT NULL PRIMARY KEY,
  how text COLLATE "C" NOT NULL,
  hour text COLLATE "C" NOT NULL,
  zone text COLLATE "C" NOT NULL,
  digest_at bigint NOT NULL
);

-- Every resource as the committed readings know it, folded or not.
CREATE VIEW resource_now AS
  SELECT r.entity, r.resource_key, r.display, r.document, r.hash FROM resource r
    WHERE NOT EXISTS (SELECT 1 FROM reading_folding f JOIN reading_change c ON c.reading = f.reading
      WHERE f.entity = r.entity AND c.resource_key = r.resource_key)
  UNION ALL
  SELECT f.entity, c.resource_key, c.display, c.document, c.hash FROM reading_folding f
    JOIN reading_change c ON c.reading = f.reading WHERE c.removed = 0;

-- What servers do and did: jobs, each time that one is begun. The content is a
-- document: steps, log, who asked. touched_at is when anything of it was written.
CREATE TABLE job_run (
  id bigint NOT NULL PRIMARY KEY,
  job text COLLATE "C" NOT NULL,
  connector text COLLATE "C" NOT NULL,
  state text COLLATE "C" NOT NULL CHECK (state IN ('waiting', 'running', 'done', 'failed', 'aborted')),
  attempt bigint NOT NULL,
  at bigint NOT NULL,
  not_before bigint NOT NULL,
  began_at bigint NOT NULL,
  ended_at bigint NOT NULL,
  abort bigint NOT NULL,
  touched_at bigint NOT NULL,
  content text COLLATE "C" NOT NULL
);

-- The same job of the same connector is open once.
CREATE UNIQUE INDEX job_run_open ON job_run (job, connector) WHERE state IN ('waiting', 'running');
CREATE INDEX job_run_touched ON job_run (touched_at);
CREATE INDEX job_run_of ON job_run (job, connector, id);
