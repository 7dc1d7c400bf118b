-- What a plan for many has decided and has not written out into rows yet. Each part becomes rows in a
-- transaction of its own, so that what is urgent is written in between.
CREATE TABLE parts (
    id {{serial}},
    school TEXT NOT NULL,
    gathering_id TEXT NOT NULL,
    lane BIGINT NOT NULL,
    planned_at BIGINT NOT NULL,
    -- Addresses stand in it. It lasts for moments, and through a crash until the next start.
    body TEXT NOT NULL
);
CREATE INDEX parts_by_lane ON parts (lane, id);
CREATE INDEX parts_by_gathering ON parts (gathering_id);
