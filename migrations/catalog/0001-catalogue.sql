-- The catalogue's rows. Ids are given by the program (id_sequence), never by the database, so that the
-- same row has the same id in every environment. References are kept right by the program: forms live
-- in the other database, and a transfer writes its rows set by set.
CREATE TABLE business (
  id BIGINT UNSIGNED NOT NULL PRIMARY KEY,
  name VARCHAR(80) NOT NULL,
  category VARCHAR(40) NOT NULL,
  description TEXT NULL,
  icon VARCHAR(80) NULL,
  active TINYINT(1) NOT NULL,
  priority INT NOT NULL,
  modified_at DATETIME(3) NOT NULL,
  UNIQUE KEY business_name (name),
  KEY business_modified (modified_at, id)
);

CREATE TABLE external_tool (
  id BIGINT UNSIGNED NOT NULL PRIMARY KEY,
  business_id BIGINT UNSIGNED NOT NULL,
  name VARCHAR(80) NOT NULL,
  endpoint VARCHAR(300) NULL,
  `key` VARCHAR(200) NULL,
  active TINYINT(1) NOT NULL,
  modified_at DATETIME(3) NOT NULL,
  KEY external_tool_business (business_id),
  KEY external_tool_modified (modified_at, id)
);

CREATE TABLE task (
  id BIGINT UNSIGNED NOT NULL PRIMARY KEY,
  title VARCHAR(120) NOT NULL,
  message TEXT NULL,
  business_id BIGINT UNSIGNED NOT NULL,
  form_id BIGINT UNSIGNED NULL,
  priority INT NOT NULL,
  active TINYINT(1) NOT NULL,
  modified_at DATETIME(3) NOT NULL,
  KEY task_business (business_id),
  KEY task_form (form_id),
  KEY task_modified (modified_at, id)
);

CREATE TABLE order_receipt (
  id BIGINT UNSIGNED NOT NULL PRIMARY KEY,
  task_id BIGINT UNSIGNED NOT NULL,
  template VARCHAR(80) NOT NULL,
  text TEXT NULL,
  modified_at DATETIME(3) NOT NULL,
  KEY order_receipt_task (task_id),
  KEY order_receipt_modified (modified_at, id)
);

CREATE TABLE sts (
  id BIGINT UNSIGNED NOT NULL PRIMARY KEY,
  text VARCHAR(200) NOT NULL,
  business_id BIGINT UNSIGNED NOT NULL,
  task_id BIGINT UNSIGNED NULL,
  active TINYINT(1) NOT NULL,
  modified_at DATETIME(3) NOT NULL,
  KEY sts_business (business_id),
  KEY sts_task (task_id),
  KEY sts_modified (modified_at, id)
);

CREATE TABLE banner (
  id BIGINT UNSIGNED NOT NULL PRIMARY KEY,
  title VARCHAR(100) NOT NULL,
  image VARCHAR(80) NULL,
  link VARCHAR(300) NULL,
  business_id BIGINT UNSIGNED NULL,
  task_id BIGINT UNSIGNED NULL,
  `start` DATETIME(3) NULL,
  `end` DATETIME(3) NULL,
  modified_at DATETIME(3) NOT NULL,
  KEY banner_business (business_id),
  KEY banner_task (task_id),
  KEY banner_modified (modified_at, id)
);

CREATE TABLE city (
  id BIGINT UNSIGNED NOT NULL PRIMARY KEY,
  name VARCHAR(100) NOT NULL,
  country VARCHAR(2) NULL,
  modified_at DATETIME(3) NOT NULL,
  KEY city_name (name)
);

CREATE TABLE partner (
  id BIGINT UNSIGNED NOT NULL PRIMARY KEY,
  name VARCHAR(100) NOT NULL,
  modified_at DATETIME(3) NOT NULL,
  KEY partner_name (name)
);

CREATE TABLE business_city (
  business_id BIGINT UNSIGNED NOT NULL,
  city_id BIGINT UNSIGNED NOT NULL,
  partner_id BIGINT UNSIGNED NULL,
  PRIMARY KEY (business_id, city_id),
  KEY business_city_city (city_id),
  KEY business_city_partner (partner_id)
);

CREATE TABLE task_city (
  task_id BIGINT UNSIGNED NOT NULL,
  city_id BIGINT UNSIGNED NOT NULL,
  partner_id BIGINT UNSIGNED NULL,
  PRIMARY KEY (task_id, city_id),
  KEY task_city_city (city_id),
  KEY task_city_partner (partner_id)
);

CREATE TABLE banner_city (
  banner_id BIGINT UNSIGNED NOT NULL,
  city_id BIGINT UNSIGNED NOT NULL,
  partner_id BIGINT UNSIGNED NULL,
  PRIMARY KEY (banner_id, city_id),
  KEY banner_city_city (city_id),
  KEY banner_city_partner (partner_id)
);
