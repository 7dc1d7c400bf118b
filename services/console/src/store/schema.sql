-- Who may sign in to the console, and who is signed in. Instants are microseconds since 1970.
CREATE TABLE people (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    made_at BIGINT NOT NULL
);
-- By which somebody signs in with a password and a code.
CREATE TABLE accounts (
    person_id TEXT PRIMARY KEY,
    -- What the person types, in small letters.
    username TEXT NOT NULL UNIQUE,
    -- Argon2id, as a PHC string.
    password TEXT NOT NULL,
    -- Of the codes of an app, in base32.
    secret TEXT NOT NULL,
    -- The step of the last code that was used: each is good once.
    last_step BIGINT NOT NULL
);
-- By which somebody signs in elsewhere.
CREATE TABLE identities (
    issuer TEXT NOT NULL,
    -- As whom the issuer knows the person, for ever.
    subject TEXT NOT NULL,
    person_id TEXT NOT NULL,
    PRIMARY KEY (issuer, subject)
);
-- What a person may do, school by school.
CREATE TABLE grants (
    person_id TEXT NOT NULL,
    school TEXT NOT NULL,
    -- A list of names, as JSON.
    roles TEXT NOT NULL,
    granted_by TEXT NOT NULL,
    granted_at BIGINT NOT NULL,
    PRIMARY KEY (person_id, school)
);
CREATE INDEX grants_by_school ON grants (school);
-- Links by which somebody makes an account, once.
CREATE TABLE invitations (
    -- The fingerprint of what stands in the link.
    id TEXT PRIMARY KEY,
    school TEXT NOT NULL,
    name TEXT NOT NULL,
    roles TEXT NOT NULL,
    invited_by TEXT NOT NULL,
    -- Of the form that made it: sent twice, it makes one link, which is the second.
    request_id TEXT NOT NULL,
    -- Who gets another key; none when it makes somebody new.
    person_id TEXT,
    ends_at BIGINT NOT NULL,
    used_at BIGINT
);
CREATE INDEX invitations_by_school ON invitations (school);
CREATE TABLE sessions (
    -- The fingerprint of what the browser has.
    id TEXT PRIMARY KEY,
    subject TEXT NOT NULL,
    school TEXT NOT NULL,
    roles TEXT NOT NULL,
    name TEXT NOT NULL,
    mark TEXT NOT NULL,
    device TEXT NOT NULL,
    began_at BIGINT NOT NULL,
    seen_at BIGINT NOT NULL
);
CREATE INDEX sessions_by_subject ON sessions (school, subject);
