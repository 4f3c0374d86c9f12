PRAGMA journal_mode = WAL;
CREATE TABLE accounts (login TEXT PRIMARY KEY, student_no TEXT, name TEXT, mail TEXT, faculty TEXT, status TEXT);
CREATE TABLE services (code TEXT PRIMARY KEY, name TEXT);
CREATE TABLE account_services (login TEXT, code TEXT, PRIMARY KEY (login, code));
INSERT INTO services VALUES ('courses', 'Courses'), ('library', 'Library'), ('laboratory', 'Laboratories'), ('case-law', 'Case law'),
  ('clinic', 'Teaching clinic');
