-- When the database was put back to an earlier state, by real time. Facts that were said before the
-- latest are not acted on by themselves.
CREATE TABLE restores (
    at BIGINT PRIMARY KEY
);
