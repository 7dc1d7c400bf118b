-- A closure and the reopening that ends it stand beside each other, each in its latest version: until the school opens both are
-- true. The outline is that of the fact, as JSON; facts of earlier versions have none.
DROP INDEX alerts_shown;
ALTER TABLE alerts RENAME TO alerts_by_subject;
CREATE TABLE alerts (
    school TEXT NOT NULL,
    subject TEXT NOT NULL,
    kind TEXT NOT NULL,
    version BIGINT NOT NULL,
    headline TEXT NOT NULL,
    body TEXT NOT NULL,
    outline TEXT,
    published_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    PRIMARY KEY (school, subject, kind)
);
INSERT INTO alerts (school, subject, kind, version, headline, body, published_at, expires_at)
SELECT school, subject, kind, version, headline, body, published_at, expires_at FROM alerts_by_subject;
DROP TABLE alerts_by_subject;
CREATE INDEX alerts_shown ON alerts (school, expires_at);
