-- What is left of each provider account's budget. Replicas take slices of it, so that two of them
-- do not double a rate, and a restart does not fill it again.
CREATE TABLE budgets (
    account TEXT PRIMARY KEY,
    tokens DOUBLE PRECISION NOT NULL,
    filled_at BIGINT NOT NULL,
    -- Messages per second; less than the provider's own while it has asked us to slow down.
    rate DOUBLE PRECISION NOT NULL,
    rests_until BIGINT NOT NULL
);
