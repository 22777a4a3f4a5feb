-- Account migrations: accounts of an older system (Conversations) that move in, what arrived of them, and the waves in
-- which accounts are moved in the background. Ids of the older system are case-sensitive texts.
CREATE TABLE inbox_account (
  id INT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
  external_id VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  name VARCHAR(200) NOT NULL DEFAULT '',
  created_at DATETIME(3) NOT NULL,
  UNIQUE KEY inbox_account_external (external_id)
);

-- `run`: the run that wrote the row last; null for a row that was written here, which no run changes.
CREATE TABLE inbox_brand (
  account_id INT UNSIGNED NOT NULL,
  id VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  name VARCHAR(200) NOT NULL,
  run INT UNSIGNED NULL,
  PRIMARY KEY (account_id, id),
  CONSTRAINT inbox_brand_account FOREIGN KEY (account_id) REFERENCES inbox_account (id) ON DELETE CASCADE
);

CREATE TABLE inbox_channel (
  account_id INT UNSIGNED NOT NULL,
  id VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  brand_id VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NULL,
  kind VARCHAR(40) NOT NULL,
  name VARCHAR(200) NOT NULL,
  address VARCHAR(300) NOT NULL DEFAULT '',
  run INT UNSIGNED NULL,
  PRIMARY KEY (account_id, id),
  CONSTRAINT inbox_channel_account FOREIGN KEY (account_id) REFERENCES inbox_account (id) ON DELETE CASCADE
);

-- `last_at`: the time of the newest message, from the older system. `gone_at`: when it was noticed that the row no
-- longer exists there.
CREATE TABLE inbox_thread (
  account_id INT UNSIGNED NOT NULL,
  id VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  channel_id VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  title VARCHAR(500) NOT NULL DEFAULT '',
  customer VARCHAR(300) NOT NULL DEFAULT '',
  last_at DATETIME(3) NOT NULL,
  run INT UNSIGNED NULL,
  gone_at DATETIME(3) NULL,
  PRIMARY KEY (account_id, id),
  KEY inbox_thread_newest (account_id, last_at, id),
  CONSTRAINT inbox_thread_account FOREIGN KEY (account_id) REFERENCES inbox_account (id) ON DELETE CASCADE
);

-- `position`: the sort key of the older system's store, `2026-11-20T10:11:12.123Z#<id>`: time and id of the message.
CREATE TABLE inbox_message (
  account_id INT UNSIGNED NOT NULL,
  position VARCHAR(100) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  thread_id VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  direction VARCHAR(3) NOT NULL,
  author VARCHAR(300) NOT NULL DEFAULT '',
  body MEDIUMTEXT NOT NULL,
  run INT UNSIGNED NULL,
  gone_at DATETIME(3) NULL,
  PRIMARY KEY (account_id, position),
  KEY inbox_message_thread (account_id, thread_id, position),
  CONSTRAINT inbox_message_account FOREIGN KEY (account_id) REFERENCES inbox_account (id) ON DELETE CASCADE
);

-- `position`: that of the message. `state`: waiting, stored, skipped (with a reason). `object`: its key in the object
-- storage.
CREATE TABLE inbox_attachment (
  account_id INT UNSIGNED NOT NULL,
  position VARCHAR(100) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  id VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  name VARCHAR(255) NOT NULL,
  type VARCHAR(100) NOT NULL DEFAULT '',
  url VARCHAR(2000) NOT NULL,
  state VARCHAR(8) NOT NULL DEFAULT 'waiting',
  object VARCHAR(200) NULL,
  size BIGINT UNSIGNED NULL,
  sha256 CHAR(64) NULL,
  reason VARCHAR(500) NULL,
  run INT UNSIGNED NULL,
  gone_at DATETIME(3) NULL,
  PRIMARY KEY (account_id, position, id),
  KEY inbox_attachment_state (account_id, state, position),
  CONSTRAINT inbox_attachment_account FOREIGN KEY (account_id) REFERENCES inbox_account (id) ON DELETE CASCADE
);

-- Accounts that are moved in the background, `at_once` at the same time. `state`: running, paused, done.
CREATE TABLE wave (
  id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
  name VARCHAR(100) NOT NULL,
  at_once INT UNSIGNED NOT NULL,
  state VARCHAR(8) NOT NULL,
  person VARCHAR(190) NOT NULL,
  created_at DATETIME(3) NOT NULL,
  ended_at DATETIME(3) NULL,
  KEY wave_state (state)
);

-- `run`: the run that the wave started; null before. `picked_at`: when a process began to start it. `taken_at`: when
-- somebody's request took the account out.
CREATE TABLE wave_account (
  wave_id BIGINT UNSIGNED NOT NULL,
  account_id INT UNSIGNED NOT NULL,
  run INT UNSIGNED NULL,
  picked_at DATETIME(3) NULL,
  taken_at DATETIME(3) NULL,
  PRIMARY KEY (wave_id, account_id),
  KEY wave_account_account (account_id),
  KEY wave_account_waiting (wave_id, run, taken_at, account_id),
  CONSTRAINT wave_account_wave FOREIGN KEY (wave_id) REFERENCES wave (id) ON DELETE CASCADE,
  CONSTRAINT wave_account_account FOREIGN KEY (account_id) REFERENCES inbox_account (id) ON DELETE CASCADE
);

-- The move of an account. `run`: 0 before the first. `reached`: the furthest status of this run. `position` and
-- `page`: where reading continues; each commit of a run names both. `part`: recent where the run stops after the recent
-- messages. `job`: the one job that may go on with the run. `cut_at`: the time before which messages are not recent.
-- `reading_since`, `messages_before`: when its job began to read, and how many messages were here then.
-- `failing_since`: since when the older system fails.
CREATE TABLE account_move (
  account_id INT UNSIGNED NOT NULL PRIMARY KEY,
  migration_status VARCHAR(24) NOT NULL,
  reached VARCHAR(24) NULL,
  run INT UNSIGNED NOT NULL DEFAULT 0,
  stage VARCHAR(16) NULL,
  part VARCHAR(8) NOT NULL DEFAULT 'whole',
  reader VARCHAR(8) NOT NULL DEFAULT 'store',
  location VARCHAR(500) NULL,
  former_location VARCHAR(500) NULL,
  position VARCHAR(1024) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL,
  page INT UNSIGNED NOT NULL DEFAULT 0,
  all_read BOOLEAN NOT NULL DEFAULT FALSE,
  newest_position VARCHAR(1024) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL,
  cut_at DATETIME(3) NULL,
  reading_since DATETIME(3) NULL,
  messages_before INT UNSIGNED NOT NULL DEFAULT 0,
  channels INT UNSIGNED NOT NULL DEFAULT 0,
  threads INT UNSIGNED NOT NULL DEFAULT 0,
  messages INT UNSIGNED NOT NULL DEFAULT 0,
  attachments INT UNSIGNED NOT NULL DEFAULT 0,
  skipped INT UNSIGNED NOT NULL DEFAULT 0,
  failed INT UNSIGNED NOT NULL DEFAULT 0,
  expected_messages INT UNSIGNED NULL,
  media_pauses INT UNSIGNED NOT NULL DEFAULT 0,
  job CHAR(36) NULL,
  wave_id BIGINT UNSIGNED NULL,
  error_code VARCHAR(40) NULL,
  error_message TEXT NULL,
  error_at DATETIME(3) NULL,
  failing_since DATETIME(3) NULL,
  reported_at DATETIME(3) NULL,
  asked_at DATETIME(3) NULL,
  person VARCHAR(190) NOT NULL DEFAULT '',
  requested_at DATETIME(3) NULL,
  ended_at DATETIME(3) NULL,
  KEY account_move_status (migration_status, part, account_id),
  KEY account_move_wave (wave_id, migration_status),
  KEY account_move_ended (ended_at),
  KEY account_move_error (error_at),
  KEY account_move_reported (reported_at),
  CONSTRAINT account_move_account FOREIGN KEY (account_id) REFERENCES inbox_account (id) ON DELETE CASCADE
);

-- Every change of a move: a status (`kind` status) or the beginning of a stage (`kind` stage). `counts`: those of the
-- move at that time.
CREATE TABLE account_move_event (
  id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
  account_id INT UNSIGNED NOT NULL,
  run INT UNSIGNED NOT NULL,
  kind VARCHAR(8) NOT NULL,
  name VARCHAR(24) NOT NULL,
  counts TEXT NOT NULL,
  at DATETIME(3) NOT NULL,
  KEY account_move_event_account (account_id, run, id),
  KEY account_move_event_day (name, at),
  CONSTRAINT account_move_event_account FOREIGN KEY (account_id) REFERENCES inbox_account (id) ON DELETE CASCADE
);

-- `subject`: what the item belongs to, such as an account. `cause`: a short code by which failures are grouped.
ALTER TABLE dead_letter
  MODIFY item_key VARCHAR(190) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  MODIFY payload LONGTEXT NOT NULL,
  ADD COLUMN subject VARCHAR(100) CHARACTER SET ascii COLLATE ascii_bin NULL,
  ADD COLUMN cause VARCHAR(40) NULL,
  ADD COLUMN note VARCHAR(500) NULL,
  ADD KEY dead_letter_subject (subject, state, id),
  ADD KEY dead_letter_cause (kind, state, cause, subject);
