-- Filters of a list that a person saved under a name. `query` is the query of the list's URL.
CREATE TABLE saved_view (
  id CHAR(36) NOT NULL PRIMARY KEY,
  entity VARCHAR(40) NOT NULL,
  person VARCHAR(190) NOT NULL,
  name VARCHAR(60) NOT NULL,
  query VARCHAR(2000) NOT NULL,
  shared TINYINT(1) NOT NULL DEFAULT 0,
  created_at DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
  UNIQUE KEY saved_view_name (entity, person, name)
);
