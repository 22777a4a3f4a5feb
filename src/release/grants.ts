// Lists the minimal MySQL rights of each user of an environment’s database.
import { catalogTables } from '../catalog/tables.ts';

/**
 * `migrator` runs the migrations; `app` is the user of the environment’s own program; `arrivals` is the user with which
 * the previous environment writes rows to this one; `reader` reads production for the refresh.
 */
const databaseUsers = ['migrator', 'app', 'arrivals', 'reader'] as const;
export type DatabaseUser = (typeof databaseUsers)[number];

type Rights = Partial<Record<'app' | 'arrivals' | 'reader', string>>;

const catalogRights: Rights = {
  app: 'UPDATE, DELETE',
  arrivals: 'SELECT, INSERT, UPDATE, DELETE',
  reader: 'SELECT',
};

/**
 * Rights on Oneway’s own tables. `app` may SELECT and INSERT in all of them, but not UPDATE or
 * DELETE in the tables of audit and history.
 */
const programRights: Record<string, Rights> = {
  row_state: { app: 'UPDATE, DELETE', arrivals: 'SELECT, INSERT, UPDATE', reader: 'SELECT' },
  destination_state: { app: 'UPDATE, DELETE', arrivals: 'SELECT', reader: 'SELECT' },
  arrival: { arrivals: 'SELECT, INSERT', reader: 'SELECT' },
  image_bundle: { arrivals: 'SELECT, INSERT', reader: 'SELECT' },
  claim: { app: 'UPDATE, DELETE', arrivals: 'SELECT, INSERT, UPDATE, DELETE', reader: 'SELECT' },
  clock: { app: 'UPDATE, DELETE', arrivals: 'SELECT, UPDATE', reader: 'SELECT' },
  id_sequence: { app: 'UPDATE, DELETE', arrivals: 'SELECT, INSERT, UPDATE' },
  name_mapping: { app: 'UPDATE, DELETE', arrivals: 'SELECT', reader: 'SELECT' },
  base_chunk: { app: 'UPDATE, DELETE', arrivals: 'SELECT', reader: 'SELECT' },
  transfer: { app: 'UPDATE, DELETE' },
  step_image_bundle: { app: 'UPDATE, DELETE' },
  transfer_step: { app: 'UPDATE, DELETE' },
  selection: { app: 'UPDATE, DELETE' },
  scheduled_transfer: { app: 'UPDATE' },
  approval: { app: 'UPDATE, DELETE' },
  saved_view: { app: 'UPDATE, DELETE' },
  test_result: { app: 'UPDATE, DELETE' },
  message: { app: 'UPDATE, DELETE' },
  outbox: { app: 'UPDATE, DELETE' },
  email_switch: { app: 'UPDATE, DELETE' },
  person: { app: 'UPDATE, DELETE' },
  permission: { app: 'UPDATE, DELETE' },
  invitation: { app: 'UPDATE, DELETE' },
  credential: { app: 'UPDATE, DELETE' },
  credential_key: { app: 'UPDATE, DELETE' },
  sealing_key: { app: 'UPDATE, DELETE', arrivals: 'SELECT' },
  job: { app: 'UPDATE, DELETE' },
  job_step: { app: 'UPDATE, DELETE' },
  job_log: { app: 'UPDATE, DELETE' },
  job_schedule: { app: 'UPDATE, DELETE' },
  dead_letter: { app: 'UPDATE, DELETE' },
  staging_environment: { app: 'UPDATE' },
  staging_job: { app: 'UPDATE' },
  staging_order: { app: 'UPDATE' },
  database_copy: { app: 'UPDATE' },
  copy_lock: { app: 'UPDATE' },
  dataset: { app: 'UPDATE' },
  source: { app: 'UPDATE' },
  operations_datafile_registry: { app: 'UPDATE' },
  data_row: { app: 'DELETE' },
  data_reject: { app: 'DELETE' },
  data_version: { app: 'UPDATE' },
  data_version_file: {},
  upload: { app: 'UPDATE' },
  pipeline_run: { app: 'UPDATE' },
  inbox_account: { app: 'UPDATE' },
  inbox_brand: { app: 'UPDATE' },
  inbox_channel: { app: 'UPDATE' },
  inbox_thread: { app: 'UPDATE' },
  inbox_message: { app: 'UPDATE' },
  inbox_attachment: { app: 'UPDATE' },
  account_move: { app: 'UPDATE' },
  account_move_event: {},
  wave: { app: 'UPDATE' },
  wave_account: { app: 'UPDATE' },
  audit: { arrivals: 'INSERT' },
  migration: {},
  migration_progress: {},
};

/** Lists all tables for which rights are defined. */
export const knownTables = (): string[] => [
  ...catalogTables().mysql,
  ...Object.keys(programRights),
];

/**
 * Lists the GRANT statements for one user of a database. The tables must exist before these
 * statements run.
 */
export function grants(
  database: string,
  user: DatabaseUser,
  account = `${database}_${user}`,
): string[] {
  const to = `TO ${quoted(account)}@'%'`;
  if (user === 'migrator') {
    return [`GRANT ALL PRIVILEGES ON ${named(database)}.* ${to} WITH GRANT OPTION`];
  }
  const everywhere = user === 'app' ? [`GRANT SELECT, INSERT ON ${named(database)}.* ${to}`] : [];
  const tables = [
    ...catalogTables().mysql.map((table) => [table, catalogRights] as const),
    ...Object.entries(programRights),
  ];
  return [
    ...everywhere,
    ...tables.flatMap(([table, rights]) =>
      rights[user] ? [`GRANT ${rights[user]} ON ${named(database)}.${named(table)} ${to}`] : [],
    ),
  ];
}

/**
 * The purposes (levels) of staging databases, which are a part of their names: `cosmos-lab` and `cosmos-lab_…` have the
 * level `lab`.
 */
const copyLevels = ['lab', 'test', 'ecom'];

/**
 * Lists the GRANT statements for the account that creates staging databases (COPIES_SQL_DB_USER). The account may use
 * only databases whose names contain a level such as `lab`, so that MySQL itself refuses to drop any other database.
 */
export const copyGrants = (account: string): string[] =>
  copyLevels.flatMap((level) =>
    [`%-${level}`, `%-${level}\\_%`].map(
      (pattern) =>
        `GRANT SELECT, INSERT, UPDATE, DELETE, CREATE, DROP, ALTER, INDEX, REFERENCES, CREATE VIEW ON \`${pattern}\`.* TO ${quoted(account)}@'%'`,
    ),
  );

/**
 * Lists the GRANT statements for the pipeline’s account in the datasets database
 * (DATASETS_SQL_DB_USER).
 */
export const datasetsGrants = (database: string, account: string): string[] => [
  `GRANT SELECT, INSERT, DELETE, CREATE, ALTER, DROP ON ${named(database)}.* TO ${quoted(account)}@'%'`,
];

const named = (identifier: string) => `\`${identifier.replaceAll('`', '``')}\``;
const quoted = (text: string) => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "''")}'`;

const purposes: Record<DatabaseUser, string> = {
  migrator: 'the user of `oneway db migrate`',
  app: `the environment's own server, worker and commands (SQL_DB_USER). It adds to the audit and to the history, and
-- changes nothing there.`,
  arrivals: `what the environment before writes here (UNI_DIR_DESTINATION_SQL_DB_USER). It sees no people, no
-- permissions, no keys and no messages.`,
  reader: `what reads production for the refresh and to restore rows (REFRESH_SOURCE_SQL_DB_USER)`,
};

/** The GRANT statements for all users, as an SQL file. */
export const grantsFile = (database: string): string =>
  [
    `-- The least rights in MySQL or MariaDB that work for each user of one environment's database, here
-- ${database}. Printed by “oneway db grants ${database}”; run them after “oneway db migrate”.
`,
    ...databaseUsers.map((user) =>
      [
        `-- ${user}: ${purposes[user]}`,
        ...grants(database, user).map((line) => `${line};`),
        '',
      ].join('\n'),
    ),
    [
      `-- copies: what makes databases from backups (COPIES_SQL_DB_USER): any database by the name of a copy, and no other`,
      ...copyGrants('copies').map((line) => `${line};`),
      '',
    ].join('\n'),
    [
      `-- pipeline: what carries datasets into the datasets database (DATASETS_SQL_DB_USER)`,
      ...datasetsGrants('datasets', 'oneway_pipeline').map((line) => `${line};`),
      '',
    ].join('\n'),
  ].join('\n');
