// A large transfer runs as a job, because a request cannot wait until all its rows are written.
import { expect, test } from 'vitest';
import * as jobs from '../../src/jobs/jobs.ts';
import { runJob } from '../../src/jobs/runner.ts';
import { stepsOf } from '../../src/jobs/steps.ts';
import { tasks } from '../../src/tasks.ts';
import { jobKeyOf } from '../../src/transfers/job.ts';
import * as transfers from '../../src/transfers/send.ts';
import { openSite, textOf } from '../support/people.ts';
import { add, get, routeFrom, sheet } from '../support/rows.ts';
import { useWorld } from '../support/world.ts';

const world = useWorld();

test('a large transfer runs as a job with several steps, and the transfer’s page shows the job and then the result', async () => {
  const { staging, preprod } = world;
  const form = await add(staging, 'form');
  for (let order = 1; order <= 3; order += 1) await add(staging, 'form_field', { form, order });
  const site = await openSite(world, 'staging');
  const pm = await site.as('pm');
  const { selection, plan } = await sheet(staging, [{ entity: 'form', id: form }]);
  const handed: string[] = [];
  const sent = await transfers.send(routeFrom(staging), selection, {
    planHash: plan.hash,
    idempotencyKey: 'large',
    name: '',
    reason: null,
    person: 'pm@example.com',
    largeFrom: 1,
    handOver: async (transfer) => {
      handed.push(transfer.id);
      await jobs.request(staging.sql, {
        kind: 'transfer',
        name: transfer.name,
        person: transfer.person,
        input: { transfer: transfer.id },
        onlyOne: jobKeyOf(transfer.id),
      });
    },
  });
  expect(handed).toEqual([sent.id]);
  const waiting = textOf((await pm.get(`/transfers/${sent.number}`)).text);
  expect(waiting).toContain('A job is transferring these 4 rows');
  const job = await jobs.active(staging.sql, jobKeyOf(sent.id));
  expect(await runJob(staging, tasks, job?.id ?? '')).toMatchObject({ state: 'done' });
  expect(await get(preprod, { entity: 'form', id: form })).toMatchObject({ id: form });
  const steps = await stepsOf(staging.sql, job?.id ?? '');
  expect(steps.length).toBeGreaterThan(1);
  expect(steps.every(({ state }) => state === 'done')).toBe(true);
  const done = textOf((await pm.get(`/transfers/${sent.number}`)).text);
  expect(done).toContain('4 rows transferred to pre-production');
  await site.close();
});
