-- Instants are microseconds since 1970. Nothing here is about a person.

-- Every school that anything was heard about, and how old that is.
CREATE TABLE schools (
    school TEXT PRIMARY KEY,
    changed_at BIGINT NOT NULL,
    heard_at BIGINT NOT NULL
);

-- The latest version of each alert. What has expired stays, so that a late fact of a lower version
-- cannot bring an older word back.
CREATE TABLE alerts (
    school TEXT NOT NULL,
    subject TEXT NOT NULL,
    version BIGINT NOT NULL,
    kind TEXT NOT NULL,
    headline TEXT NOT NULL,
    body TEXT NOT NULL,
    published_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    PRIMARY KEY (school, subject)
);
CREATE INDEX alerts_shown ON alerts (school, expires_at);

-- The latest calendar of each school, as its fact said it.
CREATE TABLE calendars (
    school TEXT PRIMARY KEY,
    version BIGINT NOT NULL,
    changed_at BIGINT NOT NULL,
    calendar TEXT NOT NULL
);
