-- Links with which people choose their own password: once, within a day. The link alone contains the token.
CREATE TABLE invitation (
  person_id BIGINT UNSIGNED NOT NULL PRIMARY KEY,
  token_hash CHAR(64) CHARACTER SET ascii NOT NULL,
  expires_at DATETIME(3) NOT NULL,
  UNIQUE KEY invitation_token (token_hash),
  CONSTRAINT invitation_person FOREIGN KEY (person_id) REFERENCES person (id) ON DELETE CASCADE
);

-- Who a person is for the provider of single sign-on, from their first sign-in there on.
ALTER TABLE person
  ADD COLUMN issuer VARCHAR(255) CHARACTER SET ascii COLLATE ascii_bin NULL,
  ADD COLUMN subject VARCHAR(255) CHARACTER SET ascii COLLATE ascii_bin NULL,
  ADD UNIQUE KEY person_subject (issuer, subject);
