// Writes published events to the log. LOG_LEVEL=debug logs statements, commands and failpoints (steps of a write),
// without values. Every level logs the messages of databases that refused a row.
import type { Logger } from 'pino';
import { refusals, type Refusal } from '../database/refusals.ts';
import {
  commandTraces,
  statementTraces,
  stepTraces,
  type CommandTrace,
  type StatementTrace,
} from '../database/traces.ts';

/** Logs statements, commands and failpoints until the returned function is called. */
export function logTraces(log: Logger): () => Promise<void> {
  const onStatement = (trace: unknown) => log.debug(trace as StatementTrace, 'statement');
  const onCommand = (trace: unknown) => log.debug(trace as CommandTrace, 'command');
  const onStep = (step: unknown) => log.debug({ step }, 'step');
  statementTraces.subscribe(onStatement);
  commandTraces.subscribe(onCommand);
  stepTraces.subscribe(onStep);
  return async () => {
    statementTraces.unsubscribe(onStatement);
    commandTraces.unsubscribe(onCommand);
    stepTraces.unsubscribe(onStep);
  };
}

/** Logs the messages of databases that refused a row, until the returned function is called. */
export function logRefusals(log: Logger): () => Promise<void> {
  const onRefusal = (refusal: unknown) => log.warn(refusal as Refusal, 'a database refused a row');
  refusals.subscribe(onRefusal);
  return async () => {
    refusals.unsubscribe(onRefusal);
  };
}
