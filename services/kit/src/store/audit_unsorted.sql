-- Nobody asks for the audit entries of a tenant by their time, and each entry changed another page for it. Whoever
-- will ask brings the index that fits the question.
DROP INDEX audit_by_tenant;
