-- What writes replaced. `images` has a line for each row: its number in the transfer, a tab, and the row as JSON;
-- compressed with zstd where it begins with the magic number of zstd. A block has up to 500 numbers.
CREATE TABLE image_bundle (
  id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
  side VARCHAR(10) NOT NULL,
  transfer CHAR(36) NOT NULL,
  block INT UNSIGNED NOT NULL,
  part INT UNSIGNED NOT NULL,
  images MEDIUMBLOB NOT NULL,
  UNIQUE KEY image_bundle_part (side, transfer, block, part)
);

INSERT IGNORE INTO image_bundle (side, transfer, block, part, images)
SELECT 'before', transfer, (seq - 1) DIV 500, seq, CONCAT(seq, '\t', before_image)
  FROM arrival WHERE before_image IS NOT NULL;

-- What a row was after a write is what the next write replaced, or the row itself.
ALTER TABLE arrival DROP COLUMN before_image, DROP COLUMN after_image;

-- The rows of the journal before and after, until a day after their transfer; then only the hashes of those after.
CREATE TABLE step_image_bundle LIKE image_bundle;

INSERT IGNORE INTO step_image_bundle (side, transfer, block, part, images)
SELECT 'before', transfer, (seq - 1) DIV 500, seq, CONCAT(seq, '\t', before_image)
  FROM transfer_step WHERE before_image IS NOT NULL;

INSERT IGNORE INTO step_image_bundle (side, transfer, block, part, images)
SELECT 'after', transfer, (seq - 1) DIV 500, seq, CONCAT(seq, '\t', after_image)
  FROM transfer_step WHERE after_image IS NOT NULL;

ALTER TABLE transfer_step DROP COLUMN before_image, DROP COLUMN after_image;
