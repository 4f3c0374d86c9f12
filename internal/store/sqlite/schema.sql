-- The schema that the migrations of SQLite arrive at. Times are Unix
-- nanoseconds, 0 for none; truth is 0 or 1; texts are compared byte for byte.

CREATE TABLE counter (
  name  TEXT    NOT NULL PRIMARY KEY,
  value INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE journal (
  seq     INTEGER NOT NULL PRIMARY KEY,
  at      INTEGER NOT NULL,
  process TEXT    NOT NULL,
  behalf  TEXT    NOT NULL,
  name    TEXT    NOT NULL,
  subject TEXT    NOT NULL,
  why     TEXT    NOT NULL,
  detail  TEXT    NOT NULL,
  prev    TEXT    NOT NULL,
  hash    TEXT    NOT NULL UNIQUE
) STRICT;

CREATE TRIGGER journal_is_not_edited BEFORE UPDATE ON journal
BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END;

CREATE TRIGGER journal_is_not_deleted BEFORE DELETE ON journal
BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END;

-- The head of the chain, apart from it: entries cut off at the end are missed.
CREATE TABLE journal_head (
  id   INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
  seq  INTEGER NOT NULL,
  hash TEXT    NOT NULL
) STRICT;

INSERT INTO journal_head (id, seq, hash) VALUES (1, 0, '');

CREATE TABLE configuration (
  id    INTEGER NOT NULL PRIMARY KEY,
  hash  TEXT    NOT NULL,
  at    INTEGER NOT NULL,
  actor TEXT    NOT NULL,
  files TEXT    NOT NULL
) STRICT;

CREATE TABLE entity (
  entity   TEXT NOT NULL PRIMARY KEY,
  identify TEXT NOT NULL,
  editable TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE reading (
  id        INTEGER NOT NULL PRIMARY KEY,
  connector TEXT    NOT NULL,
  entity    TEXT    NOT NULL,
  began_at  INTEGER NOT NULL,
  ended_at  INTEGER NOT NULL,
  complete  INTEGER NOT NULL,
  state     TEXT    NOT NULL,
  counts    TEXT    NOT NULL,
  findings  INTEGER NOT NULL,
  why       TEXT    NOT NULL
) STRICT;

CREATE INDEX reading_entity ON reading (entity, state, complete, id);

CREATE TABLE reading_finding (
  reading INTEGER NOT NULL REFERENCES reading (id),
  ordinal INTEGER NOT NULL,
  finding TEXT    NOT NULL,
  PRIMARY KEY (reading, ordinal)
) STRICT, WITHOUT ROWID;

CREATE TABLE reading_set_aside (
  reading      INTEGER NOT NULL REFERENCES reading (id),
  resource_key TEXT    NOT NULL,
  PRIMARY KEY (reading, resource_key)
) STRICT, WITHOUT ROWID;

CREATE TABLE resource (
  entity       TEXT    NOT NULL,
  resource_key TEXT    NOT NULL,
  display      TEXT    NOT NULL,
  document     TEXT    NOT NULL,
  hash         TEXT    NOT NULL,
  version      INTEGER NOT NULL,
  valid_from   INTEGER NOT NULL,
  PRIMARY KEY (entity, resource_key)
) STRICT;

-- Covering, so that a reading that changes nothing reads no documents.
CREATE INDEX resource_hash ON resource (entity, resource_key, hash);
CREATE INDEX resource_display ON resource (entity, display, resource_key);

CREATE TABLE resource_identifier (
  entity       TEXT NOT NULL,
  resource_key TEXT NOT NULL,
  property     TEXT NOT NULL,
  identifier   TEXT NOT NULL,
  PRIMARY KEY (entity, resource_key, property, identifier)
) STRICT, WITHOUT ROWID;

CREATE INDEX resource_identifier_name ON resource_identifier (entity, property, identifier, resource_key);

CREATE TABLE resource_link (
  entity       TEXT NOT NULL,
  resource_key TEXT NOT NULL,
  property     TEXT NOT NULL,
  target       TEXT NOT NULL,
  PRIMARY KEY (entity, resource_key, property, target)
) STRICT, WITHOUT ROWID;

CREATE INDEX resource_link_inverse ON resource_link (entity, property, target, resource_key);

CREATE TABLE resource_word (
  entity       TEXT NOT NULL,
  resource_key TEXT NOT NULL,
  word         TEXT NOT NULL,
  PRIMARY KEY (entity, resource_key, word)
) STRICT, WITHOUT ROWID;

CREATE INDEX resource_word_search ON resource_word (entity, word, resource_key);

CREATE TABLE resource_history (
  entity       TEXT    NOT NULL,
  resource_key TEXT    NOT NULL,
  valid_to     INTEGER NOT NULL,
  version      INTEGER NOT NULL,
  valid_from   INTEGER NOT NULL,
  display      TEXT    NOT NULL,
  document     TEXT    NOT NULL,
  PRIMARY KEY (entity, resource_key, valid_to, version)
) STRICT;

CREATE INDEX resource_history_age ON resource_history (valid_to);

CREATE TABLE decision (
  kind          TEXT    NOT NULL,
  type          TEXT    NOT NULL,
  owner_type    TEXT    NOT NULL,
  owner_key     TEXT    NOT NULL,
  target        TEXT    NOT NULL,
  property      TEXT    NOT NULL,
  decided_value TEXT    NOT NULL,
  at            INTEGER NOT NULL,
  actor         TEXT    NOT NULL,
  why           TEXT    NOT NULL,
  PRIMARY KEY (kind, type, owner_type, owner_key, target, property)
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX decision_allocates_once ON decision (type, property, decided_value) WHERE kind = 'allocation';

CREATE TABLE assigned_role (
  owner_type TEXT    NOT NULL,
  owner_key  TEXT    NOT NULL,
  role       TEXT    NOT NULL,
  parameters TEXT    NOT NULL,
  workflow   INTEGER NOT NULL,
  from_at    INTEGER NOT NULL,
  to_at      INTEGER NOT NULL,
  reasons    TEXT    NOT NULL,
  since_at   INTEGER NOT NULL,
  PRIMARY KEY (owner_type, owner_key, role, parameters)
) STRICT, WITHOUT ROWID;

CREATE INDEX assigned_role_role ON assigned_role (role, owner_type, owner_key);
CREATE INDEX assigned_role_found ON assigned_role (owner_type, owner_key, role, parameters, workflow) WHERE workflow IN (1, 3);
CREATE INDEX assigned_role_apart ON assigned_role (workflow) WHERE workflow <> 18;

CREATE TABLE assigned_resource (
  id         INTEGER NOT NULL PRIMARY KEY,
  type       TEXT    NOT NULL,
  owner_type TEXT    NOT NULL,
  owner_key  TEXT    NOT NULL,
  entity     TEXT    NOT NULL,
  target     TEXT    NOT NULL,
  connector  TEXT    NOT NULL,
  connection TEXT    NOT NULL,
  manual     INTEGER NOT NULL,
  workflow   INTEGER NOT NULL,
  state      INTEGER NOT NULL,
  blocked    INTEGER NOT NULL,
  errored    INTEGER NOT NULL,
  found      INTEGER NOT NULL,
  present    INTEGER NOT NULL,
  confidence INTEGER NOT NULL,
  from_at    INTEGER NOT NULL,
  to_at      INTEGER NOT NULL,
  waiting    INTEGER NOT NULL,
  closed     INTEGER NOT NULL,
  version    INTEGER NOT NULL CHECK (version > 0),
  document   TEXT    NOT NULL
) STRICT;

-- A fingerprint of what evaluation reads of it: as it stands, and as the last
-- evaluation left it; whether anybody doubts whose it is (-1: not known, its
-- document says so); the version that was last judged.
ALTER TABLE assigned_resource ADD COLUMN standing INTEGER NOT NULL DEFAULT 0;
ALTER TABLE assigned_resource ADD COLUMN evaluated INTEGER NOT NULL DEFAULT 0;
ALTER TABLE assigned_resource ADD COLUMN settled INTEGER NOT NULL DEFAULT -1;
ALTER TABLE assigned_resource ADD COLUMN judged INTEGER NOT NULL DEFAULT 0;

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
  id                INTEGER NOT NULL PRIMARY KEY,
  assigned_resource INTEGER NOT NULL REFERENCES assigned_resource (id),
  kind              TEXT    NOT NULL,
  version           INTEGER NOT NULL,
  created_at        INTEGER NOT NULL,
  closed_at         INTEGER NOT NULL,
  supersedes        INTEGER NOT NULL,
  outcome           TEXT    NOT NULL,
  waits             TEXT    NOT NULL,
  taken_by          TEXT    NOT NULL,
  agent             TEXT    NOT NULL,
  fence             INTEGER NOT NULL,
  lease_until       INTEGER NOT NULL,
  not_before        INTEGER NOT NULL,
  type              TEXT    NOT NULL,
  owner_type        TEXT    NOT NULL,
  owner_key         TEXT    NOT NULL,
  connector         TEXT    NOT NULL,
  connection        TEXT    NOT NULL,
  manual            INTEGER NOT NULL,
  state             INTEGER NOT NULL,
  gated             INTEGER NOT NULL,
  ready             INTEGER NOT NULL,
  transmitted       INTEGER NOT NULL,
  read_back         INTEGER NOT NULL,
  blocked           INTEGER NOT NULL,
  errored           INTEGER NOT NULL,
  due_at            INTEGER NOT NULL,
  expires_at        INTEGER NOT NULL,
  since_at          INTEGER NOT NULL
, postponed_until INTEGER NOT NULL DEFAULT 0, unsent INTEGER NOT NULL DEFAULT -1) STRICT;

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
  order_id          INTEGER NOT NULL REFERENCES provisioning_order (id),
  item              INTEGER NOT NULL,
  assigned_resource INTEGER NOT NULL,
  property          TEXT    NOT NULL,
  link              TEXT    NOT NULL,
  op                TEXT    NOT NULL,
  state             INTEGER NOT NULL,
  mark              TEXT    NOT NULL,
  proposed          TEXT    NOT NULL,
  current_value     TEXT    NOT NULL,
  before_value      TEXT    NOT NULL,
  workflow          INTEGER NOT NULL,
  message           TEXT    NOT NULL,
  live              INTEGER NOT NULL, -- its order is open
  since_at          INTEGER NOT NULL,
  PRIMARY KEY (order_id, item)
) STRICT, WITHOUT ROWID;

CREATE INDEX order_item_state ON order_item (state, mark) WHERE live = 1;
CREATE INDEX order_item_property ON order_item (property, order_id) WHERE live = 1;

-- Every legal move, seeded from the transition table when the store is opened.
CREATE TABLE order_transition (
  from_place TEXT NOT NULL,
  event      TEXT NOT NULL,
  to_place   TEXT NOT NULL,
  PRIMARY KEY (from_place, event, to_place)
) STRICT, WITHOUT ROWID;

CREATE TABLE order_step (
  assigned_resource INTEGER NOT NULL REFERENCES assigned_resource (id),
  item              INTEGER NOT NULL,
  step              INTEGER NOT NULL CHECK (step > 0),
  prev_step         INTEGER CHECK (prev_step = step - 1),
  from_place        TEXT    NOT NULL,
  event             TEXT    NOT NULL,
  to_place          TEXT    NOT NULL,
  order_id          INTEGER NOT NULL,
  at                INTEGER NOT NULL,
  actor             TEXT    NOT NULL,
  why               TEXT    NOT NULL,
  PRIMARY KEY (assigned_resource, item, step),        -- two writers of one step: one wins
  UNIQUE (assigned_resource, item, step, to_place),
  CHECK ((step = 1) = (prev_step IS NULL)),
  CHECK (step > 1 OR from_place IN ('None', 'Verified', 'Verified (frozen)', 'Executed',
    'Inactive', 'Inactive (declined)', 'Inactive (released)')),
  FOREIGN KEY (from_place, event, to_place)           -- only legal moves
    REFERENCES order_transition (from_place, event, to_place),
  FOREIGN KEY (assigned_resource, item, prev_step, from_place) -- only from where it really is
    REFERENCES order_step (assigned_resource, item, step, to_place)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER order_step_is_not_edited BEFORE UPDATE ON order_step
BEGIN SELECT RAISE(ABORT, 'steps are append-only'); END;

CREATE TRIGGER order_step_is_not_deleted BEFORE DELETE ON order_step
BEGIN SELECT RAISE(ABORT, 'steps are append-only'); END;

CREATE TABLE park (
  type     TEXT    NOT NULL,
  kind     TEXT    NOT NULL,
  since_at INTEGER NOT NULL,
  orders   INTEGER NOT NULL,
  ceiling  INTEGER NOT NULL,
  why      TEXT    NOT NULL,
  PRIMARY KEY (type, kind)
) STRICT, WITHOUT ROWID;

CREATE TABLE due (
  what        TEXT    NOT NULL,
  subject     TEXT    NOT NULL,
  not_before  INTEGER NOT NULL,
  holder      TEXT    NOT NULL,
  lease_until INTEGER NOT NULL,
  PRIMARY KEY (what, subject)
) STRICT, WITHOUT ROWID;

CREATE INDEX due_time ON due (not_before);

-- Sealed: a copy of the database reveals names and lengths, no value.
CREATE TABLE secret (
  name        TEXT    NOT NULL PRIMARY KEY,
  version     INTEGER NOT NULL,
  wrapped_key TEXT    NOT NULL,
  sealed      TEXT    NOT NULL,
  set_at      INTEGER NOT NULL,
  set_by      TEXT    NOT NULL
) STRICT, WITHOUT ROWID;

-- What a large reading changes, written in pieces before the reading is committed.
CREATE TABLE reading_change (
  reading      INTEGER NOT NULL REFERENCES reading (id),
  resource_key TEXT    NOT NULL,
  removed      INTEGER NOT NULL,
  display      TEXT    NOT NULL,
  document     TEXT    NOT NULL,
  hash         TEXT    NOT NULL,
  PRIMARY KEY (reading, resource_key)
) STRICT, WITHOUT ROWID;

-- The committed reading whose changes are still on their way into resource.
CREATE TABLE reading_folding (
  entity  TEXT    NOT NULL PRIMARY KEY,
  reading INTEGER NOT NULL REFERENCES reading (id)
) STRICT, WITHOUT ROWID;

-- What people settled about an owner and a role: an input of every evaluation.
CREATE TABLE role_decision (
  owner_type  TEXT    NOT NULL,
  owner_key   TEXT    NOT NULL,
  role        TEXT    NOT NULL,
  parameters  TEXT    NOT NULL,
  workflow    INTEGER NOT NULL,
  from_at     INTEGER NOT NULL,
  to_at       INTEGER NOT NULL,
  at          INTEGER NOT NULL,
  actor       TEXT    NOT NULL,
  why         TEXT    NOT NULL,
  request     INTEGER NOT NULL,
  found       INTEGER NOT NULL,
  yields_from INTEGER NOT NULL,
  yields_to   INTEGER NOT NULL,
  PRIMARY KEY (owner_type, owner_key, role, parameters)
) STRICT, WITHOUT ROWID;

-- What people ask for about roles, and what was said in each approval step.
CREATE TABLE request (
  id         INTEGER NOT NULL PRIMARY KEY,
  owner_type TEXT    NOT NULL,
  owner_key  TEXT    NOT NULL,
  role       TEXT    NOT NULL,
  action     TEXT    NOT NULL,
  parameters TEXT    NOT NULL,
  from_at    INTEGER NOT NULL,
  to_at      INTEGER NOT NULL,
  why        TEXT    NOT NULL,
  actor      TEXT    NOT NULL,
  at         INTEGER NOT NULL,
  workflow   INTEGER NOT NULL CHECK (workflow IN (2, 4, 8, 9, 10, 11, 12, 13, 16, 17, 19, 20)),
  since_at   INTEGER NOT NULL,
  remarks    TEXT    NOT NULL,
  stuck      TEXT    NOT NULL,
  version    INTEGER NOT NULL CHECK (version > 0)
) STRICT;

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
  request INTEGER NOT NULL REFERENCES request (id),
  step    INTEGER NOT NULL,
  actor   TEXT    NOT NULL,
  at      INTEGER NOT NULL,
  approve INTEGER NOT NULL,
  why     TEXT    NOT NULL,
  how     TEXT    NOT NULL,
  PRIMARY KEY (request, step)
) STRICT, WITHOUT ROWID;

-- Nobody decides two steps of one request.
CREATE UNIQUE INDEX request_step_once ON request_step (request, actor) WHERE how = 'reviewer';

-- For whom an open request waits.
CREATE TABLE request_reviewer (
  person  TEXT    NOT NULL,
  request INTEGER NOT NULL REFERENCES request (id),
  seat    TEXT    NOT NULL,
  PRIMARY KEY (person, request)
) STRICT, WITHOUT ROWID;

CREATE INDEX request_reviewer_request ON request_reviewer (request);

-- Since when each automation rule is deployed: before that no time counts.
CREATE TABLE automation_rule (
  mark     TEXT    NOT NULL PRIMARY KEY,
  since_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- What people wrote beside a synchronized source, also of resources that are not
-- there at present.
CREATE TABLE resource_edit (
  entity       TEXT    NOT NULL,
  resource_key TEXT    NOT NULL,
  property     TEXT    NOT NULL,
  holds        TEXT    NOT NULL,
  at           INTEGER NOT NULL,
  actor        TEXT    NOT NULL,
  PRIMARY KEY (entity, resource_key, property)
) STRICT, WITHOUT ROWID;

-- What people started, each with its proposed values and its workflow state.
CREATE TABLE workflow (
  id           INTEGER NOT NULL PRIMARY KEY,
  workflow     TEXT    NOT NULL,
  action       TEXT    NOT NULL,
  entity       TEXT    NOT NULL,
  resource_key TEXT    NOT NULL,
  changes      TEXT    NOT NULL,
  why          TEXT    NOT NULL,
  actor        TEXT    NOT NULL,
  at           INTEGER NOT NULL,
  state        INTEGER NOT NULL,
  since_at     INTEGER NOT NULL,
  version      INTEGER NOT NULL
) STRICT;

CREATE INDEX workflow_open ON workflow (id) WHERE state IN (4, 8, 9, 10, 11, 12, 13);
CREATE INDEX workflow_subject ON workflow (entity, resource_key, id);

-- One ruling for each approval step.
CREATE TABLE workflow_step (
  workflow INTEGER NOT NULL REFERENCES workflow (id),
  step     INTEGER NOT NULL,
  actor    TEXT    NOT NULL,
  at       INTEGER NOT NULL,
  approve  INTEGER NOT NULL,
  why      TEXT    NOT NULL,
  PRIMARY KEY (workflow, step)
) STRICT, WITHOUT ROWID;

-- What the next evaluation has to look at anew: resources, owners, targets of a
-- resource type, or everything. Marked in the transaction that changes it.
CREATE TABLE to_evaluate (
  kind         TEXT    NOT NULL,
  entity       TEXT    NOT NULL,
  resource_key TEXT    NOT NULL,
  marks        INTEGER NOT NULL,
  PRIMARY KEY (kind, entity, resource_key)
) STRICT, WITHOUT ROWID;

-- On what the last evaluation of everybody was based; one row.
CREATE TABLE evaluation (
  name  TEXT NOT NULL PRIMARY KEY,
  basis TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- By what people and programs sign in. The password is a hash; a session and a
-- token of an older epoch are void.
CREATE TABLE account (
  name        TEXT    NOT NULL PRIMARY KEY,
  person_type TEXT    NOT NULL,
  person_key  TEXT    NOT NULL,
  hash        TEXT    NOT NULL,
  issuer      TEXT    NOT NULL,
  subject     TEXT    NOT NULL,
  epoch       INTEGER NOT NULL,
  disabled_at INTEGER NOT NULL,
  at          INTEGER NOT NULL,
  actor       TEXT    NOT NULL
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX account_subject ON account (issuer, subject) WHERE subject <> '';

-- Who has which profile: an account (holder_type is empty) or a person.
CREATE TABLE profile_assignment (
  id             INTEGER NOT NULL PRIMARY KEY,
  holder_type    TEXT    NOT NULL,
  holder_key     TEXT    NOT NULL,
  profile        TEXT    NOT NULL,
  scope          TEXT    NOT NULL,
  how            TEXT    NOT NULL,
  from_at        INTEGER NOT NULL,
  to_at          INTEGER NOT NULL,
  delegator_type TEXT    NOT NULL,
  delegator_key  TEXT    NOT NULL,
  actor          TEXT    NOT NULL,
  at             INTEGER NOT NULL,
  why            TEXT    NOT NULL,
  revoked_at     INTEGER NOT NULL
) STRICT;

CREATE INDEX profile_assignment_holder ON profile_assignment (holder_type, holder_key, id);

-- Who is signed in in a browser, under the hash of what the browser holds.
CREATE TABLE session (
  hash       TEXT    NOT NULL PRIMARY KEY,
  content    BLOB    NOT NULL,
  expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX session_age ON session (expires_at);

-- What programs show, as a hash.
CREATE TABLE api_token (
  id         INTEGER NOT NULL PRIMARY KEY,
  hash       TEXT    NOT NULL UNIQUE,
  account    TEXT    NOT NULL,
  name       TEXT    NOT NULL,
  epoch      INTEGER NOT NULL,
  at         INTEGER NOT NULL,
  actor      TEXT    NOT NULL,
  expires_at INTEGER NOT NULL,
  used_at    INTEGER NOT NULL,
  revoked_at INTEGER NOT NULL
) STRICT;

CREATE INDEX api_token_account ON api_token (account, id);

-- The one-time link by which the first account is made, as a hash.
CREATE TABLE first_link (
  id         INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
  hash       TEXT    NOT NULL,
  expires_at INTEGER NOT NULL
) STRICT;

-- What a program was answered under an Idempotency-Key, for a day: asked again, it
-- is answered the same, and nothing is done twice. Status 0: it is being done.
CREATE TABLE kept_answer (
  id         TEXT    NOT NULL PRIMARY KEY,
  request    TEXT    NOT NULL,
  status     INTEGER NOT NULL,
  kind       TEXT    NOT NULL,
  content    BLOB    NOT NULL,
  expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX kept_answer_age ON kept_answer (expires_at);

-- What people and other systems are told: written together with what it tells of,
-- and sent afterwards.
CREATE TABLE message (
  id        INTEGER NOT NULL PRIMARY KEY,
  way       TEXT    NOT NULL,
  recipient TEXT    NOT NULL,
  address   TEXT    NOT NULL,
  subject   TEXT    NOT NULL,
  content   BLOB    NOT NULL,
  at        INTEGER NOT NULL,
  state     TEXT    NOT NULL CHECK (state IN ('waiting', 'sent', 'failed')),
  attempts  INTEGER NOT NULL,
  next_at   INTEGER NOT NULL,
  sent_at   INTEGER NOT NULL,
  why       TEXT    NOT NULL
) STRICT;

CREATE INDEX message_waiting ON message (way, next_at) WHERE state = 'waiting';
CREATE INDEX message_recipient_id ON message (recipient, id);

-- What a recipient was told of and still waits for him.
CREATE TABLE message_told (
  recipient TEXT    NOT NULL,
  matter    TEXT    NOT NULL,
  at        INTEGER NOT NULL,
  PRIMARY KEY (recipient, matter)
) STRICT, WITHOUT ROWID;

-- How a recipient wants to be told, where he chose, and when his last digest was
-- written.
CREATE TABLE message_recipient (
  recipient TEXT    NOT NULL PRIMARY KEY,
  how       TEXT    NOT NULL,
  hour      TEXT    NOT NULL,
  zone      TEXT    NOT NULL,
  digest_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

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
  id         INTEGER NOT NULL PRIMARY KEY,
  job        TEXT NOT NULL,
  connector  TEXT NOT NULL,
  state      TEXT NOT NULL CHECK (state IN ('waiting', 'running', 'done', 'failed', 'aborted')),
  attempt    INTEGER NOT NULL,
  at         INTEGER NOT NULL,
  not_before INTEGER NOT NULL,
  began_at   INTEGER NOT NULL,
  ended_at   INTEGER NOT NULL,
  abort      INTEGER NOT NULL,
  touched_at INTEGER NOT NULL,
  content    TEXT NOT NULL
) STRICT;

-- The same job of the same connector is open once.
CREATE UNIQUE INDEX job_run_open ON job_run (job, connector) WHERE state IN ('waiting', 'running');
CREATE INDEX job_run_touched ON job_run (touched_at);
CREATE INDEX job_run_of ON job_run (job, connector, id);
