-- Why a transfer was refused or needs attention, as a code, and the row that it is about (`sts:12`).
ALTER TABLE transfer
  ADD COLUMN problem_reason VARCHAR(32) NULL AFTER problem,
  ADD COLUMN problem_row VARCHAR(60) NULL AFTER problem_reason;
