-- Why, where whoever looked or changed was asked for a reason.
ALTER TABLE audit ADD COLUMN why TEXT NOT NULL DEFAULT '';
