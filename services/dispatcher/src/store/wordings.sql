-- Whether every wording in which a message may have left says nothing about any child, where that depends
-- on who reads it; none where it was not worded yet, or where it says what its gathering says.
ALTER TABLE deliveries ADD COLUMN general BOOLEAN;
-- What is on its way was worded before this was kept.
UPDATE deliveries SET general = FALSE WHERE chunk_id IS NOT NULL;
