-- For each 1,000 ids of an entity: the hash at which each row was last known to be equal here and at the destination,
-- and since when; 40 bytes for each row. A row with a line in destination_state has its base there.
-- `digest` is that of all ids and hashes. `generation` grows with each write.
CREATE TABLE base_chunk (
  entity VARCHAR(40) NOT NULL,
  chunk BIGINT UNSIGNED NOT NULL,
  generation INT UNSIGNED NOT NULL DEFAULT 1,
  bases MEDIUMBLOB NOT NULL,
  digest CHAR(64) NOT NULL,
  PRIMARY KEY (entity, chunk)
);

DROP TABLE checked_chunk;
