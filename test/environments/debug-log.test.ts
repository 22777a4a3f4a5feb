// The debug log shows the statements and steps of a transfer, but not the values that were written.
import { v7 as uuid } from 'uuid';
import { beforeEach, expect, test } from 'vitest';
import { setTimeout as sleep } from 'node:timers/promises';
import { hire, password } from '../support/people.ts';
import { signInTo, startProgram, type Program } from '../support/processes.ts';
import { add, sheet } from '../support/rows.ts';
import { useWorld } from '../support/world.ts';

const world = useWorld();
beforeEach(async () => {
  await hire(world.staging, 'pm');
});

type Line = { msg?: string; [name: string]: unknown };

/** Starts a server, transfers a task and a form that have the given title and name, and returns the server’s log. */
async function logOfTransfer(level: string, [task, form]: [string, string]): Promise<Line[]> {
  const business = await add(world.staging, 'business');
  const keys = [
    { entity: 'task', id: await add(world.staging, 'task', { business, title: task }) },
    { entity: 'form', id: await add(world.staging, 'form', { name: form }) },
  ];
  const variables = { ...world.variables.staging, LOG_LEVEL: level };
  const program: Program = await startProgram('server', variables, { isReady: true });
  try {
    const pm = await signInTo(program.url, 'pm@example.com', password);
    const { selection, plan } = await sheet(world.staging, keys);
    const click = { selection: selection.id, plan: plan.hash, idempotency_key: uuid(), name: '' };
    const { location } = await pm.post(program.url, '/transfers', click);
    expect(location).toMatch(/^\/transfers\/\d+$/);
    await sleep(500);
    return program.log() as Line[];
  } finally {
    program.child.kill('SIGKILL');
    await program.ended;
  }
}

test('with LOG_LEVEL=debug the log of a transfer contains its steps and its SQL statements with durations, but no values of rows', async () => {
  const log = await logOfTransfer('debug', ['Visit Dr. Quince', 'Quince’s form']);
  const of = (kind: string) => log.filter(({ msg }) => msg === kind);
  expect(of('statement')).toContainEqual(
    expect.objectContaining({
      database: world.variables.preprod['SQL_DB_NAME'],
      statement: expect.stringMatching(/^insert into `task` .*/),
      ms: expect.any(Number),
    }),
  );
  expect(of('statement').map(({ statement }) => statement)).toContain('COMMIT');
  expect(of('command')).toContainEqual(
    expect.objectContaining({
      database: world.variables.preprod['NOSQL_DB_NAME'],
      command: 'insert',
      collection: 'form',
      ms: expect.any(Number),
    }),
  );
  const steps = of('step').map(({ step }) => step);
  const expected = [
    'journal',
    'claim',
    'lock',
    're-check',
    'rows',
    'before commit',
    'after commit',
  ];
  expect(steps.filter((step) => expected.includes(String(step)))).toEqual(expected);
  const all = JSON.stringify([of('statement'), of('command'), of('step')]);
  for (const value of ['Quince', 'pm@example.com', password]) expect(all).not.toContain(value);
  expect(JSON.stringify(log)).not.toContain(password);
});

test('with LOG_LEVEL=info the log of a transfer contains no database statements and no steps', async () => {
  const log = await logOfTransfer('info', ['Another visit', 'Another form']);
  const kinds = new Set(log.map(({ msg }) => msg));
  expect(['statement', 'command', 'step'].filter((kind) => kinds.has(kind))).toEqual([]);
});
