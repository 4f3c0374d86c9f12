PRAGMA journal_mode = WAL;
CREATE TABLE users (
  login       TEXT PRIMARY KEY,
  employee_no TEXT,
  name        TEXT,
  email       TEXT,
  title       TEXT,
  department  TEXT,
  active      INTEGER
);
CREATE TABLE groups (code TEXT PRIMARY KEY, name TEXT);
CREATE TABLE members (login TEXT, code TEXT, PRIMARY KEY (login, code));
INSERT INTO groups VALUES ('everybody', 'Everybody'), ('workshop', 'Workshop'), ('joinery', 'Joinery'), ('forge', 'Forge'), ('sales', 'Sales'),
  ('till', 'Till of the shop'), ('drawings', 'Drawings'), ('drawings-edit', 'Drawings, to edit'), ('books', 'The books'),
  ('heads', 'Heads of department'), ('purchasing', 'Purchasing'), ('van', 'The van');
INSERT INTO users VALUES ('backup', NULL, 'Nightly backup', NULL, NULL, NULL, 1),
  ('sonia.matos', 'P05', 'Sonia Matos', 'SONIA.MATOS@OAKANDIRON.EXAMPLE', 'Bookkeeper', 'Finance', 1),
  ('teresa.vale', 'P29', 'Teresa Vale', 'teresa.vale@oakandiron.example', 'Bookkeeper', 'Finance', 1);
INSERT INTO members VALUES ('sonia.matos', 'everybody'), ('sonia.matos', 'books'), ('teresa.vale', 'books');
