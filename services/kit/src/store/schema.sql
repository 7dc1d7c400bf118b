-- What every service keeps beside its own rows. {{serial}}, {{bytes}} and {{hot}} stand for what
-- the two databases write differently. Instants are microseconds since 1970.
CREATE TABLE outbox (
    id {{serial}},
    event_id TEXT NOT NULL UNIQUE,
    subject TEXT NOT NULL,
    body TEXT NOT NULL,
    traceparent TEXT,
    created_at BIGINT NOT NULL,
    sent_at BIGINT
);
CREATE INDEX outbox_unsent ON outbox (id) WHERE sent_at IS NULL;
CREATE INDEX outbox_by_age ON outbox (sent_at) WHERE sent_at IS NOT NULL;
CREATE TABLE streams (
    name TEXT PRIMARY KEY,
    created TEXT NOT NULL
);
CREATE TABLE inbox (
    event_id TEXT PRIMARY KEY,
    received_at BIGINT NOT NULL
);
CREATE TABLE answers (
    tenant TEXT NOT NULL,
    request_id TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    answer {{bytes}} NOT NULL,
    audited BOOLEAN NOT NULL,
    answered_at BIGINT NOT NULL,
    PRIMARY KEY (tenant, request_id)
);
CREATE INDEX answers_by_age ON answers (answered_at);
CREATE INDEX inbox_by_age ON inbox (received_at);
CREATE TABLE audit (
    id {{serial}},
    tenant TEXT NOT NULL,
    at BIGINT NOT NULL,
    who TEXT NOT NULL,
    rpc TEXT NOT NULL,
    subjects TEXT NOT NULL
);
CREATE INDEX audit_by_tenant ON audit (tenant, at);
CREATE TABLE tasks (
    id TEXT PRIMARY KEY,
    tenant TEXT NOT NULL,
    dedupe TEXT NOT NULL,
    kind TEXT NOT NULL,
    subjects TEXT NOT NULL,
    why TEXT NOT NULL,
    role TEXT NOT NULL,
    opened_at BIGINT NOT NULL,
    due_at BIGINT NOT NULL,
    state TEXT NOT NULL,
    done_by TEXT NOT NULL,
    outcome TEXT NOT NULL,
    UNIQUE (tenant, dedupe)
);
CREATE INDEX tasks_by_tenant ON tasks (tenant, state, due_at);
CREATE TABLE dead_letters (
    id TEXT PRIMARY KEY,
    tenant TEXT,
    consumer TEXT NOT NULL,
    subject TEXT NOT NULL,
    event_id TEXT,
    body {{bytes}} NOT NULL,
    why TEXT NOT NULL,
    died_at BIGINT NOT NULL,
    replayed_at BIGINT
);
