-- Instants are microseconds since 1970. Rows are only ever added.

-- What was sent. `scope` is the scope of its fact as JSON; `subject` and `body` are the e-mail,
-- both or neither.
CREATE TABLE announcements (
    school TEXT NOT NULL,
    id TEXT NOT NULL,
    scope TEXT NOT NULL,
    subject TEXT,
    body TEXT,
    text TEXT,
    sent_at BIGINT NOT NULL,
    sent_by TEXT NOT NULL,
    tell_until BIGINT NOT NULL,
    PRIMARY KEY (school, id)
);
