-- What the line of a step says beside its outcome: what the destination stored differently, and an instant that was
-- ahead of its clock.
ALTER TABLE transfer_step ADD COLUMN remark MEDIUMTEXT NULL;
