PRAGMA journal_mode = WAL;
CREATE TABLE users (login TEXT PRIMARY KEY, staff_no TEXT, name TEXT, kind TEXT, valid_to TEXT, active INTEGER);
CREATE TABLE profiles (code TEXT PRIMARY KEY, name TEXT);
CREATE TABLE wards (code TEXT PRIMARY KEY, name TEXT);
CREATE TABLE user_profiles (login TEXT, code TEXT, PRIMARY KEY (login, code));
CREATE TABLE user_wards (login TEXT, code TEXT, PRIMARY KEY (login, code));
INSERT INTO profiles VALUES ('read', 'Read records'), ('document', 'Write nursing notes'), ('diagnose', 'Write diagnoses'),
  ('prescribe', 'Prescribe'), ('dispense', 'Dispense'), ('admit', 'Admit patients'), ('support', 'Look after the application');
INSERT INTO wards VALUES ('MED', 'Internal medicine'), ('SUR', 'Surgery'), ('EMG', 'Emergency'), ('ICU', 'Intensive care');
