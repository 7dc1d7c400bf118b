-- When each of those who are heard was last known to be heard. Kept, so that after a restart nobody takes the time for news.
CREATE TABLE touch (
    sayer TEXT PRIMARY KEY,
    at BIGINT NOT NULL
);
