-- Datasets: data files from sources and uploads, their rows in one table, and the versions that are made of them.
CREATE TABLE dataset (
  id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
  organisation VARCHAR(30) NOT NULL,
  name VARCHAR(30) NOT NULL,
  mode VARCHAR(10) NOT NULL DEFAULT 'replace',
  open_to_clients BOOLEAN NOT NULL DEFAULT FALSE,
  keep_versions INT UNSIGNED NOT NULL DEFAULT 5,
  current_version INT UNSIGNED NULL,
  feeds VARCHAR(20) NULL,
  feeds_column VARCHAR(200) NULL,
  revision INT UNSIGNED NOT NULL DEFAULT 1,
  created_by VARCHAR(190) NOT NULL,
  created_at DATETIME(3) NOT NULL,
  UNIQUE KEY dataset_name (organisation, name)
);

-- `credential` is the name of a setting that holds the secret, never the secret. `hosts`: further hosts that files may
-- come from.
CREATE TABLE source (
  id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
  name VARCHAR(60) NOT NULL,
  kind VARCHAR(20) NOT NULL,
  url VARCHAR(500) NOT NULL,
  options TEXT NOT NULL,
  hosts TEXT NOT NULL,
  credential VARCHAR(60) NULL,
  dataset BIGINT UNSIGNED NOT NULL,
  cron VARCHAR(60) NOT NULL,
  active BOOLEAN NOT NULL DEFAULT TRUE,
  revision INT UNSIGNED NOT NULL DEFAULT 1,
  created_by VARCHAR(190) NOT NULL,
  created_at DATETIME(3) NOT NULL,
  UNIQUE KEY source_name (name),
  CONSTRAINT source_dataset FOREIGN KEY (dataset) REFERENCES dataset (id) ON DELETE CASCADE
);

-- The registry of data files. `loaded_line`: the last line of the file whose rows are stored.
CREATE TABLE operations_datafile_registry (
  id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
  dataset BIGINT UNSIGNED NOT NULL,
  source BIGINT UNSIGNED NULL,
  file_name VARCHAR(255) NOT NULL,
  fetch_number INT UNSIGNED NOT NULL DEFAULT 1,
  state VARCHAR(12) NOT NULL,
  object VARCHAR(700) NOT NULL,
  url VARCHAR(2000) NULL,
  size BIGINT UNSIGNED NOT NULL,
  sha256 CHAR(64) NOT NULL,
  etag VARCHAR(300) NULL,
  seen_size BIGINT UNSIGNED NULL,
  seen_etag VARCHAR(300) NULL,
  choices MEDIUMTEXT NULL,
  examination LONGTEXT NULL,
  reading MEDIUMTEXT NULL,
  counts TEXT NULL,
  accepts_columns BOOLEAN NOT NULL DEFAULT FALSE,
  loaded_line BIGINT UNSIGNED NOT NULL DEFAULT 0,
  loaded_rows BIGINT UNSIGNED NOT NULL DEFAULT 0,
  reason VARCHAR(20) NULL,
  error_message TEXT NULL,
  person VARCHAR(190) NOT NULL,
  job CHAR(36) NULL,
  checked_at DATETIME(3) NULL,
  hashed_at DATETIME(3) NULL,
  check_result VARCHAR(12) NULL,
  created_timestamp DATETIME(3) NOT NULL,
  updated_timestamp DATETIME(3) NOT NULL,
  UNIQUE KEY operations_datafile_registry_file (source, file_name, fetch_number),
  KEY operations_datafile_registry_state (state),
  KEY operations_datafile_registry_dataset (dataset, id),
  CONSTRAINT operations_datafile_registry_dataset FOREIGN KEY (dataset) REFERENCES dataset (id) ON DELETE CASCADE,
  CONSTRAINT operations_datafile_registry_source FOREIGN KEY (source) REFERENCES source (id) ON DELETE CASCADE
);

-- `cells`: a JSON array. `id`: the number of the row within its file.
CREATE TABLE data_row (
  datafile BIGINT UNSIGNED NOT NULL,
  id BIGINT UNSIGNED NOT NULL,
  cells MEDIUMTEXT NOT NULL,
  PRIMARY KEY (datafile, id)
);

CREATE TABLE data_reject (
  datafile BIGINT UNSIGNED NOT NULL,
  line BIGINT UNSIGNED NOT NULL,
  column_name VARCHAR(300) NULL,
  reason VARCHAR(20) NOT NULL,
  message VARCHAR(500) NOT NULL,
  excerpt VARCHAR(400) NOT NULL,
  PRIMARY KEY (datafile, line)
);

-- `read_at`: when a client last read a page of it; a version that is being read is not purged.
CREATE TABLE data_version (
  dataset BIGINT UNSIGNED NOT NULL,
  number INT UNSIGNED NOT NULL,
  columns MEDIUMTEXT NOT NULL,
  row_count BIGINT UNSIGNED NOT NULL,
  person VARCHAR(190) NOT NULL,
  reason VARCHAR(500) NULL,
  created_at DATETIME(3) NOT NULL,
  read_at DATETIME(3) NULL,
  purged_at DATETIME(3) NULL,
  PRIMARY KEY (dataset, number),
  CONSTRAINT data_version_dataset FOREIGN KEY (dataset) REFERENCES dataset (id) ON DELETE CASCADE
);

-- `first_id`: the id of the file's first row within the version.
CREATE TABLE data_version_file (
  dataset BIGINT UNSIGNED NOT NULL,
  version INT UNSIGNED NOT NULL,
  position INT UNSIGNED NOT NULL,
  datafile BIGINT UNSIGNED NOT NULL,
  first_id BIGINT UNSIGNED NOT NULL,
  row_count BIGINT UNSIGNED NOT NULL,
  PRIMARY KEY (dataset, version, position),
  KEY data_version_file_datafile (datafile),
  CONSTRAINT data_version_file_version FOREIGN KEY (dataset, version) REFERENCES data_version (dataset, number) ON DELETE CASCADE
);

CREATE TABLE upload (
  id CHAR(36) NOT NULL PRIMARY KEY,
  dataset BIGINT UNSIGNED NOT NULL,
  file_name VARCHAR(255) NOT NULL,
  state VARCHAR(20) NOT NULL,
  datafile BIGINT UNSIGNED NULL,
  received BIGINT UNSIGNED NOT NULL DEFAULT 0,
  expected BIGINT UNSIGNED NULL,
  pipeline_run BIGINT UNSIGNED NULL,
  error TEXT NULL,
  person VARCHAR(190) NOT NULL,
  created_at DATETIME(3) NOT NULL,
  changed_at DATETIME(3) NOT NULL,
  KEY upload_state (state, changed_at),
  KEY upload_datafile (datafile),
  KEY upload_pipeline_run (pipeline_run),
  CONSTRAINT upload_dataset FOREIGN KEY (dataset) REFERENCES dataset (id) ON DELETE CASCADE
);

-- `next`: the URL of the next page to fetch; null before the first and after the last.
CREATE TABLE pipeline_run (
  number BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
  dataset BIGINT UNSIGNED NOT NULL,
  organisation VARCHAR(30) NOT NULL,
  name VARCHAR(30) NOT NULL,
  version INT UNSIGNED NOT NULL,
  state VARCHAR(12) NOT NULL,
  next VARCHAR(2000) NULL,
  pages_fetched INT UNSIGNED NOT NULL DEFAULT 0,
  pages_inserted INT UNSIGNED NOT NULL DEFAULT 0,
  row_count BIGINT UNSIGNED NOT NULL,
  rows_inserted BIGINT UNSIGNED NOT NULL DEFAULT 0,
  structure MEDIUMTEXT NULL,
  error TEXT NULL,
  job CHAR(36) NULL,
  person VARCHAR(190) NOT NULL,
  created_at DATETIME(3) NOT NULL,
  changed_at DATETIME(3) NOT NULL,
  ended_at DATETIME(3) NULL,
  pages_removed_at DATETIME(3) NULL,
  KEY pipeline_run_dataset (dataset, number),
  KEY pipeline_run_state (state)
);
