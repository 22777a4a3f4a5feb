-- Staging databases on demand. Where they are ordered: environments, jobs, and an order for each run of a job.
-- Where they are made: a line for each copy.
CREATE TABLE staging_environment (
  id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
  name VARCHAR(60) NOT NULL,
  url VARCHAR(170) NOT NULL,
  client VARCHAR(40) NOT NULL,
  level VARCHAR(10) NOT NULL,
  token TEXT NOT NULL,
  token_key CHAR(8) NOT NULL,
  version INT UNSIGNED NOT NULL DEFAULT 1,
  created_by VARCHAR(190) NOT NULL,
  created_at DATETIME(3) NOT NULL,
  UNIQUE KEY staging_environment_name (name)
);

CREATE TABLE staging_job (
  number BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
  type VARCHAR(10) NOT NULL,
  environment BIGINT UNSIGNED NOT NULL,
  has_timestamp BOOLEAN NOT NULL DEFAULT TRUE,
  suffix VARCHAR(63) NOT NULL DEFAULT '',
  replaces BOOLEAN NOT NULL DEFAULT FALSE,
  database_names TEXT NOT NULL,
  state VARCHAR(10) NOT NULL DEFAULT 'draft',
  version INT UNSIGNED NOT NULL DEFAULT 1,
  person VARCHAR(190) NOT NULL,
  created_at DATETIME(3) NOT NULL,
  KEY staging_job_state (state),
  CONSTRAINT staging_job_environment FOREIGN KEY (environment) REFERENCES staging_environment (id) ON DELETE CASCADE
);

-- `next_at`: when staging is asked, or asked again.
CREATE TABLE staging_order (
  id CHAR(36) NOT NULL PRIMARY KEY,
  job BIGINT UNSIGNED NOT NULL,
  attempt INT UNSIGNED NOT NULL,
  state VARCHAR(10) NOT NULL,
  name VARCHAR(63) NULL,
  person VARCHAR(190) NOT NULL,
  step VARCHAR(200) NOT NULL DEFAULT '',
  done_count BIGINT UNSIGNED NOT NULL DEFAULT 0,
  total_count BIGINT UNSIGNED NOT NULL DEFAULT 0,
  problem TEXT NULL,
  url VARCHAR(500) NULL,
  until DATETIME(3) NULL,
  results TEXT NULL,
  next_at DATETIME(3) NULL,
  created_at DATETIME(3) NOT NULL,
  answered_at DATETIME(3) NULL,
  ended_at DATETIME(3) NULL,
  UNIQUE KEY staging_order_attempt (job, attempt),
  KEY staging_order_due (state, next_at),
  CONSTRAINT staging_order_job FOREIGN KEY (job) REFERENCES staging_job (number) ON DELETE CASCADE
);

-- `live_name` keeps a second live copy of that name away; one that is being replaced gives its name to its successor.
-- `mark` stands in its databases: its id, or that of the spare that it was made of, whose MySQL database was `spare_name`.
-- `is_creating`: its databases may be there without their mark.
CREATE TABLE database_copy (
  id CHAR(36) NOT NULL PRIMARY KEY,
  mark CHAR(36) NOT NULL,
  name VARCHAR(63) NOT NULL,
  documents_name VARCHAR(63) NOT NULL,
  spare_name VARCHAR(63) NULL,
  client VARCHAR(40) NOT NULL,
  level VARCHAR(10) NOT NULL,
  person VARCHAR(190) NOT NULL,
  backup VARCHAR(20) NOT NULL,
  data_at DATETIME(3) NOT NULL,
  version VARCHAR(20) NOT NULL,
  state VARCHAR(10) NOT NULL,
  is_spare BOOLEAN NOT NULL DEFAULT FALSE,
  is_creating BOOLEAN NOT NULL DEFAULT FALSE,
  replaced_by CHAR(36) NULL,
  job CHAR(36) NULL,
  callback_url VARCHAR(190) NULL,
  callback_key VARCHAR(100) NULL,
  until DATETIME(3) NULL,
  protected_until DATETIME(3) NULL,
  warned_at DATETIME(3) NULL,
  bytes BIGINT UNSIGNED NOT NULL DEFAULT 0,
  row_count BIGINT UNSIGNED NOT NULL DEFAULT 0,
  problem TEXT NULL,
  ended_by VARCHAR(190) NULL,
  created_at DATETIME(3) NOT NULL,
  changed_at DATETIME(3) NOT NULL,
  ready_at DATETIME(3) NULL,
  ended_at DATETIME(3) NULL,
  live_name VARCHAR(63) AS (IF(ended_at IS NULL AND replaced_by IS NULL, name, NULL)) STORED,
  UNIQUE KEY database_copy_live_name (live_name),
  KEY database_copy_state (state),
  KEY database_copy_ended (ended_at)
);

-- Whoever takes a place or a name writes its one line, and holds it until the commit.
CREATE TABLE copy_lock (
  name VARCHAR(10) NOT NULL PRIMARY KEY
);
