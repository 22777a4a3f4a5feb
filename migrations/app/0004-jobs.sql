-- What runs in the background, who may read through the API, and what is told to other systems.

-- The record of every job; Redis only runs them. `attempt` is its fence: a worker that was overtaken reports
-- nothing any more. `only_one` keeps a second of the same kind away while this one lives.
CREATE TABLE job (
  id CHAR(36) NOT NULL PRIMARY KEY,
  number INT UNSIGNED NOT NULL AUTO_INCREMENT,
  kind VARCHAR(40) NOT NULL,
  name VARCHAR(200) NOT NULL,
  person VARCHAR(190) NOT NULL,
  input MEDIUMTEXT NOT NULL,
  state VARCHAR(20) NOT NULL,
  attempt INT UNSIGNED NOT NULL DEFAULT 0,
  only_one VARCHAR(60) NULL,
  done_count INT UNSIGNED NOT NULL DEFAULT 0,
  total_count INT UNSIGNED NOT NULL DEFAULT 0,
  doing VARCHAR(300) NOT NULL DEFAULT '',
  report MEDIUMTEXT NULL,
  cancelled_by VARCHAR(190) NULL,
  problem TEXT NULL,
  created_at DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
  started_at DATETIME(3) NULL,
  alive_at DATETIME(3) NULL,
  ended_at DATETIME(3) NULL,
  UNIQUE KEY job_number (number),
  UNIQUE KEY job_only_one (only_one),
  KEY job_state (state, alive_at)
);

-- A comparison is a job now.
DROP TABLE comparison;

-- A key of an app: the secret itself is nowhere, only its SHA-256.
CREATE TABLE api_key (
  id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
  name VARCHAR(100) NOT NULL,
  hint CHAR(8) NOT NULL,
  hash CHAR(64) NOT NULL,
  scopes TEXT NOT NULL,
  created_by VARCHAR(190) NOT NULL,
  created_at DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
  used_at DATETIME(3) NULL,
  revoked_by VARCHAR(190) NULL,
  revoked_at DATETIME(3) NULL,
  UNIQUE KEY api_key_hash (hash)
);

-- Deletions, as the apps' API pages through them.
ALTER TABLE row_state ADD KEY row_state_deleted (entity, deleted_at, row_id);

-- What other systems are told. A line is written in the same commit as what it tells of, and sent until it
-- is taken.
CREATE TABLE outbox (
  id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
  event CHAR(36) NOT NULL,
  subject VARCHAR(200) NOT NULL,
  transfer CHAR(36) NULL,
  body MEDIUMTEXT NOT NULL,
  state VARCHAR(20) NOT NULL DEFAULT 'waiting',
  attempts INT UNSIGNED NOT NULL DEFAULT 0,
  next_at DATETIME(3) NOT NULL,
  answer VARCHAR(500) NULL,
  created_at DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
  sent_at DATETIME(3) NULL,
  UNIQUE KEY outbox_event (event),
  KEY outbox_due (state, next_at)
);
