-- Instants are microseconds since 1970. Ids rise with time, so that the newest accident has the highest.

-- One child's accident. `version` is that of the account which stands.
CREATE TABLE accidents (
    id TEXT PRIMARY KEY,
    school TEXT NOT NULL,
    pupil_id TEXT NOT NULL,
    recorded_at BIGINT NOT NULL,
    amended_at BIGINT,
    version BIGINT NOT NULL
);
CREATE INDEX accidents_of_school ON accidents (school, id);
CREATE INDEX accidents_of_pupil ON accidents (school, pupil_id, id);

-- Every account that was given of an accident, by whom, when and why: it is a legal record. Rows are only ever added.
CREATE TABLE accounts (
    accident_id TEXT NOT NULL REFERENCES accidents (id),
    version BIGINT NOT NULL,
    at BIGINT NOT NULL,
    who TEXT NOT NULL,
    -- Empty for the first.
    why TEXT NOT NULL,
    -- 'minor' or 'head_injury'.
    kind TEXT NOT NULL,
    what TEXT NOT NULL,
    place TEXT NOT NULL,
    happened_at BIGINT NOT NULL,
    -- What was given, or why nothing was: one of the two.
    first_aid TEXT,
    no_first_aid_because TEXT,
    first_aider TEXT NOT NULL,
    names_checked BOOLEAN NOT NULL,
    PRIMARY KEY (accident_id, version)
);
