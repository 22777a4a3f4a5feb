// LOG_LEVEL=debug: statements, commands and steps, as they are published without values.
import type { Logger } from 'pino';
import {
  commandTraces,
  statementTraces,
  stepTraces,
  type CommandTrace,
  type StatementTrace,
} from '../database/traces.ts';

/** Logs what is published, until the function that it answers is called. */
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
