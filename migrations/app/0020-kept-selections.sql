-- A selection that a person has begun or named has `kept_at`. Without it, it belongs to an open sheet and is deleted
-- after a week.
ALTER TABLE selection
  ADD COLUMN kept_at DATETIME(3) NULL,
  ADD KEY selection_kept (kept_at);

UPDATE selection SET kept_at = created_at WHERE kind = 'transfer' AND name <> '';

-- A selection that is to be transferred at `run_at`. `id` is also the idempotency key of its transfer, so that it is
-- sent once. `active_key` prevents a second schedule of the selection; `problem` says why nothing was sent.
CREATE TABLE scheduled_transfer (
  id CHAR(36) NOT NULL PRIMARY KEY,
  selection VARCHAR(36) NOT NULL,
  person VARCHAR(190) NOT NULL,
  reason VARCHAR(500) NULL,
  run_at DATETIME(3) NOT NULL,
  state VARCHAR(20) NOT NULL,
  job CHAR(36) NULL,
  transfer CHAR(36) NULL,
  problem TEXT NULL,
  created_at DATETIME(3) NOT NULL,
  ended_at DATETIME(3) NULL,
  ended_by VARCHAR(190) NULL,
  active_key VARCHAR(36) AS (IF(ended_at IS NULL, selection, NULL)) STORED,
  UNIQUE KEY scheduled_transfer_active (active_key),
  KEY scheduled_transfer_selection (selection, created_at),
  KEY scheduled_transfer_due (state, run_at)
);
