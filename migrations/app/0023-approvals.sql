-- Requests for the approval of a second person. `plan_rows` has the hashes of each row before and after, to tell later
-- what has changed since.
CREATE TABLE approval (
  id CHAR(36) NOT NULL PRIMARY KEY,
  selection CHAR(36) NOT NULL,
  kind VARCHAR(10) NOT NULL,
  name VARCHAR(120) NOT NULL,
  reason VARCHAR(500) NOT NULL,
  plan_hash CHAR(64) NOT NULL,
  rows_count INT UNSIGNED NOT NULL,
  plan_rows MEDIUMTEXT NOT NULL,
  state VARCHAR(10) NOT NULL DEFAULT 'waiting',
  asked_by VARCHAR(190) NOT NULL,
  asked_at DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
  decided_by VARCHAR(190) NULL,
  decided_at DATETIME(3) NULL,
  note VARCHAR(500) NULL,
  transfer CHAR(36) NULL,
  KEY approval_state (state, asked_at),
  KEY approval_selection (selection, state)
);

ALTER TABLE transfer ADD COLUMN approved_by VARCHAR(190) NULL;
ALTER TABLE arrival ADD COLUMN approved_by VARCHAR(190) NULL;
