-- Addresses of a school that nothing gets to, or whose owner asked for no more messages. The address itself
-- stands here, as by what it is compared, because whoever erases an address looks for it by its value.
CREATE TABLE suppressions (
    school TEXT NOT NULL,
    address TEXT NOT NULL,
    -- dead, opted_out
    kind TEXT NOT NULL,
    -- The code that a provider or a receipt gave, and the delivery that it was about.
    why TEXT NOT NULL,
    delivery_id TEXT NOT NULL,
    at BIGINT NOT NULL,
    PRIMARY KEY (school, address)
);
