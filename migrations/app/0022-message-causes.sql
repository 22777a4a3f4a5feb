-- A message about rows is written once per person and cause. A refresh writes in parts: each part adds its rows to the
-- message that the first one wrote. `titles` are the first rows, as JSON.
ALTER TABLE message
  ADD COLUMN cause VARCHAR(80) NULL,
  ADD COLUMN row_count INT UNSIGNED NULL,
  ADD COLUMN titles TEXT NULL,
  ADD UNIQUE KEY message_cause (person, event, cause);

-- The kinds of message that a person switched on or off as e-mail. Without a line, the kind's own rule holds.
CREATE TABLE email_switch (
  person_id BIGINT UNSIGNED NOT NULL,
  kind VARCHAR(60) NOT NULL,
  is_on TINYINT(1) NOT NULL,
  PRIMARY KEY (person_id, kind),
  CONSTRAINT email_switch_person FOREIGN KEY (person_id) REFERENCES person (id) ON DELETE CASCADE
);
