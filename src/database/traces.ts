// Publishes the database statements that LOG_LEVEL=debug logs, without their values. At other log levels nothing
// subscribes, and nothing is timed.
import { channel } from 'node:diagnostics_channel';
import type { CommandFailedEvent, CommandSucceededEvent, MongoClient } from 'mongodb';
import type { PoolConnection } from 'mysql2/promise';

export type StatementTrace = { database: string | undefined; statement: string; ms: number };
export type CommandTrace = { database: string; command: string; collection: string; ms: number };

/** Carries every MySQL statement that was executed, with placeholders instead of values. */
export const statementTraces = channel('oneway:statement-trace');
/** Carries the name and collection of every MongoDB command that was executed. */
export const commandTraces = channel('oneway:command-trace');
/** Carries the name of every failpoint (a named step of a write) that was reached. */
export const stepTraces = channel('oneway:step-trace');

/**
 * Runs `work`, and publishes how long its MySQL statement took, even when MySQL refused the
 * statement.
 */
export const timed = <T>(
  statement: string,
  on: PoolConnection | null,
  work: () => Promise<T>,
): Promise<T> => (statementTraces.hasSubscribers ? traced(statement, on, work) : work());

async function traced<T>(statement: string, on: PoolConnection | null, work: () => Promise<T>) {
  const begun = performance.now();
  try {
    return await work();
  } finally {
    const trace: StatementTrace = {
      database: on?.config.database,
      statement: statement.replaceAll(/\s+/g, ' ').trim(),
      ms: rounded(performance.now() - begun),
    };
    statementTraces.publish(trace);
  }
}

/** Publishes the duration of each command of a MongoDB client that was opened with `monitorCommands`. */
export function traceCommands(client: MongoClient) {
  const collections = new Map<number, string>();
  client.on('commandStarted', ({ requestId, commandName, command }) => {
    const named: unknown = commandName === 'getMore' ? command['collection'] : command[commandName];
    collections.set(requestId, typeof named === 'string' ? named : '');
  });
  const publish = ({ requestId, commandName, databaseName, duration }: CommandEnd) => {
    const trace: CommandTrace = {
      database: databaseName,
      command: commandName,
      collection: collections.get(requestId) ?? '',
      ms: rounded(duration),
    };
    collections.delete(requestId);
    commandTraces.publish(trace);
  };
  client.on('commandSucceeded', publish);
  client.on('commandFailed', publish);
}

type CommandEnd = CommandSucceededEvent | CommandFailedEvent;

const rounded = (ms: number) => Math.round(ms * 10) / 10;
