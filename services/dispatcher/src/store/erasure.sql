-- When the address of a delivery, and what the words of a gathering were made from, were erased.
ALTER TABLE deliveries ADD COLUMN erased_at BIGINT;
ALTER TABLE gatherings ADD COLUMN erased_at BIGINT;
CREATE INDEX gatherings_to_erase ON gatherings (valid_until) WHERE erased_at IS NULL;
