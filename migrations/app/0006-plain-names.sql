-- Tables, columns and values under the names that the program and its pages use.

RENAME TABLE stop_state TO destination_state;
ALTER TABLE destination_state
  RENAME COLUMN seen_hash TO observed_hash,
  RENAME COLUMN seen_at TO observed_at;

-- The previous environment still reads the old name until its program is of this version, too.
CREATE VIEW stop_state AS
  SELECT entity, row_id, observed_hash AS seen_hash, observed_at AS seen_at, base_hash, base_content, base_at,
         undone_hash, undone_by, undone_at, undone_reason
    FROM destination_state;

RENAME TABLE checked TO checked_chunk;
ALTER TABLE checked_chunk RENAME COLUMN stretch TO chunk;

RENAME TABLE verdict TO test_result;
ALTER TABLE test_result RENAME INDEX verdict_row TO test_result_row;

ALTER TABLE transfer_step RENAME COLUMN kept TO excluded_fields;
UPDATE transfer_step SET outcome = 'kept theirs' WHERE outcome = 'left as theirs';

UPDATE transfer SET kind = 'refresh' WHERE kind = 'copy-down';
UPDATE transfer SET kind = 'restore' WHERE kind = 'bring-back';
UPDATE transfer SET state = 'rolling_back' WHERE state = 'putting_back';
UPDATE transfer SET state = 'rolled_back' WHERE state = 'put_back';
UPDATE transfer SET decision = 'roll-back' WHERE decision = 'put-back';
UPDATE transfer SET decision = 'keep-theirs' WHERE decision = 'leave-theirs';

UPDATE arrival SET kind = 'refresh' WHERE kind = 'copy-down';
UPDATE arrival SET kind = 'restore' WHERE kind = 'bring-back';

UPDATE selection SET kind = 'restore' WHERE kind = 'bring-back';
UPDATE selection SET choices = REPLACE(choices, '"kept":', '"excludedFields":');

UPDATE job SET only_one = 'refresh' WHERE only_one = 'copy-down';
UPDATE job
   SET kind = 'refresh', input = REPLACE(input, '"isLook":', '"dryRun":'),
       report = REPLACE(REPLACE(report, '"left":', '"skipped":'), '"leftAlone":', '"skippedRows":')
 WHERE kind = 'copy-down';
UPDATE job SET input = REPLACE(input, '"isAnew":', '"isFull":') WHERE kind = 'comparison';
