-- What is said twice is kept once.
DROP INDEX receipts_by_delivery;
CREATE UNIQUE INDEX receipts_once ON receipts (delivery_id, status);
