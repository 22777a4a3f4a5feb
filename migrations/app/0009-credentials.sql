-- A credential is what an app, a client or a job is known by; its keys are what it shows. A bearer or job token is
-- stored as its SHA-256; a HAWK secret is encrypted with the key of the settings that `encryption_key` names.
CREATE TABLE credential (
  id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
  kind VARCHAR(20) NOT NULL,
  name VARCHAR(100) NOT NULL,
  scopes TEXT NOT NULL,
  created_by VARCHAR(190) NOT NULL,
  created_at DATETIME(3) NOT NULL,
  KEY credential_kind (kind, name)
);

CREATE TABLE credential_key (
  id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
  credential_id BIGINT UNSIGNED NOT NULL,
  public_part VARCHAR(40) NOT NULL,
  hash CHAR(64) NULL,
  encrypted_secret VARCHAR(200) NULL,
  encryption_key CHAR(8) NULL,
  created_by VARCHAR(190) NOT NULL,
  created_at DATETIME(3) NOT NULL,
  expires_at DATETIME(3) NULL,
  used_at DATETIME(3) NULL,
  revoked_by VARCHAR(190) NULL,
  revoked_at DATETIME(3) NULL,
  KEY credential_key_public_part (public_part),
  CONSTRAINT credential_key_credential FOREIGN KEY (credential_id) REFERENCES credential (id) ON DELETE CASCADE
);

-- API keys become bearer credentials with one key each: "task" is "catalog:task" now, "*" is "catalog:*".
INSERT INTO credential (id, kind, name, scopes, created_by, created_at)
SELECT id, 'bearer', name, REPLACE(REPLACE(scopes, '["', '["catalog:'), ',"', ',"catalog:'), created_by, created_at
  FROM api_key;

INSERT INTO credential_key
       (id, credential_id, public_part, hash, created_by, created_at, used_at, revoked_by, revoked_at)
SELECT id, id, hint, hash, created_by, created_at, used_at, revoked_by, revoked_at
  FROM api_key;

DROP TABLE api_key;
