-- Addresses that a contact has given up while a restriction stood on one of its links, in the form
-- in which addresses are compared. They bar others like the contact's present ones, and go when a
-- person has ended the contact's last restriction.
CREATE TABLE barred_addresses (
    contact_id TEXT NOT NULL,
    address TEXT NOT NULL,
    school TEXT NOT NULL,
    given_up_at BIGINT NOT NULL,
    PRIMARY KEY (contact_id, address)
);
CREATE INDEX barred_addresses_by_school ON barred_addresses (school);
