PRAGMA journal_mode = WAL;
CREATE TABLE openers (staff_no TEXT PRIMARY KEY, name TEXT, until TEXT);
