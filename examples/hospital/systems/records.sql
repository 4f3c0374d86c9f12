PRAGMA journal_mode = WAL;
CREATE TABLE users (login TEXT PRIMARY KEY, staff_no TEXT, name TEXT, kind TEXT, valid_to TEXT, active INTEGER);
CREATE TABLE profiles (code TEXT PRIMARY KEY, name TEXT);
CREATE TABLE user_profiles (login TEXT, code TEXT, PRIMARY KEY (login, code));
CREATE TABLE ward_access (id TEXT PRIMARY KEY, staff_no TEXT, ward TEXT, function TEXT);
INSERT INTO profiles VALUES ('read', 'Read records'), ('document', 'Write nursing notes'), ('diagnose', 'Write diagnoses'),
  ('prescribe', 'Prescribe'), ('dispense', 'Dispense'), ('admit', 'Admit patients'), ('support', 'Look after the application');
