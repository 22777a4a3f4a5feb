-- Jobs: a later start, a priority, children, steps with log lines, dead letters and schedules.

-- `run_at` is the earliest start. `attempts_before` are the attempts that do not count against the task's limit.
-- `only_one` stays when a job has ended; `active_key` is what keeps a second live one away.
ALTER TABLE job
  ADD COLUMN priority VARCHAR(10) NULL AFTER kind,
  ADD COLUMN run_at DATETIME(3) NULL AFTER created_at,
  ADD COLUMN attempts_before INT UNSIGNED NOT NULL DEFAULT 0 AFTER attempt,
  ADD COLUMN parent CHAR(36) NULL,
  ADD COLUMN child_key VARCHAR(190) NULL,
  ADD COLUMN active_key VARCHAR(60) AS (IF(ended_at IS NULL, only_one, NULL)) STORED,
  DROP KEY job_only_one,
  ADD UNIQUE KEY job_active_key (active_key),
  ADD UNIQUE KEY job_child (parent, child_key),
  ADD CONSTRAINT job_parent FOREIGN KEY (parent) REFERENCES job (id) ON DELETE CASCADE;

-- A step that is done keeps its result: a later attempt does not run it again.
CREATE TABLE job_step (
  job CHAR(36) NOT NULL,
  position INT UNSIGNED NOT NULL,
  name VARCHAR(190) NOT NULL,
  state VARCHAR(20) NOT NULL,
  attempt INT UNSIGNED NOT NULL,
  result MEDIUMTEXT NULL,
  started_at DATETIME(3) NOT NULL,
  ended_at DATETIME(3) NULL,
  PRIMARY KEY (job, position),
  UNIQUE KEY job_step_name (job, name),
  CONSTRAINT job_step_job FOREIGN KEY (job) REFERENCES job (id) ON DELETE CASCADE
);

CREATE TABLE job_log (
  id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
  job CHAR(36) NOT NULL,
  attempt INT UNSIGNED NOT NULL,
  at DATETIME(3) NOT NULL,
  text VARCHAR(1000) NOT NULL,
  KEY job_log_job (job, id),
  CONSTRAINT job_log_job FOREIGN KEY (job) REFERENCES job (id) ON DELETE CASCADE
);

-- An item of a job (one file, one account of many) that failed for good.
CREATE TABLE dead_letter (
  id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
  job CHAR(36) NOT NULL,
  kind VARCHAR(40) NOT NULL,
  item_key VARCHAR(190) NOT NULL,
  reason TEXT NOT NULL,
  payload MEDIUMTEXT NOT NULL,
  attempts INT UNSIGNED NOT NULL DEFAULT 1,
  state VARCHAR(20) NOT NULL DEFAULT 'open',
  retry_job CHAR(36) NULL,
  failed_at DATETIME(3) NOT NULL,
  ended_by VARCHAR(190) NULL,
  ended_at DATETIME(3) NULL,
  UNIQUE KEY dead_letter_item (job, item_key),
  KEY dead_letter_state (state, id),
  CONSTRAINT dead_letter_job FOREIGN KEY (job) REFERENCES job (id) ON DELETE CASCADE
);

-- When each schedule runs next. Redis only wakes a process at that time; a run that was missed is seen here.
CREATE TABLE job_schedule (
  name VARCHAR(60) NOT NULL PRIMARY KEY,
  pattern VARCHAR(100) NOT NULL,
  time_zone VARCHAR(60) NOT NULL,
  next_at DATETIME(3) NOT NULL,
  last_due_at DATETIME(3) NULL,
  last_job CHAR(36) NULL
);
