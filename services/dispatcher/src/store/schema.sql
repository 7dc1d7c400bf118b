-- The dispatcher's own tables. Instants are microseconds since 1970.

-- Notices of one kind that wait together; one message per address carries them.
CREATE TABLE gatherings (
    id TEXT PRIMARY KEY,
    school TEXT NOT NULL,
    kind TEXT NOT NULL,
    topic TEXT NOT NULL,
    -- What the words need besides names, as JSON.
    about TEXT NOT NULL,
    -- It is said to the whole school, and says nothing about any child, nor where children are.
    general BOOLEAN NOT NULL,
    state TEXT NOT NULL,
    opened_at BIGINT NOT NULL,
    leaves_at BIGINT NOT NULL,
    valid_until BIGINT NOT NULL,
    -- Rises with every later step that is planned, so that no two are planned from the same knowledge.
    steps BIGINT NOT NULL
);
CREATE INDEX gatherings_open ON gatherings (leaves_at) WHERE state = 'open';
-- Two facts that come at the same moment join one gathering, whoever is faster.
CREATE UNIQUE INDEX gatherings_one_open ON gatherings (school, kind, topic) WHERE state = 'open';

-- One thing to be told because of a fact.
CREATE TABLE notices (
    id TEXT PRIMARY KEY,
    school TEXT NOT NULL,
    kind TEXT NOT NULL,
    gathering_id TEXT NOT NULL,
    event_id TEXT NOT NULL,
    subject TEXT NOT NULL,
    -- None when it is about everybody in the scope of its gathering.
    pupil_id TEXT,
    state TEXT NOT NULL,
    why TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    valid_until BIGINT NOT NULL,
    withdrawn_at BIGINT
);
CREATE INDEX notices_by_gathering ON notices (gathering_id);
CREATE INDEX notices_by_subject ON notices (subject);
CREATE INDEX notices_by_pupil ON notices (school, pupil_id);
CREATE INDEX notices_arrived ON notices (valid_until) WHERE state = 'withdrawn' AND why = 'ARRIVED';

-- The latest version that was heard of a thing; older news of it makes no notice.
CREATE TABLE versions (
    school TEXT NOT NULL,
    subject TEXT NOT NULL,
    version BIGINT NOT NULL,
    PRIMARY KEY (school, subject)
);

-- What a sender leases as a whole.
CREATE TABLE chunks (
    id TEXT PRIMARY KEY,
    school TEXT NOT NULL,
    -- By what all of it leaves, so that a provider that hangs holds up nobody else's.
    channel TEXT NOT NULL,
    lane BIGINT NOT NULL,
    due_at BIGINT NOT NULL,
    owner TEXT,
    lease_until BIGINT
);
CREATE INDEX chunks_due ON chunks (channel, lane, due_at);

-- One contact or more at one address, one gathering, one fate.
CREATE TABLE deliveries (
    id TEXT PRIMARY KEY,
    chunk_id TEXT,
    school TEXT NOT NULL,
    gathering_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    channel TEXT NOT NULL,
    address TEXT NOT NULL,
    state TEXT NOT NULL,
    why TEXT NOT NULL,
    attempts BIGINT NOT NULL,
    reference TEXT,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    valid_until BIGINT NOT NULL,
    patience_until BIGINT,
    next_address BOOLEAN NOT NULL
) {{hot}};
CREATE INDEX deliveries_by_chunk ON deliveries (chunk_id) WHERE chunk_id IS NOT NULL;
CREATE INDEX deliveries_by_gathering ON deliveries (gathering_id);
CREATE INDEX deliveries_by_patience ON deliveries (patience_until) WHERE patience_until IS NOT NULL;
CREATE INDEX deliveries_to_follow ON deliveries (id) WHERE next_address;

-- Whom a delivery tells about whom.
CREATE TABLE members (
    delivery_id TEXT NOT NULL,
    contact_id TEXT NOT NULL,
    pupil_id TEXT NOT NULL,
    notice_id TEXT NOT NULL,
    told BOOLEAN NOT NULL,
    why TEXT NOT NULL,
    corrected_by TEXT,
    PRIMARY KEY (delivery_id, contact_id, pupil_id)
);
CREATE INDEX members_by_notice ON members (notice_id);
CREATE INDEX members_by_contact ON members (contact_id);
CREATE INDEX members_by_pupil ON members (pupil_id);

-- Calls to a provider.
CREATE TABLE attempts (
    id {{serial}},
    delivery_id TEXT NOT NULL,
    started_at BIGINT NOT NULL,
    ended_at BIGINT NOT NULL,
    state TEXT NOT NULL,
    why TEXT NOT NULL
);
CREATE INDEX attempts_by_delivery ON attempts (delivery_id);

-- What a provider said later, kept before it is answered.
CREATE TABLE receipts (
    id {{serial}},
    channel TEXT NOT NULL,
    delivery_id TEXT NOT NULL,
    status TEXT NOT NULL,
    received_at BIGINT NOT NULL
);
CREATE INDEX receipts_by_delivery ON receipts (delivery_id);

-- Why a contact is told about a pupil, or is not.
CREATE TABLE decisions (
    id {{serial}},
    gathering_id TEXT NOT NULL,
    contact_id TEXT,
    pupil_id TEXT NOT NULL,
    why TEXT NOT NULL,
    at BIGINT NOT NULL
);
CREATE INDEX decisions_by_gathering ON decisions (gathering_id, pupil_id);

-- Restrictions that were heard of, to find what left in the seconds around them.
CREATE TABLE restrictions (
    id {{serial}},
    school TEXT NOT NULL,
    pupil_id TEXT NOT NULL,
    contact_id TEXT,
    no_contact BOOLEAN NOT NULL,
    at BIGINT NOT NULL,
    heard_at BIGINT NOT NULL
);
CREATE INDEX restrictions_by_time ON restrictions (heard_at);

-- The pupils of a gathering for whom a person was asked, because the directory was away.
CREATE TABLE waits (
    gathering_id TEXT NOT NULL,
    pupil_id TEXT NOT NULL,
    school TEXT NOT NULL,
    task TEXT NOT NULL,
    since BIGINT NOT NULL,
    PRIMARY KEY (gathering_id, pupil_id)
);

-- What people recalled, and why. One request recalls one thing.
CREATE TABLE recalls (
    school TEXT NOT NULL,
    request_id TEXT NOT NULL,
    what TEXT NOT NULL,
    why TEXT NOT NULL,
    who TEXT NOT NULL,
    at BIGINT NOT NULL,
    PRIMARY KEY (school, request_id)
);

-- Rises with everything that may stop a message; a sender looks at it before every request.
CREATE TABLE recall (
    id BIGINT PRIMARY KEY,
    generation BIGINT NOT NULL
);
INSERT INTO recall (id, generation) VALUES (1, 0);
