-- What the directory owns. Instants are microseconds since 1970, days ISO dates, times HH:MM.
-- Nobody is deleted: who left the roster is withdrawn, and keeps every restriction.
CREATE TABLE schools (
    id TEXT PRIMARY KEY,
    source_id TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    phone TEXT NOT NULL,
    time_zone TEXT NOT NULL,
    morning TEXT NOT NULL,
    afternoon TEXT NOT NULL,
    duty_numbers TEXT NOT NULL,
    -- Rises with every change of anything of the school: what was decided on an older one is
    -- decided again.
    version BIGINT NOT NULL
);
CREATE TABLE terms (
    school TEXT NOT NULL,
    source_id TEXT NOT NULL,
    title TEXT NOT NULL,
    first_day TEXT NOT NULL,
    last_day TEXT NOT NULL,
    status TEXT NOT NULL,
    PRIMARY KEY (school, source_id)
);
CREATE TABLE classes (
    id TEXT PRIMARY KEY,
    school TEXT NOT NULL,
    source_id TEXT NOT NULL,
    title TEXT NOT NULL,
    status TEXT NOT NULL,
    UNIQUE (school, source_id)
);
CREATE TABLE pupils (
    id TEXT PRIMARY KEY,
    school TEXT NOT NULL,
    source_id TEXT NOT NULL,
    first_name TEXT NOT NULL,
    family_name TEXT NOT NULL,
    year_group TEXT NOT NULL,
    class_id TEXT NOT NULL,
    -- Why no automation runs about this child; NULL when it does.
    person_only TEXT,
    status TEXT NOT NULL,
    revision BIGINT NOT NULL,
    UNIQUE (school, source_id)
);
CREATE INDEX pupils_by_class ON pupils (school, class_id, id);
CREATE TABLE contacts (
    id TEXT PRIMARY KEY,
    school TEXT NOT NULL,
    source_id TEXT NOT NULL,
    given_name TEXT NOT NULL,
    family_name TEXT NOT NULL,
    first_phone TEXT,
    first_phone_kind TEXT,
    second_phone TEXT,
    second_phone_kind TEXT,
    email TEXT,
    language TEXT NOT NULL,
    no_voice BOOLEAN NOT NULL,
    status TEXT NOT NULL,
    -- Rises with every change of the contact or of one of its links.
    revision BIGINT NOT NULL,
    UNIQUE (school, source_id)
);
CREATE TABLE links (
    pupil_id TEXT NOT NULL,
    contact_id TEXT NOT NULL,
    school TEXT NOT NULL,
    role TEXT NOT NULL,
    priority INTEGER NOT NULL,
    responsibility TEXT NOT NULL,
    lives_with BOOLEAN NOT NULL,
    emergency_only BOOLEAN NOT NULL,
    -- The restriction; NULL when there is none.
    bar TEXT,
    evidence TEXT,
    bar_from TEXT,
    bar_until TEXT,
    status TEXT NOT NULL,
    PRIMARY KEY (pupil_id, contact_id)
);
CREATE INDEX links_by_contact ON links (contact_id);
CREATE INDEX links_by_school ON links (school);
CREATE INDEX links_restricted ON links (school) WHERE bar IS NOT NULL;
-- What was decided about a link or a pupil, by whom and on what evidence, also how it ended.
CREATE TABLE decisions (
    id {{serial}},
    school TEXT NOT NULL,
    pupil_id TEXT NOT NULL,
    contact_id TEXT,
    what TEXT NOT NULL,
    value TEXT NOT NULL,
    evidence TEXT NOT NULL,
    value_from TEXT,
    value_until TEXT,
    decided_by TEXT NOT NULL,
    decided_at BIGINT NOT NULL
);
CREATE INDEX decisions_by_pupil ON decisions (pupil_id, id);
