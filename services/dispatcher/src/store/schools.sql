-- What the words need of a school, as the directory said it last: a dispatcher that starts while the
-- directory is away can still say that the school is closed.
CREATE TABLE schools (
    school TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    phone TEXT NOT NULL,
    time_zone TEXT NOT NULL
);
