-- The history keeps what each write replaced. What a row was afterwards is what the next write replaced, or the row.
ALTER TABLE arrival DROP COLUMN after_image;
