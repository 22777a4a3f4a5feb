-- What makes a transfer certain: undo, fields that were left out, decisions of people, what was tested, and
-- whole pictures.

-- What was undone there is held: that very content asks first before it is sent again. `deleted` stands for
-- a deletion that was undone.
ALTER TABLE stop_state
  ADD COLUMN undone_hash VARCHAR(64) NULL,
  ADD COLUMN undone_by VARCHAR(190) NULL,
  ADD COLUMN undone_at DATETIME(3) NULL,
  ADD COLUMN undone_reason VARCHAR(500) NULL;

-- `undoes` is the transfer whose rows this one takes back; `decision` is what a person chose when it could
-- not go on by itself.
ALTER TABLE transfer
  ADD COLUMN undoes CHAR(36) NULL,
  ADD COLUMN decision VARCHAR(20) NULL,
  ADD COLUMN selection CHAR(36) NULL,
  ADD KEY transfer_undoes (undoes),
  ADD KEY transfer_selection (selection);

-- `kept` (JSON) names the fields that stayed as they were there; `base_before` is the base that an undo gives
-- back; `former_id` the id that a row had until now; `tested` what was said of this very content before.
ALTER TABLE transfer_step
  ADD COLUMN kept TEXT NULL,
  ADD COLUMN base_before MEDIUMTEXT NULL,
  ADD COLUMN former_id BIGINT UNSIGNED NULL,
  ADD COLUMN tested VARCHAR(400) NULL;

-- A sheet that carries rows on, takes a transfer back, or brings rows back from production.
ALTER TABLE selection
  ADD COLUMN kind VARCHAR(20) NOT NULL DEFAULT 'transfer',
  ADD COLUMN undoes CHAR(36) NULL,
  ADD KEY selection_created (created_at);

-- Works / Does not work: of a row with all that belongs to it, at one content.
CREATE TABLE verdict (
  id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
  entity VARCHAR(40) NOT NULL,
  row_id BIGINT UNSIGNED NOT NULL,
  hash CHAR(64) NOT NULL,
  works TINYINT(1) NOT NULL,
  note VARCHAR(500) NULL,
  person VARCHAR(190) NOT NULL,
  at DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
  KEY verdict_row (entity, row_id, id)
);

-- What a person is told; written in the same commit as what it tells of.
CREATE TABLE message (
  id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
  person VARCHAR(190) NOT NULL,
  at DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
  text VARCHAR(1000) NOT NULL,
  href VARCHAR(300) NULL,
  read_at DATETIME(3) NULL,
  KEY message_person (person, read_at, id)
);

-- Every row of both sides, compared: one line a run.
CREATE TABLE comparison (
  id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
  person VARCHAR(190) NOT NULL,
  started_at DATETIME(3) NOT NULL,
  alive_at DATETIME(3) NOT NULL,
  ended_at DATETIME(3) NULL,
  rows_seen INT UNSIGNED NOT NULL DEFAULT 0,
  problem TEXT NULL
);
