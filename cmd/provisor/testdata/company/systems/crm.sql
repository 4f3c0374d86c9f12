CREATE TABLE accounts (login TEXT PRIMARY KEY, email TEXT, name TEXT);
CREATE TABLE teams (code TEXT PRIMARY KEY);
CREATE TABLE memberships (login TEXT, team TEXT, PRIMARY KEY (login, team));
INSERT INTO teams VALUES ('sales');
