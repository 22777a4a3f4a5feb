-- Links by which people choose a password are sent by e-mail. The text of such an e-mail is encrypted (`encryption_key`
-- is the id of the key), is removed when the e-mail was sent, and is not sent after `ends_at`.
ALTER TABLE outbox
  ADD COLUMN encryption_key CHAR(8) NULL,
  ADD COLUMN ends_at DATETIME(3) NULL;

-- A person may have an invitation and a link that they asked for themselves.
ALTER TABLE invitation
  ADD COLUMN kind VARCHAR(20) NOT NULL DEFAULT 'invitation',
  DROP PRIMARY KEY,
  ADD PRIMARY KEY (person_id, kind);

-- How often the account was closed. Sessions and tokens hold for one password and one number of closings.
ALTER TABLE person ADD COLUMN closings INT UNSIGNED NOT NULL DEFAULT 0;
UPDATE person SET closings = 1 WHERE NOT active;
DELETE invitation FROM invitation JOIN person ON person.id = invitation.person_id WHERE NOT person.active;
