-- The trace in which its fact was heard (a W3C traceparent), so that what is done because of it later is a
-- part of the same one.
ALTER TABLE notices ADD COLUMN traceparent TEXT;
