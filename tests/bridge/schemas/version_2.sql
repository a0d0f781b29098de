-- What the second schema has more than version_1.sql, with a change whose outcome is open. Do not change this text.
UPDATE schema_version SET version = 2;
CREATE TABLE changes (
	number INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	wire_id BIGINT NOT NULL, 
	operation BIGINT NOT NULL, 
	mark BLOB NOT NULL, 
	request_mark BLOB NOT NULL, 
	method VARCHAR NOT NULL, 
	token_id INTEGER, 
	"key" VARCHAR, 
	begun DATETIME NOT NULL, 
	state VARCHAR NOT NULL, 
	answer BLOB NOT NULL, 
	told BOOLEAN NOT NULL, 
	ended DATETIME
);
CREATE INDEX ix_changes_wire_id ON changes (wire_id);
INSERT INTO changes VALUES (
    5, 4294967295, 9, X'01', X'02', 'pin_create', 7, 'key', '2026-05-04 12:00:00.000000', 'unconfirmed', X'', 0, NULL
);
