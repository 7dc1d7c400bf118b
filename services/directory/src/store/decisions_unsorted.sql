-- Nobody asks for the decisions about a pupil yet, and each decision changed another page for it.
DROP INDEX decisions_by_pupil;
