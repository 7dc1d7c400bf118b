-- What people asked to be sent again, and why.
CREATE TABLE redeliveries (
    id {{serial}},
    school TEXT NOT NULL,
    gathering_id TEXT NOT NULL,
    why TEXT NOT NULL,
    who TEXT NOT NULL,
    at BIGINT NOT NULL
);
CREATE INDEX redeliveries_by_gathering ON redeliveries (gathering_id);
