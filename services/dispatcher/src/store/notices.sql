-- Both of what each fact asks for. With the subject alone PostgreSQL, which knows nothing of a table that has just been
-- filled, took the index of pupils and read every notice of the school.
DROP INDEX notices_by_subject;
CREATE INDEX notices_by_subject ON notices (school, subject);
