-- Who may do what here, and what was done.
CREATE TABLE person (
  id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
  email VARCHAR(190) NOT NULL,
  name VARCHAR(100) NOT NULL,
  password_hash VARCHAR(255) NOT NULL,
  active TINYINT(1) NOT NULL DEFAULT 1,
  created_at DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
  UNIQUE KEY person_email (email)
);

CREATE TABLE permission (
  person_id BIGINT UNSIGNED NOT NULL,
  name VARCHAR(40) NOT NULL,
  PRIMARY KEY (person_id, name),
  CONSTRAINT permission_person FOREIGN KEY (person_id) REFERENCES person (id) ON DELETE CASCADE
);

-- People are named by e-mail: an id would mean someone else in the next environment.
CREATE TABLE audit (
  id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
  at DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
  person VARCHAR(190) NOT NULL,
  action VARCHAR(40) NOT NULL,
  subject VARCHAR(190) NOT NULL,
  detail TEXT NULL,
  entity VARCHAR(40) NULL,
  row_id BIGINT UNSIGNED NULL,
  transfer CHAR(36) NULL,
  KEY audit_at (at),
  KEY audit_row (entity, row_id),
  KEY audit_person (person, at)
);
