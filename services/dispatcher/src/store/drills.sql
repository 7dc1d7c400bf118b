-- An exercise: everything runs to the last step, and nothing of it leaves.
ALTER TABLE gatherings ADD COLUMN drill BOOLEAN NOT NULL DEFAULT FALSE;
