-- The first schema, as SQLAlchemy wrote it, with a lock, a token and its grant. Do not change this text.
CREATE TABLE schema_version (
	version INTEGER NOT NULL, 
	PRIMARY KEY (version)
);
INSERT INTO schema_version VALUES (1);
CREATE TABLE locks (
	id INTEGER NOT NULL, 
	name VARCHAR NOT NULL, 
	target VARCHAR NOT NULL, 
	wire_id BIGINT NOT NULL, 
	public_key BLOB NOT NULL, 
	state VARCHAR NOT NULL, 
	zone VARCHAR NOT NULL, 
	version INTEGER NOT NULL, 
	list_version BIGINT, 
	PRIMARY KEY (id), 
	UNIQUE (name), 
	UNIQUE (wire_id)
);
INSERT INTO locks VALUES (
    1, 'front door', 'serial:/dev/ttyUSB0?baud=115200', 4294967295,
    X'000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F', 'paired', 'Europe/Warsaw', 1, 4294967295
);
CREATE TABLE tokens (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	hash BLOB NOT NULL, 
	scopes VARCHAR NOT NULL, 
	expires DATETIME, 
	last_used DATETIME, 
	UNIQUE (hash)
);
INSERT INTO tokens VALUES (
    7, X'DCD0F3F2D09F4D8546688A652BC38BC4EEC27E524986BC679D93EA3676001C16', 'Device.Read Lock.Operate', NULL, '2026-05-04 12:00:00.000000'
);
CREATE TABLE grants (
	token_id INTEGER NOT NULL, 
	lock_id INTEGER NOT NULL, 
	PRIMARY KEY (token_id, lock_id), 
	FOREIGN KEY(token_id) REFERENCES tokens (id) ON DELETE CASCADE, 
	FOREIGN KEY(lock_id) REFERENCES locks (id) ON DELETE CASCADE
);
INSERT INTO grants VALUES (7, 1);
