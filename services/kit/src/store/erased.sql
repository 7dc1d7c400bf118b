-- When the content of a letter was erased, because nobody had put it through for so long.
ALTER TABLE dead_letters ADD COLUMN erased_at BIGINT;
