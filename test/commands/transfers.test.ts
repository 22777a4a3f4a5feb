// Tests scripted transfers: they have the same plan and problems as the transfer sheet, and the audit log names the
// person.
import { beforeEach, describe, expect, test } from 'vitest';
import * as people from '../../src/people/people.ts';
import { everything, find } from '../../src/audit/audit.ts';
import { hire, password } from '../support/people.ts';
import { add, change, get, has, transfer } from '../support/rows.ts';
import { json, openTerminal } from '../support/command.ts';
import { createTrigger } from '../support/triggers.ts';
import { useWorld } from '../support/world.ts';

const world = useWorld();
let oneway: ReturnType<typeof openTerminal>;
beforeEach(() => {
  oneway = openTerminal(world);
});

async function signIn(role: string, name: 'staging' | 'preprod' = 'staging') {
  await hire(world[name], role);
  const said = oneway(name, ['sign-in', '--email', `${role}@example.com`], {
    input: `${password}\n`,
  });
  expect([said.status, said.stderr]).toEqual([0, '']);
}

describe('signing in on the command line', () => {
  test('a sign-in on the command line ends when the password changes and when the account is closed', async () => {
    await signIn('pm');
    expect(json(oneway('staging', ['whoami', '--json']))).toMatchObject({
      email: 'pm@example.com',
      permissions: ['product_manager'],
      environment: 'staging',
    });
    const [pm] = await people.list(world.staging.sql);
    await people.setPassword(world.staging, 'ops', pm?.id ?? 0, { password: 'another password 1' });
    expect(oneway('staging', ['whoami']).status).toBe(1);
    await people.setPassword(world.staging, 'ops', pm?.id ?? 0, { password });
    await signIn('pm');
    await people.setActive(world.staging, 'ops', pm?.id ?? 0, false);
    expect(oneway('staging', ['whoami']).status).toBe(1);
  });

  test('the command line refuses a wrong password, a forged token and a token of another environment', async () => {
    await hire(world.staging, 'pm');
    const wrong = oneway('staging', ['sign-in', '--email', 'pm@example.com'], { input: 'no\n' });
    expect([wrong.status, wrong.stderr.trim()]).toEqual([1, 'E-mail or password is wrong.']);
    const words = ['sign-in', '--email', 'pm@example.com', '--print'];
    const token = oneway('staging', words, { input: password }).stdout.trim();
    const holds = (name: 'staging' | 'preprod', given: string) =>
      oneway(name, ['whoami'], { also: { ONEWAY_TOKEN: given } }).status;
    expect(holds('staging', token)).toBe(0);
    expect(holds('staging', `${token}x`)).toBe(1);
    await hire(world.preprod, 'pm');
    expect(holds('preprod', token)).toBe(1);
  });
});

test('a sign-in on the command line that has ended is refused, instead of counting as no sign-in', async () => {
  await hire(world.staging, 'vic');
  const words = ['sign-in', '--email', 'vic@example.com', '--print'];
  const token = oneway('staging', words, { input: password }).stdout.trim();
  const give = (also: Record<string, string>) =>
    oneway('staging', ['permissions', 'give', 'administrator', '--to', 'vic@example.com'], {
      also,
    });
  const vic = give({ ONEWAY_TOKEN: token });
  expect([vic.status, vic.stderr]).toEqual([
    1,
    expect.stringContaining('permission Administrator'),
  ]);
  const [person] = await people.list(world.staging.sql);
  await people.setActive(world.staging, 'ops', person?.id ?? 0, false);
  const closed = give({ ONEWAY_TOKEN: token });
  expect([closed.status, closed.stderr]).toEqual([1, expect.stringContaining('does not hold')]);
  expect((await people.list(world.staging.sql))[0]?.permissions).toEqual([]);
});

describe('commands that only read rows and statuses', () => {
  test('the commands oneway list, show, diff and status print what the pages show, as text or with --json as JSON', async () => {
    const form = await add(world.staging, 'form', { name: 'Address change', description: 'Old' });
    await add(world.staging, 'form_field', { form, label: 'Street', type: 'text' });
    await transfer(world.staging, [{ entity: 'form', id: form }]);
    expect(oneway('staging', ['diff', `form:${form}`]).status).toBe(0);
    await change(world.staging, { entity: 'form', id: form }, { description: 'New' });
    const diff = oneway('staging', ['diff', `form:${form}`, '--json']);
    expect([diff.status, json(diff)]).toEqual([
      4,
      [
        {
          row: `form:${form}`,
          status: 'Changed here',
          fields: [{ field: 'description', there: 'Old', here: 'New' }],
        },
      ],
    ]);
    const listed = oneway('staging', ['list', 'form', '--status', 'changed here', '--json']);
    expect(json(listed)).toMatchObject({ total: 1, rows: [{ id: form, description: 'New' }] });
    const synced = oneway('staging', ['list', 'form_field', '--status', 'In sync', '--json']);
    expect(json(synced)).toMatchObject({ total: 1, rows: [{ label: 'Street' }] });
    expect(oneway('staging', ['list', 'form', '--search', 'nothing']).stdout).toBe('0 of 0\n');
    expect(oneway('staging', ['show', `form:${form}`]).stdout).toContain('Street');
    expect(json(oneway('staging', ['status', '--json']))).toMatchObject({
      counts: { form: { 'Changed here': 1 }, form_field: { 'In sync': 1 } },
    });
  });

  test.each([
    [['show', 'form'], 2, 'write type:id'],
    [['list', 'nothing'], 2, 'write one of business, task'],
    [['list', 'task', '--limit', 'abc'], 2, 'write a whole number'],
    [['list', 'task', '--where', 'colour=red'], 2, 'task has no field “colour”. It has: title'],
    [['list', 'task', '--where', 'cities=Pune'], 2, 'rows are not found by their cities'],
    [['list', 'task', '--where', 'priority=abc'], 2, 'priority is a number'],
    [['db', 'migrate', '--patience', 'abc'], 2, 'write a number of seconds'],
    [['list', 'task', '--status', 'green'], 2, 'choose one of: New, In sync'],
    [['show', 'form:999999'], 1, 'There is no form:999999 here.'],
    [['frobnicate'], 2, 'unknown command'],
    [['transfer'], 2, "missing required argument 'rows'"],
  ])(
    'the command oneway with the wrong arguments %j exits with code %d and says how to correct them',
    (words, status, message) => {
      const said = oneway('staging', words);
      expect([said.status, said.stderr]).toEqual([status, expect.stringContaining(message)]);
    },
  );

  test('the command oneway help explains the commands and their exit codes', () => {
    const help = oneway('staging', ['--help']);
    expect(help.status).toBe(0);
    expect(help.stdout).toContain('oneway transfer task:12 form:3 --dry-run');
    expect(help.stdout).toContain('4 differences found');
  });
});

describe('the commands oneway transfer and oneway undo', () => {
  test('S0-20 the command oneway transfer writes nothing with --dry-run; without it, the audit log names the person who transferred', async () => {
    await signIn('pm');
    const business = await add(world.staging, 'business');
    const task = await add(world.staging, 'task', { business, title: 'Book a “visit” 🪔' });
    const dry = oneway('staging', ['transfer', `task:${task}`, '--dry-run', '--json']);
    expect([dry.status, json(dry)]).toMatchObject([
      0,
      {
        steps: [
          { row: `business:${business}`, action: 'create', because: expect.any(String) },
          { row: `task:${task}`, action: 'create', because: null },
        ],
        problems: [],
      },
    ]);
    expect(await has(world.preprod, { entity: 'task', id: task })).toBe(false);
    const [selections] = await world.staging.sql.query('select 1 from selection');
    expect(selections).toEqual([]);
    const asked = oneway('staging', ['transfer', `task:${task}`]);
    expect([asked.status, asked.stderr]).toEqual([1, expect.stringContaining('add --yes')]);
    const sent = oneway('staging', ['transfer', `task:${task}`, '--name', 'Visits', '--yes']);
    expect([sent.status, sent.stderr]).toEqual([0, '']);
    expect(sent.stdout).toContain('written in pre-production, read back and compared.');
    const own = { ...everything, people: ['pm@example.com'] };
    const lines = await find(world.staging.sql, own, { limit: 1 });
    expect(lines[0]).toMatchObject({ action: 'transferred', subject: 'Visits' });

    const number = json<{ number: number }[]>(oneway('staging', ['transfers', '--json']))[0]
      ?.number;
    const undone = oneway('staging', ['undo', String(number), '--yes', '--json']);
    expect([undone.status, json(undone)]).toMatchObject([0, { state: 'verified' }]);
    expect(await has(world.preprod, { entity: 'task', id: task })).toBe(false);
  });

  test('the command oneway transfer names each row that the destination stored differently than sent, and exits with 1 (F9)', async () => {
    await signIn('pm');
    const business = await add(world.staging, 'business');
    const id = await add(world.staging, 'sts', { business, text: 'Hello' });
    const { sql: there } = world.preprod;
    await createTrigger(
      world.preprod,
      'odd',
      'before insert on sts for each row set new.text = upper(new.text)',
    );
    try {
      const sent = oneway('staging', ['transfer', `sts:${id}`, '--yes']);
      expect([sent.status, sent.stderr]).toEqual([1, '']);
      expect(sent.stdout).toContain('1 of 2 rows is not as sent.');
      expect(sent.stdout).toContain('stored differently there: Text');
    } finally {
      await there.query('drop trigger odd');
    }
  });

  test('the command oneway transfer lists the problems of a transfer, exits with 1, and has an option for each solution', async () => {
    await signIn('pm');
    await add(world.staging, 'city', { name: 'Pune' });
    const id = await add(world.staging, 'business', { cities: [{ city: 'Pune', partner: null }] });
    const refused = oneway('staging', ['transfer', `business:${id}`, '--yes']);
    expect([refused.status, refused.stdout]).toEqual([1, expect.stringContaining('problem:')]);
    const asked = oneway('staging', ['transfer', `business:${id}`, '--yes', '--json']);
    expect([asked.status, json(asked)]).toMatchObject([
      1,
      {
        problems: [
          {
            reason: 'name-missing',
            row: `business:${id}`,
            solutions: [
              { kind: 'create-name', entity: 'city', name: 'Pune' },
              { kind: 'map-name', entity: 'city', name: 'Pune' },
            ],
          },
        ],
      },
    ]);
    const words = ['transfer', `business:${id}`, '--create', 'city:Pune', '--yes'];
    expect(oneway('staging', words).status).toBe(0);
    await change(world.preprod, { entity: 'business', id }, { description: 'Mended there' });
    await change(world.staging, { entity: 'business', id }, { description: 'Ours' });
    expect(oneway('staging', ['transfer', `business:${id}`, '--yes']).status).toBe(1);
    const over = oneway('staging', ['transfer', `business:${id}`, '--overwrite', '--yes']);
    expect([over.status, over.stderr]).toEqual([0, '']);
    expect(await get(world.preprod, { entity: 'business', id })).toMatchObject({
      description: 'Ours',
    });
  });

  test('S0-21 the command line enforces the same permissions as the pages', async () => {
    const form = await add(world.staging, 'form');
    const nobody = oneway('staging', ['transfer', `form:${form}`, '--yes']);
    expect([nobody.status, nobody.stderr]).toEqual([1, expect.stringContaining('Sign in first')]);
    await signIn('ed');
    const ed = oneway('staging', ['transfer', `form:${form}`, '--yes']);
    expect([ed.status, ed.stderr]).toEqual([
      1,
      expect.stringContaining('Only people with the permission Product manager'),
    ]);
    await signIn('pm');
    const words = ['transfer', `form:${form}`, '--yes', '--idempotency-key', 'k1', '--json'];
    const first = json<{ number: number }>(oneway('staging', words));
    expect(first.number).toBeGreaterThan(0);
    const again = oneway('staging', words);
    expect([again.status, json(again)]).toEqual([0, first]);
    expect(json<object[]>(oneway('staging', ['transfers', '--json']))).toHaveLength(1);
    const other = await add(world.staging, 'form');
    const mistaken = oneway('staging', ['transfer', `form:${other}`, ...words.slice(2)]);
    expect([mistaken.status, mistaken.stderr]).toEqual([
      1,
      expect.stringContaining(`given to transfer ${first.number}, which is another one`),
    ]);
    expect(await has(world.preprod, { entity: 'form', id: other })).toBe(false);
  });

  test('the command oneway transfer refuses to exclude a field that does not exist, or a row that is not part of the transfer', async () => {
    await signIn('pm');
    const form = await add(world.staging, 'form');
    const transferred = (keep: string) =>
      oneway('staging', ['transfer', `form:${form}`, '--keep', keep, '--yes']);
    const misspelt = transferred(`form:${form}/desciption`);
    expect([misspelt.status, misspelt.stderr]).toEqual([
      2,
      expect.stringContaining('form has no field “desciption”'),
    ]);
    const other = transferred('form:999/description');
    expect([other.status, other.stderr]).toEqual([
      2,
      expect.stringContaining('form:999 is not part of this transfer'),
    ]);
    expect(await has(world.preprod, { entity: 'form', id: form })).toBe(false);
  });

  test('the command oneway transfer requires a reason for production', async () => {
    const form = await add(world.staging, 'form');
    await transfer(world.staging, [{ entity: 'form', id: form }]);
    await signIn('pm', 'preprod');
    const without = oneway('preprod', ['transfer', `form:${form}`, '--yes', '--json']);
    expect([without.status, json(without)]).toMatchObject([
      1,
      { problems: [{ reason: 'reason-missing', solutions: [{ kind: 'enter-reason' }] }] },
    ]);
    const words = ['transfer', `form:${form}`, '--yes', '--reason', 'Checked with the shop'];
    expect(oneway('preprod', words).status).toBe(0);
    expect(await has(world.production, { entity: 'form', id: form })).toBe(true);
  });
});

test('the command oneway permissions grants and revokes permissions, but never grants product_manager in production', async () => {
  await hire(world.staging, 'vic');
  await hire(world.production, 'vic');
  const give = (name: 'staging' | 'production') =>
    oneway(name, ['permissions', 'give', 'product_manager', '--to', 'vic@example.com']);
  expect(give('staging').status).toBe(0);
  expect(give('production')).toMatchObject({
    status: 1,
    stderr: 'Product manager cannot be given in production\n',
  });
  expect(oneway('staging', ['people']).stdout).toContain('vic@example.com  vic  product_manager');
  const words = ['permissions', 'revoke', 'product_manager', '--from', 'vic@example.com'];
  expect(oneway('staging', words).status).toBe(0);
  expect(oneway('staging', ['people']).stdout).toContain('vic@example.com  vic  may look');
});

test('J-7 the command oneway refresh runs as a job, and its dry run reports what a refresh would do', async () => {
  const id = await add(world.production, 'form', { name: 'Address change' });
  const dry = oneway('preprod', ['refresh', '--dry-run']);
  expect([dry.status, dry.stdout]).toEqual([
    0,
    expect.stringContaining('1 would be created, 0 would be updated'),
  ]);
  expect(await has(world.preprod, { entity: 'form', id })).toBe(false);
  expect(json(oneway('preprod', ['refresh', '--json']))).toMatchObject({ created: 1 });
  const jobs = json<{ state: string; kind: string }[]>(oneway('preprod', ['jobs', '--json']));
  expect(jobs).toMatchObject([{ state: 'done' }, { state: 'done' }]);
  const [newest] = json<{ number: number }[]>(oneway('preprod', ['jobs', '--json']));
  const shown = oneway('preprod', ['jobs', 'show', String(newest?.number)]);
  expect(shown.stdout).toContain('1 created, 0 updated');
  expect(json(oneway('preprod', ['jobs', 'show', String(newest?.number), '--json']))).toMatchObject(
    {
      kind: 'refresh',
      report: { created: 1 },
    },
  );
  const none = oneway('preprod', ['jobs', 'show', '99999', '--json']);
  expect([none.status, json(none)]).toEqual([1, { error: 'There is no job 99999.' }]);
});
