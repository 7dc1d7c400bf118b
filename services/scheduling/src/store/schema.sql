-- Instants are microseconds since 1970; days are ISO dates.

-- One school. `version` rises with every decision about its days and closures, so that of two that
-- are made at once the second decides again. `calendar_version` is that of the calendar that was said
-- last, `described_version` that of the description that was heard last.
CREATE TABLE schools (
    school TEXT PRIMARY KEY,
    version BIGINT NOT NULL,
    calendar_version BIGINT NOT NULL,
    described_version BIGINT NOT NULL
);

-- What a school has made of a day: 'inset', 'occasional', or 'none' when it took that back.
CREATE TABLE set_asides (
    school TEXT NOT NULL,
    date TEXT NOT NULL,
    kind TEXT NOT NULL,
    set_at BIGINT NOT NULL,
    set_by TEXT NOT NULL,
    PRIMARY KEY (school, date)
);

-- A closure as it is now. `scope` is JSON; `state` is 'declared' or 'ended'; `asked_for` is the last day
-- that has passed and after which a person was asked to end it.
CREATE TABLE closures (
    id TEXT PRIMARY KEY,
    school TEXT NOT NULL,
    scope TEXT NOT NULL,
    first_day TEXT NOT NULL,
    from_session TEXT NOT NULL,
    last_day TEXT NOT NULL,
    reason TEXT NOT NULL,
    collection TEXT NOT NULL,
    state TEXT NOT NULL,
    declared_at BIGINT NOT NULL,
    ended_at BIGINT,
    open_on TEXT,
    not_closed_from TEXT,
    asked_for TEXT,
    version BIGINT NOT NULL
);
CREATE INDEX closures_days ON closures (school, last_day);
CREATE INDEX closures_declared ON closures (last_day) WHERE state = 'declared';

-- Every version of a closure and whose it was: registers rest on it. Rows are only ever added.
CREATE TABLE closure_versions (
    id {{serial}},
    school TEXT NOT NULL,
    closure_id TEXT NOT NULL,
    version BIGINT NOT NULL,
    at BIGINT NOT NULL,
    who TEXT NOT NULL,
    rpc TEXT NOT NULL,
    last_day TEXT NOT NULL,
    reason TEXT NOT NULL,
    collection TEXT NOT NULL,
    state TEXT NOT NULL,
    open_on TEXT,
    UNIQUE (closure_id, version)
);
