-- A pupil's marks of the last weeks are asked for by the pupil.
CREATE INDEX entries_by_pupil ON entries (pupil_id, date);
