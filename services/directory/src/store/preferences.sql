-- By what a contact would rather be told: text, email, or nothing said.
ALTER TABLE contacts ADD COLUMN prefers TEXT NOT NULL DEFAULT '';
