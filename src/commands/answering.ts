// Ends a command when a database of its environment does not answer, with a message that names the server and the
// remedy.
import { setTimeout as sleep } from 'node:timers/promises';
import { first, sql } from '../database/sql.ts';
import { timeouts } from '../database/timeouts.ts';
import { unwillingness } from '../database/unwillingness.ts';
import type { App } from '../environments/app.ts';
import { askDatabases, type OwnDatabase } from '../environments/own-databases.ts';
import { explainUnwilling } from '../environments/unreachable.ts';
import { inTime } from '../in-time.ts';
import { Unavailable } from '../problems.ts';

const settings: Record<OwnDatabase, string> = { MySQL: 'SQL_DB_*', MongoDB: 'NOSQL_DB_*' };

/** How many milliseconds the databases may take to connect and to answer for the first time. */
const FIRST_MS = 2500;

/**
 * Checks that both databases answer, before a command runs.
 * @throws Unavailable when a database does not answer, or refuses this program
 */
export async function refuseUnanswered(here: App) {
  const questions: [OwnDatabase, Promise<unknown>][] = [
    ['MySQL', first(here.sql, sql`select 1`)],
    ['MongoDB', here.compatibility()],
  ];
  await Promise.all(
    questions.map(([server, answer]) =>
      inTime(FIRST_MS, answer).catch((error: unknown) => {
        const kind = unwillingness(error);
        if (kind === null) throw error;
        const words = kind === 'away' ? silence(here, server) : refusal(here, server, kind);
        throw new Unavailable(`${words} Nothing was done.`, { cause: error });
      }),
    ),
  );
}

const silence = ({ rules }: App, server: OwnDatabase) =>
  `${server} of ${rules.inText} does not answer. Try again in a moment; if it stays so, start it or correct ${settings[server]}.`;

const refusal = (
  { rules }: App,
  server: OwnDatabase,
  kind: Parameters<typeof explainUnwilling>[0],
) => explainUnwilling(kind, `${server} of ${rules.inText}`, settings[server]);

/**
 * Waits for `work`, however long it takes, while the databases keep answering.
 * @throws Unavailable when a database stops answering
 */
export async function whileAnswering(here: App, work: Promise<void>): Promise<void> {
  const over = new AbortController();
  work.catch(() => {});
  try {
    await Promise.race([work, untilSilent(here, over.signal)]);
  } finally {
    over.abort();
  }
}

async function untilSilent(here: App, over: AbortSignal): Promise<void> {
  while (!over.aborted) {
    await sleep(timeouts.slow, undefined, { signal: over });
    const { server, milliseconds } = await askDatabases(here, timeouts.silence);
    if (milliseconds === Infinity) {
      throw new Unavailable(
        `${silence(here, server)} It is not certain that this was done: look before you run it again.`,
      );
    }
  }
}
