-- What was heard of the school's closures, each at the highest version that was heard. ISO dates, both
-- inclusive; none once the closure has ended. What is closed is the calendar's to say; these rows say
-- where to look for cases that a closure may have ended.
CREATE TABLE closures (
    id TEXT NOT NULL PRIMARY KEY,
    school TEXT NOT NULL,
    first_day TEXT,
    last_day TEXT,
    version BIGINT NOT NULL
);
CREATE INDEX closures_days ON closures (school, last_day) WHERE last_day IS NOT NULL;
