-- What an environment knows of its rows, of its destination, and of what was written where.

-- One line for every catalogue row and document of this environment; written with it. `root` is the row
-- it travels with: its owner for a dependent, itself otherwise.
CREATE TABLE row_state (
  entity VARCHAR(40) NOT NULL,
  row_id BIGINT UNSIGNED NOT NULL,
  root_entity VARCHAR(40) NOT NULL,
  root_id BIGINT UNSIGNED NOT NULL,
  title VARCHAR(200) NOT NULL,
  hash CHAR(64) NOT NULL,
  version INT UNSIGNED NOT NULL,
  created_by VARCHAR(190) NOT NULL,
  created_at DATETIME(3) NOT NULL,
  changed_by VARCHAR(190) NOT NULL,
  changed_at DATETIME(3) NOT NULL,
  engineering_by VARCHAR(190) NULL,
  engineering_at DATETIME(3) NULL,
  engineering_fields TEXT NULL,
  adopted_by VARCHAR(190) NULL,
  adopted_at DATETIME(3) NULL,
  held_by VARCHAR(190) NULL,
  held_at DATETIME(3) NULL,
  held_reason VARCHAR(300) NULL,
  deleted_at DATETIME(3) NULL,
  PRIMARY KEY (entity, row_id),
  KEY row_state_root (root_entity, root_id),
  KEY row_state_changed (entity, changed_at)
);

-- What was last seen of a row at the destination, and the content at which both sides were last equal.
CREATE TABLE stop_state (
  entity VARCHAR(40) NOT NULL,
  row_id BIGINT UNSIGNED NOT NULL,
  seen_hash CHAR(64) NULL,
  seen_at DATETIME(3) NOT NULL,
  base_hash CHAR(64) NULL,
  base_content MEDIUMTEXT NULL,
  base_at DATETIME(3) NULL,
  PRIMARY KEY (entity, row_id)
);

-- The journal. Every write of catalogue rows is one: a transfer, a save, a copy-down.
CREATE TABLE transfer (
  id CHAR(36) NOT NULL PRIMARY KEY,
  number INT UNSIGNED NOT NULL AUTO_INCREMENT,
  kind VARCHAR(20) NOT NULL,
  state VARCHAR(20) NOT NULL,
  fence INT UNSIGNED NOT NULL,
  lease_until DATETIME(3) NOT NULL,
  origin VARCHAR(20) NOT NULL,
  destination VARCHAR(20) NOT NULL,
  name VARCHAR(120) NOT NULL,
  reason VARCHAR(500) NULL,
  person VARCHAR(190) NOT NULL,
  role VARCHAR(40) NOT NULL,
  idempotency_key VARCHAR(64) NOT NULL,
  plan_hash CHAR(64) NOT NULL,
  chain TEXT NOT NULL,
  relied_on MEDIUMTEXT NOT NULL,
  instant DATETIME(3) NULL,
  problem TEXT NULL,
  created_at DATETIME(3) NOT NULL,
  ended_at DATETIME(3) NULL,
  UNIQUE KEY transfer_number (number),
  UNIQUE KEY transfer_key (person, idempotency_key),
  KEY transfer_live (state, lease_until),
  KEY transfer_kind (kind, number)
);

CREATE TABLE transfer_step (
  transfer CHAR(36) NOT NULL,
  seq INT UNSIGNED NOT NULL,
  entity VARCHAR(40) NOT NULL,
  row_id BIGINT UNSIGNED NOT NULL,
  title VARCHAR(200) NOT NULL,
  action VARCHAR(20) NOT NULL,
  because VARCHAR(300) NULL,
  before_image MEDIUMTEXT NULL,
  after_image MEDIUMTEXT NULL,
  outcome VARCHAR(20) NULL,
  PRIMARY KEY (transfer, seq),
  KEY transfer_step_row (entity, row_id)
);

-- At the destination: who is writing (or relying on) a row now. It is the lock for rows and documents
-- alike, absent ones included.
CREATE TABLE claim (
  entity VARCHAR(40) NOT NULL,
  row_id BIGINT UNSIGNED NOT NULL,
  transfer CHAR(36) NOT NULL,
  mode VARCHAR(10) NOT NULL,
  number INT UNSIGNED NOT NULL,
  origin VARCHAR(20) NOT NULL,
  fence INT UNSIGNED NOT NULL,
  connection BIGINT UNSIGNED NOT NULL,
  person VARCHAR(190) NOT NULL,
  since DATETIME(3) NOT NULL,
  PRIMARY KEY (entity, row_id, transfer),
  KEY claim_transfer (transfer)
);

-- At the destination, in the same transaction as the rows: the receipt for recovery and the history for
-- people. The images make an environment's history complete without its neighbour.
CREATE TABLE arrival (
  id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
  transfer CHAR(36) NOT NULL,
  seq INT UNSIGNED NOT NULL,
  entity VARCHAR(40) NOT NULL,
  row_id BIGINT UNSIGNED NOT NULL,
  root_entity VARCHAR(40) NOT NULL,
  root_id BIGINT UNSIGNED NOT NULL,
  title VARCHAR(200) NOT NULL,
  action VARCHAR(20) NOT NULL,
  kind VARCHAR(20) NOT NULL,
  name VARCHAR(120) NOT NULL,
  reason VARCHAR(500) NULL,
  person VARCHAR(190) NOT NULL,
  origin VARCHAR(20) NOT NULL,
  at DATETIME(3) NOT NULL,
  chain TEXT NOT NULL,
  before_image MEDIUMTEXT NULL,
  after_image MEDIUMTEXT NULL,
  version INT UNSIGNED NOT NULL,
  UNIQUE KEY arrival_step (transfer, seq),
  KEY arrival_root (root_entity, root_id, id),
  KEY arrival_row (entity, row_id, id),
  KEY arrival_kind (kind, id)
);

-- The line that every writer of an environment queues on: the last instant given out. `gate` lets one
-- transfer at a time take its claims.
CREATE TABLE clock (
  name VARCHAR(10) NOT NULL PRIMARY KEY,
  instant DATETIME(3) NOT NULL
);
INSERT INTO clock (name, instant) VALUES ('clock', '2000-01-01 00:00:00.000'), ('gate', '2000-01-01 00:00:00.000');

CREATE TABLE id_sequence (
  entity VARCHAR(40) NOT NULL PRIMARY KEY,
  next BIGINT UNSIGNED NOT NULL
);

-- A name of this environment and the name that stands for it at the destination.
CREATE TABLE name_mapping (
  entity VARCHAR(40) NOT NULL,
  name VARCHAR(100) NOT NULL,
  there VARCHAR(100) NOT NULL,
  person VARCHAR(190) NOT NULL,
  at DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
  PRIMARY KEY (entity, name)
);

-- A PM's basket: the rows of a transfer to be, and what was decided on its sheet.
CREATE TABLE selection (
  id CHAR(36) NOT NULL PRIMARY KEY,
  name VARCHAR(120) NOT NULL,
  reason VARCHAR(500) NULL,
  person VARCHAR(190) NOT NULL,
  row_keys MEDIUMTEXT NOT NULL,
  choices MEDIUMTEXT NOT NULL,
  chain TEXT NOT NULL,
  created_at DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3)
);
