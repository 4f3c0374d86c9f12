PRAGMA journal_mode = WAL;
CREATE TABLE carriers (staff_no TEXT PRIMARY KEY, name TEXT);
CREATE TABLE groups (code TEXT PRIMARY KEY, name TEXT);
CREATE TABLE group_members (staff_no TEXT, code TEXT, PRIMARY KEY (staff_no, code));
INSERT INTO groups VALUES ('OC-ICU', 'Intensive care on call'), ('OC-EMG', 'Emergency on call'), ('OC-SUR', 'Surgery on call');
