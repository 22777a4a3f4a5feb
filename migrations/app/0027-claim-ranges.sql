-- A line of `claim` claims the rows of its entity from `row_id` to `last_id`, both included. NULL, as in lines of earlier
-- versions, means only `row_id`.
ALTER TABLE claim ADD COLUMN last_id BIGINT UNSIGNED NULL AFTER row_id;
