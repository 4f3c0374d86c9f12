CREATE TABLE users (login TEXT PRIMARY KEY, name TEXT, email TEXT);
