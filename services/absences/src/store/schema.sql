-- Instants are microseconds since 1970; `date` is an ISO date, `session` 'morning' or 'afternoon'.

-- One session of one school: open until the school-wide close. `version` rises with everything that
-- the close must have seen.
CREATE TABLE sessions (
    school TEXT NOT NULL,
    date TEXT NOT NULL,
    session TEXT NOT NULL,
    closes_at BIGINT NOT NULL,
    ends_at BIGINT NOT NULL,
    posted_at BIGINT,
    closed_at BIGINT,
    closing TEXT,
    version BIGINT NOT NULL,
    PRIMARY KEY (school, date, session)
);
CREATE INDEX sessions_unclosed ON sessions (closes_at) WHERE closed_at IS NULL AND posted_at IS NOT NULL;

-- One class's register of a session.
CREATE TABLE registers (
    school TEXT NOT NULL,
    date TEXT NOT NULL,
    session TEXT NOT NULL,
    class_id TEXT NOT NULL,
    posted_at BIGINT NOT NULL,
    posted_by TEXT NOT NULL,
    version BIGINT NOT NULL,
    PRIMARY KEY (school, date, session, class_id)
);

-- One pupil's mark in a session, and what is known beside it.
CREATE TABLE entries (
    school TEXT NOT NULL,
    date TEXT NOT NULL,
    session TEXT NOT NULL,
    pupil_id TEXT NOT NULL,
    class_id TEXT,
    code TEXT,
    known TEXT NOT NULL,
    known_code TEXT,
    note TEXT NOT NULL,
    version BIGINT NOT NULL,
    PRIMARY KEY (school, date, session, pupil_id)
);

-- Every change of an entry: the register is a legal record. Rows are only ever added.
CREATE TABLE entry_changes (
    id {{serial}},
    school TEXT NOT NULL,
    date TEXT NOT NULL,
    session TEXT NOT NULL,
    pupil_id TEXT NOT NULL,
    version BIGINT NOT NULL,
    at BIGINT NOT NULL,
    who TEXT NOT NULL,
    rpc TEXT NOT NULL,
    code_before TEXT,
    code_after TEXT,
    known_after TEXT NOT NULL,
    known_code_after TEXT,
    note_after TEXT NOT NULL,
    UNIQUE (school, date, session, pupil_id, version)
);

-- The follow-up of an `N`.
CREATE TABLE cases (
    id TEXT NOT NULL UNIQUE,
    school TEXT NOT NULL,
    date TEXT NOT NULL,
    session TEXT NOT NULL,
    pupil_id TEXT NOT NULL,
    ends_at BIGINT NOT NULL,
    opened_at BIGINT NOT NULL,
    state TEXT NOT NULL,
    state_at BIGINT NOT NULL,
    told_at BIGINT,
    code TEXT,
    because TEXT,
    version BIGINT NOT NULL,
    PRIMARY KEY (school, date, session, pupil_id)
);
CREATE INDEX cases_open ON cases (school, id) WHERE state IN ('waiting', 'announced', 'person');
