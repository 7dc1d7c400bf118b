-- When a roster of the school was loaded last, whether or not it changed anything. Microseconds since 1970.
CREATE TABLE imports (
    school TEXT PRIMARY KEY,
    at BIGINT NOT NULL
);
