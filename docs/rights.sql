-- The least rights in MySQL or MariaDB that work for each user of one environment's database, here
-- oneway_production. Printed by “oneway db grants oneway_production”; run them after “oneway db migrate”.

-- migrator: the user of `oneway db migrate`
GRANT ALL PRIVILEGES ON `oneway_production`.* TO 'oneway_production_migrator'@'%' WITH GRANT OPTION;

-- app: the environment's own server, worker and commands (SQL_DB_USER). It adds to the audit and to the history, and
-- changes nothing there.
GRANT SELECT, INSERT ON `oneway_production`.* TO 'oneway_production_app'@'%';
GRANT UPDATE, DELETE ON `oneway_production`.`business` TO 'oneway_production_app'@'%';
GRANT UPDATE, DELETE ON `oneway_production`.`business_city` TO 'oneway_production_app'@'%';
GRANT UPDATE, DELETE ON `oneway_production`.`task` TO 'oneway_production_app'@'%';
GRANT UPDATE, DELETE ON `oneway_production`.`task_city` TO 'oneway_production_app'@'%';
GRANT UPDATE, DELETE ON `oneway_production`.`sts` TO 'oneway_production_app'@'%';
GRANT UPDATE, DELETE ON `oneway_production`.`banner` TO 'oneway_production_app'@'%';
GRANT UPDATE, DELETE ON `oneway_production`.`banner_city` TO 'oneway_production_app'@'%';
GRANT UPDATE, DELETE ON `oneway_production`.`external_tool` TO 'oneway_production_app'@'%';
GRANT UPDATE, DELETE ON `oneway_production`.`order_receipt` TO 'oneway_production_app'@'%';
GRANT UPDATE, DELETE ON `oneway_production`.`city` TO 'oneway_production_app'@'%';
GRANT UPDATE, DELETE ON `oneway_production`.`partner` TO 'oneway_production_app'@'%';
GRANT UPDATE, DELETE ON `oneway_production`.`row_state` TO 'oneway_production_app'@'%';
GRANT UPDATE, DELETE ON `oneway_production`.`destination_state` TO 'oneway_production_app'@'%';
GRANT UPDATE, DELETE ON `oneway_production`.`claim` TO 'oneway_production_app'@'%';
GRANT UPDATE, DELETE ON `oneway_production`.`clock` TO 'oneway_production_app'@'%';
GRANT UPDATE, DELETE ON `oneway_production`.`id_sequence` TO 'oneway_production_app'@'%';
GRANT UPDATE, DELETE ON `oneway_production`.`name_mapping` TO 'oneway_production_app'@'%';
GRANT UPDATE, DELETE ON `oneway_production`.`base_chunk` TO 'oneway_production_app'@'%';
GRANT UPDATE, DELETE ON `oneway_production`.`transfer` TO 'oneway_production_app'@'%';
GRANT UPDATE, DELETE ON `oneway_production`.`step_image_bundle` TO 'oneway_production_app'@'%';
GRANT UPDATE, DELETE ON `oneway_production`.`transfer_step` TO 'oneway_production_app'@'%';
GRANT UPDATE, DELETE ON `oneway_production`.`selection` TO 'oneway_production_app'@'%';
GRANT UPDATE ON `oneway_production`.`scheduled_transfer` TO 'oneway_production_app'@'%';
GRANT UPDATE, DELETE ON `oneway_production`.`approval` TO 'oneway_production_app'@'%';
GRANT UPDATE, DELETE ON `oneway_production`.`saved_view` TO 'oneway_production_app'@'%';
GRANT UPDATE, DELETE ON `oneway_production`.`test_result` TO 'oneway_production_app'@'%';
GRANT UPDATE, DELETE ON `oneway_production`.`message` TO 'oneway_production_app'@'%';
GRANT UPDATE, DELETE ON `oneway_production`.`outbox` TO 'oneway_production_app'@'%';
GRANT UPDATE, DELETE ON `oneway_production`.`email_switch` TO 'oneway_production_app'@'%';
GRANT UPDATE, DELETE ON `oneway_production`.`person` TO 'oneway_production_app'@'%';
GRANT UPDATE, DELETE ON `oneway_production`.`permission` TO 'oneway_production_app'@'%';
GRANT UPDATE, DELETE ON `oneway_production`.`invitation` TO 'oneway_production_app'@'%';
GRANT UPDATE, DELETE ON `oneway_production`.`credential` TO 'oneway_production_app'@'%';
GRANT UPDATE, DELETE ON `oneway_production`.`credential_key` TO 'oneway_production_app'@'%';
GRANT UPDATE, DELETE ON `oneway_production`.`sealing_key` TO 'oneway_production_app'@'%';
GRANT UPDATE, DELETE ON `oneway_production`.`job` TO 'oneway_production_app'@'%';
GRANT UPDATE, DELETE ON `oneway_production`.`job_step` TO 'oneway_production_app'@'%';
GRANT UPDATE, DELETE ON `oneway_production`.`job_log` TO 'oneway_production_app'@'%';
GRANT UPDATE, DELETE ON `oneway_production`.`job_schedule` TO 'oneway_production_app'@'%';
GRANT UPDATE, DELETE ON `oneway_production`.`dead_letter` TO 'oneway_production_app'@'%';
GRANT UPDATE ON `oneway_production`.`staging_environment` TO 'oneway_production_app'@'%';
GRANT UPDATE ON `oneway_production`.`staging_job` TO 'oneway_production_app'@'%';
GRANT UPDATE ON `oneway_production`.`staging_order` TO 'oneway_production_app'@'%';
GRANT UPDATE ON `oneway_production`.`database_copy` TO 'oneway_production_app'@'%';
GRANT UPDATE ON `oneway_production`.`copy_lock` TO 'oneway_production_app'@'%';
GRANT UPDATE ON `oneway_production`.`dataset` TO 'oneway_production_app'@'%';
GRANT UPDATE ON `oneway_production`.`source` TO 'oneway_production_app'@'%';
GRANT UPDATE ON `oneway_production`.`operations_datafile_registry` TO 'oneway_production_app'@'%';
GRANT DELETE ON `oneway_production`.`data_row` TO 'oneway_production_app'@'%';
GRANT DELETE ON `oneway_production`.`data_reject` TO 'oneway_production_app'@'%';
GRANT UPDATE ON `oneway_production`.`data_version` TO 'oneway_production_app'@'%';
GRANT UPDATE ON `oneway_production`.`upload` TO 'oneway_production_app'@'%';
GRANT UPDATE ON `oneway_production`.`pipeline_run` TO 'oneway_production_app'@'%';
GRANT UPDATE ON `oneway_production`.`inbox_account` TO 'oneway_production_app'@'%';
GRANT UPDATE ON `oneway_production`.`inbox_brand` TO 'oneway_production_app'@'%';
GRANT UPDATE ON `oneway_production`.`inbox_channel` TO 'oneway_production_app'@'%';
GRANT UPDATE ON `oneway_production`.`inbox_thread` TO 'oneway_production_app'@'%';
GRANT UPDATE ON `oneway_production`.`inbox_message` TO 'oneway_production_app'@'%';
GRANT UPDATE ON `oneway_production`.`inbox_attachment` TO 'oneway_production_app'@'%';
GRANT UPDATE ON `oneway_production`.`account_move` TO 'oneway_production_app'@'%';
GRANT UPDATE ON `oneway_production`.`wave` TO 'oneway_production_app'@'%';
GRANT UPDATE ON `oneway_production`.`wave_account` TO 'oneway_production_app'@'%';

-- arrivals: what the environment before writes here (UNI_DIR_DESTINATION_SQL_DB_USER). It sees no people, no
-- permissions, no keys and no messages.
GRANT SELECT, INSERT, UPDATE, DELETE ON `oneway_production`.`business` TO 'oneway_production_arrivals'@'%';
GRANT SELECT, INSERT, UPDATE, DELETE ON `oneway_production`.`business_city` TO 'oneway_production_arrivals'@'%';
GRANT SELECT, INSERT, UPDATE, DELETE ON `oneway_production`.`task` TO 'oneway_production_arrivals'@'%';
GRANT SELECT, INSERT, UPDATE, DELETE ON `oneway_production`.`task_city` TO 'oneway_production_arrivals'@'%';
GRANT SELECT, INSERT, UPDATE, DELETE ON `oneway_production`.`sts` TO 'oneway_production_arrivals'@'%';
GRANT SELECT, INSERT, UPDATE, DELETE ON `oneway_production`.`banner` TO 'oneway_production_arrivals'@'%';
GRANT SELECT, INSERT, UPDATE, DELETE ON `oneway_production`.`banner_city` TO 'oneway_production_arrivals'@'%';
GRANT SELECT, INSERT, UPDATE, DELETE ON `oneway_production`.`external_tool` TO 'oneway_production_arrivals'@'%';
GRANT SELECT, INSERT, UPDATE, DELETE ON `oneway_production`.`order_receipt` TO 'oneway_production_arrivals'@'%';
GRANT SELECT, INSERT, UPDATE, DELETE ON `oneway_production`.`city` TO 'oneway_production_arrivals'@'%';
GRANT SELECT, INSERT, UPDATE, DELETE ON `oneway_production`.`partner` TO 'oneway_production_arrivals'@'%';
GRANT SELECT, INSERT, UPDATE ON `oneway_production`.`row_state` TO 'oneway_production_arrivals'@'%';
GRANT SELECT ON `oneway_production`.`destination_state` TO 'oneway_production_arrivals'@'%';
GRANT SELECT, INSERT ON `oneway_production`.`arrival` TO 'oneway_production_arrivals'@'%';
GRANT SELECT, INSERT ON `oneway_production`.`image_bundle` TO 'oneway_production_arrivals'@'%';
GRANT SELECT, INSERT, UPDATE, DELETE ON `oneway_production`.`claim` TO 'oneway_production_arrivals'@'%';
GRANT SELECT, UPDATE ON `oneway_production`.`clock` TO 'oneway_production_arrivals'@'%';
GRANT SELECT, INSERT, UPDATE ON `oneway_production`.`id_sequence` TO 'oneway_production_arrivals'@'%';
GRANT SELECT ON `oneway_production`.`name_mapping` TO 'oneway_production_arrivals'@'%';
GRANT SELECT ON `oneway_production`.`base_chunk` TO 'oneway_production_arrivals'@'%';
GRANT SELECT ON `oneway_production`.`sealing_key` TO 'oneway_production_arrivals'@'%';
GRANT INSERT ON `oneway_production`.`audit` TO 'oneway_production_arrivals'@'%';

-- reader: what reads production for the refresh and to restore rows (REFRESH_SOURCE_SQL_DB_USER)
GRANT SELECT ON `oneway_production`.`business` TO 'oneway_production_reader'@'%';
GRANT SELECT ON `oneway_production`.`business_city` TO 'oneway_production_reader'@'%';
GRANT SELECT ON `oneway_production`.`task` TO 'oneway_production_reader'@'%';
GRANT SELECT ON `oneway_production`.`task_city` TO 'oneway_production_reader'@'%';
GRANT SELECT ON `oneway_production`.`sts` TO 'oneway_production_reader'@'%';
GRANT SELECT ON `oneway_production`.`banner` TO 'oneway_production_reader'@'%';
GRANT SELECT ON `oneway_production`.`banner_city` TO 'oneway_production_reader'@'%';
GRANT SELECT ON `oneway_production`.`external_tool` TO 'oneway_production_reader'@'%';
GRANT SELECT ON `oneway_production`.`order_receipt` TO 'oneway_production_reader'@'%';
GRANT SELECT ON `oneway_production`.`city` TO 'oneway_production_reader'@'%';
GRANT SELECT ON `oneway_production`.`partner` TO 'oneway_production_reader'@'%';
GRANT SELECT ON `oneway_production`.`row_state` TO 'oneway_production_reader'@'%';
GRANT SELECT ON `oneway_production`.`destination_state` TO 'oneway_production_reader'@'%';
GRANT SELECT ON `oneway_production`.`arrival` TO 'oneway_production_reader'@'%';
GRANT SELECT ON `oneway_production`.`image_bundle` TO 'oneway_production_reader'@'%';
GRANT SELECT ON `oneway_production`.`claim` TO 'oneway_production_reader'@'%';
GRANT SELECT ON `oneway_production`.`clock` TO 'oneway_production_reader'@'%';
GRANT SELECT ON `oneway_production`.`name_mapping` TO 'oneway_production_reader'@'%';
GRANT SELECT ON `oneway_production`.`base_chunk` TO 'oneway_production_reader'@'%';

-- copies: what makes databases from backups (COPIES_SQL_DB_USER): any database by the name of a copy, and no other
GRANT SELECT, INSERT, UPDATE, DELETE, CREATE, DROP, ALTER, INDEX, REFERENCES, CREATE VIEW ON `%-lab`.* TO 'copies'@'%';
GRANT SELECT, INSERT, UPDATE, DELETE, CREATE, DROP, ALTER, INDEX, REFERENCES, CREATE VIEW ON `%-lab\_%`.* TO 'copies'@'%';
GRANT SELECT, INSERT, UPDATE, DELETE, CREATE, DROP, ALTER, INDEX, REFERENCES, CREATE VIEW ON `%-test`.* TO 'copies'@'%';
GRANT SELECT, INSERT, UPDATE, DELETE, CREATE, DROP, ALTER, INDEX, REFERENCES, CREATE VIEW ON `%-test\_%`.* TO 'copies'@'%';
GRANT SELECT, INSERT, UPDATE, DELETE, CREATE, DROP, ALTER, INDEX, REFERENCES, CREATE VIEW ON `%-ecom`.* TO 'copies'@'%';
GRANT SELECT, INSERT, UPDATE, DELETE, CREATE, DROP, ALTER, INDEX, REFERENCES, CREATE VIEW ON `%-ecom\_%`.* TO 'copies'@'%';

-- pipeline: what carries datasets into the datasets database (DATASETS_SQL_DB_USER)
GRANT SELECT, INSERT, DELETE, CREATE, ALTER, DROP ON `datasets`.* TO 'oneway_pipeline'@'%';
