-- The words that took the place of an announcement's, each with its version: the newest stands. Rows are only
-- ever added. `subject` and `body` are the e-mail, both or neither, as they were sent.
CREATE TABLE corrections (
    school TEXT NOT NULL,
    announcement_id TEXT NOT NULL,
    version BIGINT NOT NULL,
    subject TEXT,
    body TEXT,
    text TEXT,
    corrected_at BIGINT NOT NULL,
    corrected_by TEXT NOT NULL,
    tell_until BIGINT NOT NULL,
    PRIMARY KEY (school, announcement_id, version)
);
