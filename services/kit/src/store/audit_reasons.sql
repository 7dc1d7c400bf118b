-- Why, where whoever looked or changed was asked for a reason.
ALTER TABLE audit ADD COLUMN why TEXT NOT NULL DEFAULT '';
-- They are people's words, and are erased when those are.
CREATE INDEX audit_reasons ON audit (at) WHERE why <> '';
