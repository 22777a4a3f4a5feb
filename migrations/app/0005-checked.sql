-- Of a thousand ids of a table: what stood here and at the destination when row_state and stop_state were last
-- found to be right about it, a line for each row (SHA-1 of its content, id, modified_at). `changes` has the lines of
-- the few rows that moved since the others were written; `digest` is that of all. `generation` counts what was
-- written to stop_state since, so that nothing is kept that somebody else has overtaken.
CREATE TABLE checked (
  entity VARCHAR(40) NOT NULL,
  stretch BIGINT UNSIGNED NOT NULL,
  generation INT UNSIGNED NOT NULL DEFAULT 0,
  digest CHAR(64) NULL,
  here_lines MEDIUMTEXT NULL,
  there_lines MEDIUMTEXT NULL,
  changes MEDIUMTEXT NULL,
  PRIMARY KEY (entity, stretch)
);
