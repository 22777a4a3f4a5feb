-- No statement looks up rows of these tables by these columns, and every write had to maintain both indexes.
ALTER TABLE transfer_step DROP INDEX transfer_step_row;
ALTER TABLE row_state DROP INDEX row_state_changed;
