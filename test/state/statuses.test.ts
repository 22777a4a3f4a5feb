// Promise I14: after any mixture of saves, deletions, transfers, takeovers, undos, refreshes, comparisons and edits by
// other programs, every status that Oneway shows is right. The test computes the right status itself: from the content
// of the row in both environments, and from its base (their last common content), which the test records in its own
// table.
import { expect, test } from 'vitest';
import * as fc from 'fast-check';
import { keyFrom, keyText, type RowKey } from '../../src/catalog/entity.ts';
import { entityNamed } from '../../src/catalog/index.ts';
import { statusesAhead } from '../../src/catalog-pages/destination-statuses.ts';
import { comparePairs } from '../../src/comparison/compare-pairs.ts';
import { requestComparison } from '../../src/comparison/job.ts';
import { matrix } from '../../src/comparison/matrix.ts';
import { remove } from '../../src/editing/deletions.ts';
import type { App } from '../../src/environments/app.ts';
import { runJob } from '../../src/jobs/runner.ts';
import { runRefresh } from '../../src/refresh/refresh.ts';
import { idsWithStatus, pendingRows } from '../../src/state/pending.ts';
import { tasks } from '../../src/tasks.ts';
import type { Choices } from '../../src/sheet/choices.ts';
import { stepsOf, type Transfer } from '../../src/writing/journal.ts';
import { forgetImages } from '../../src/writing/forget-images.ts';
import { Problem } from '../../src/problems.ts';
import { contents, type Contents } from '../support/checker.ts';
import {
  add,
  change,
  contentFor,
  pm,
  sheet,
  takeOver,
  transfer,
  undo,
  undoHere,
  writeContextOf,
} from '../support/rows.ts';
import { useWorld } from '../support/world.ts';

const world = useWorld();

/** How many random sequences of actions are tried; `bin/test --long` sets a higher number. */
const stories = Number(process.env['STATUS_STORIES'] ?? 6);
const ACTIONS = 24;

type Name = 'staging' | 'preprod' | 'production';
const entities = ['business', 'form'] as const;

const action = fc.record({
  do: fc.constantFrom(
    'add',
    'change',
    'change',
    'remove',
    'send',
    'send',
    'send everything',
    'send again',
    'overwrite',
    'undo',
    'take over',
    'take over',
    'undo takeover',
    'forget images',
    'refresh',
    'refresh',
    'compare',
    'look',
    'edit outside',
    'edit outside',
    'remove outside',
    'insert outside',
  ),
  in: fc.constantFrom<Name[]>('staging', 'staging', 'staging', 'preprod', 'production'),
  at: fc.nat(),
  // One text has a vertical tab, because MariaDB and the program hash it differently, and no status may depend on that.
  text: fc.constantFrom('a', 'b', 'c', 'd', 'x\u000By'),
});
type Action = typeof action extends fc.Arbitrary<infer T> ? T : never;

/** Computes the right status of a row by the rules in the documentation, without the code that is tested. */
function statusIn(
  here: string | undefined,
  base: string | undefined,
  there: string | undefined,
  wasHere: boolean,
): string | null {
  if (here === undefined && there === undefined) return null;
  if (here === undefined) {
    if (base === undefined || !wasHere) return 'Only there';
    return there === base ? 'Deleted here' : 'Deleted here, changed there';
  }
  if (there === undefined) {
    if (base === undefined) return 'New';
    return here === base ? 'Deleted there' : 'Changed here, deleted there';
  }
  if (here === there) return 'In sync';
  if (base === undefined) return 'Not known to be the same row';
  if (there === base) return 'Changed here';
  return here === base ? 'Changed there' : 'Changed on both';
}

/**
 * The expected state of one environment and its destination: the base of every row (the last content that both had in
 * common), and what each transfer changed.
 */
class Table {
  readonly here: App;
  readonly there: App;
  readonly bases = new Map<string, string>();
  readonly #wasHere = new Set<string>();
  readonly #sent = new Map<string, Map<string, string | undefined>>();
  readonly #changes = new Map<
    string,
    Map<string, { from: string | undefined; to: string | undefined }>
  >();

  constructor(here: App, there: App) {
    this.here = here;
    this.there = there;
  }

  async sides(): Promise<[Contents, Contents]> {
    return [own(await contents(this.here)), own(await contents(this.there))];
  }

  /**
   * Records that Oneway has compared rows, by default all rows. If a row is equal in both environments, its content
   * becomes its base (the last content that both had in common).
   */
  async looked(keys?: Set<string>) {
    const [here, there] = await this.sides();
    for (const [text, content] of here) {
      if (keys && !keys.has(text)) continue;
      if (there.get(text) === content) this.bases.set(text, content);
    }
    for (const text of here.keys()) this.#wasHere.add(text);
  }

  async sent(done: Transfer) {
    const [, there] = await this.sides();
    const steps = await stepsOf(this.here.sql, done.id);
    const texts = steps.filter(({ action: did }) => did !== 'same').map(keyText);
    this.#sent.set(done.id, new Map(texts.map((text) => [text, this.bases.get(text)])));
    for (const text of texts) this.#setBase(text, there.get(text));
  }

  async undone(done: Transfer, of: Transfer) {
    const former = this.#sent.get(of.id);
    const steps = await stepsOf(this.here.sql, done.id);
    this.#sent.set(
      done.id,
      new Map(steps.map((step) => [keyText(step), this.bases.get(keyText(step))])),
    );
    for (const text of steps.map(keyText)) this.#setBase(text, former?.get(text));
  }

  /**
   * Notes that rows were taken over: the content of the destination is now also here, and becomes the base of the row.
   */
  async tookOver(done: Transfer) {
    const before = new Map(this.bases);
    const [, there] = await this.sides();
    const texts = (await stepsOf(this.here.sql, done.id)).map(keyText);
    for (const text of texts) this.#setBase(text, there.get(text));
    this.#noteChanges(done, texts, before);
  }

  /**
   * Notes that a takeover was undone: its rows get their former base again, unless their base has changed since the
   * takeover.
   */
  async undoneHere(done: Transfer, of: Transfer) {
    const before = new Map(this.bases);
    const texts = (await stepsOf(this.here.sql, done.id)).map(keyText);
    for (const text of texts) {
      const { from, to } = this.#changes.get(of.id)?.get(text) ?? {};
      if (this.bases.get(text) === to) this.#setBase(text, from);
    }
    this.#noteChanges(done, texts, before);
  }

  #noteChanges({ id }: Transfer, texts: string[], before: Map<string, string>) {
    const change = (text: string) => ({ from: before.get(text), to: this.bases.get(text) });
    this.#changes.set(id, new Map(texts.map((text) => [text, change(text)])));
  }

  #setBase(text: string, content: string | undefined) {
    if (content === undefined) this.bases.delete(text);
    else this.bases.set(text, content);
  }

  async statuses(): Promise<Map<string, string>> {
    const [here, there] = await this.sides();
    const all = new Set([...here.keys(), ...there.keys()]);
    return new Map(
      [...all].flatMap((text) => {
        const base = this.bases.get(text);
        const status = statusIn(here.get(text), base, there.get(text), this.#wasHere.has(text));
        return status === null ? [] : [[text, status] as const];
      }),
    );
  }

  /**
   * Returns the right status of the row with the key `text`, from its content here, its base (the last common content)
   * and its content at the destination.
   */
  statusOf(text: string, content: string, there: Contents) {
    return statusIn(content, this.bases.get(text), there.get(text), true);
  }
}

const own = (all: Contents): Contents =>
  new Map([...all].filter(([text]) => entities.some((name) => text.startsWith(`${name}:`))));

class Story {
  readonly tables: Record<'staging' | 'preprod', Table>;
  readonly log: string[] = [];
  #ids = 500;
  #last: { table: Table; done: Transfer } | null = null;
  #lastHere: Transfer | null = null;

  constructor() {
    const { staging, preprod, production } = world;
    this.tables = { staging: new Table(staging, preprod), preprod: new Table(preprod, production) };
  }

  /** Does an action. If Oneway refuses the action, the expected state does not change. */
  async act(one: Action) {
    this.log.push(`${one.do} in ${one.in} (${one.at}, ${one.text})`);
    try {
      await this.#perform(one);
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      this.log.push('  refused');
    }
  }

  async #perform(one: Action) {
    const here = world[one.in];
    const name = entities[one.at % 2] ?? 'business';
    const picked = await this.#pick(here, name, one.at);
    if (one.do.endsWith('outside')) return this.#outside(one, here, name, picked);
    if (one.do === 'compare') return this.compare();
    if (one.do === 'refresh') return this.#refresh(one.in === 'preprod' ? 'preprod' : 'staging');
    if (one.do === 'undo') return this.#undo();
    if (one.do === 'forget images') return this.#forgetImages(here);
    if (one.do === 'undo takeover') return this.#undoHere();
    if (one.in === 'production') return;
    const table = this.tables[one.in];
    if (one.do === 'look') return this.#look(table);
    if (one.do === 'send everything') return this.#send(table, await this.#all(here));
    if (one.do === 'send') return picked && this.#send(table, [picked]);
    if (one.do === 'send again') return picked && this.#send(table, [picked], { resend: true });
    if (one.do === 'overwrite')
      return picked && this.#send(table, [picked], { overwrite: 'overwrite' });
    if (one.in !== 'staging') return;
    if (one.do === 'take over') return this.#takeOver(name, one.at);
    if (one.do === 'add') await add(here, name, { description: one.text });
    else if (picked && one.do === 'change') await change(here, picked, { description: one.text });
    else if (picked) await remove(writeContextOf(here), pm, entityNamed(name), picked.id);
    await this.#noteRows();
  }

  async #noteRows() {
    for (const table of Object.values(this.tables)) await table.looked(new Set());
  }

  async #all(here: App): Promise<RowKey[]> {
    return [...own(await contents(here)).keys()].map(keyFrom);
  }

  async #pick(here: App, name: string, at: number): Promise<RowKey | undefined> {
    const keys = (await this.#all(here)).filter(({ entity }) => entity === name);
    return keys[Math.floor(at / 2) % Math.max(1, keys.length)];
  }

  async #send(table: Table, keys: RowKey[], choices: Partial<Choices> = {}) {
    await sheet(table.here, keys);
    await table.looked(new Set(keys.map(keyText)));
    const done = await transfer(table.here, keys, choices);
    if (done.state !== 'verified') return;
    await table.sent(done);
    this.#last = { table, done };
    await this.#noteRows();
  }

  async #undo() {
    if (!this.#last) return;
    const { table, done } = this.#last;
    const keys = (await stepsOf(table.here.sql, done.id)).map(keyText);
    this.#last = null;
    await table.looked(new Set(keys));
    const back = await undo(table.here, done);
    if (back.state === 'verified') await table.undone(back, done);
    await this.#noteRows();
  }

  /** Takes a row of staging or pre-production over into staging, and confirms that changes in staging are replaced. */
  async #takeOver(name: string, at: number) {
    const { staging: table } = this.tables;
    const keys = [...(await this.#all(table.there)), ...(await this.#all(table.here))];
    const some = keys.filter(({ entity }) => entity === name);
    const picked = some[Math.floor(at / 2) % Math.max(1, some.length)];
    if (!picked) return;
    await table.looked(new Set([keyText(picked)]));
    const choices = { overwrite: 'overwrite', remove: 'delete' };
    const done = await takeOver(table.here, [picked], choices);
    if (done.state !== 'verified') return;
    await table.tookOver(done);
    this.#lastHere = done;
    await this.#noteRows();
  }

  /** Undoes the last takeover, or the last undo of a takeover. */
  async #undoHere() {
    const former = this.#lastHere;
    if (!former) return;
    const { staging: table } = this.tables;
    const done = await undoHere(table.here, former);
    if (done.state !== 'verified') return;
    await table.undoneHere(done, former);
    this.#lastHere = done;
    await this.#noteRows();
  }

  /** Deletes the contents of rows from the journal of transfers, as Oneway does a day after each transfer. */
  async #forgetImages(here: App) {
    await here.sql.query(
      'update transfer set ended_at = ended_at - interval 2 day where ended_at is not null',
    );
    await forgetImages(here);
  }

  async #refresh(into: 'staging' | 'preprod') {
    const { production, [into]: here } = world;
    const { source, destination } = here;
    if (!source || !destination) throw new Error('There is no source');
    const there = into === 'preprod' ? source : destination;
    await runRefresh({ here, there, source, lease: 2000 });
    await this.tables[into].looked(new Set(own(await contents(production)).keys()));
    await this.#noteRows();
  }

  async #look(table: Table) {
    const keys = await this.#all(table.here);
    await statusesAhead(table.here, keys);
    await table.looked(new Set(keys.map(keyText)));
  }

  async #outside(one: Action, here: App, name: string, picked: RowKey | undefined) {
    const form = here.documents.collection<{ _id: number }>('form');
    if (one.do === 'insert outside') {
      // Oneway gives a new row an id just above the highest one, so ids of rows that another program inserts lie far apart.
      const id = (this.#ids += 1000);
      const content = { ...contentFor(name, { description: one.text }), name: `${name} ${id}` };
      if (name === 'form') {
        await form.insertOne({ _id: id, ...content, modified_at: new Date() } as { _id: number });
      } else {
        await here.sql.query(
          "insert into business (id, name, category, description, active, priority, modified_at) values (?, ?, 'Health', ?, 1, 5, now(3))",
          [id, content.name, one.text],
        );
      }
    } else if (picked && one.do === 'edit outside') {
      if (name === 'form') {
        await form.updateOne({ _id: picked.id }, { $set: { description: one.text } });
      } else {
        await here.sql.query('update business set description = ? where id = ?', [
          one.text,
          picked.id,
        ]);
      }
    } else if (picked && name === 'form') {
      await form.deleteOne({ _id: picked.id });
    } else if (picked) {
      await here.sql.query('delete from business where id = ?', [picked.id]);
    }
  }

  async compare() {
    for (const table of Object.values(this.tables)) {
      const { job } = await requestComparison(table.here, pm.email);
      const ended = await runJob(table.here, tasks, job.id);
      if (ended?.state !== 'done') throw new Error(`The comparison ended: ${ended?.problem}`);
      await table.looked();
    }
  }

  /** Compares every status that Oneway shows with the expected status. */
  async check() {
    await this.compare();
    for (const table of Object.values(this.tables)) await this.#checkOne(table);
    await this.#checkBeyond();
  }

  async #checkOne(table: Table) {
    const { here, there } = table;
    const wanted = await table.statuses();
    const keys = [...wanted.keys()].map(keyFrom);
    const pairs = await comparePairs(here, there, keys);
    const live = [...pairs].flatMap(([text, { status }]) => (status ? [[text, status]] : []));
    expect(sorted(live)).toEqual(sorted([...wanted]));
    const counted = await matrix(here.sql);
    for (const name of entities) {
      const own = [...wanted].filter(([text]) => text.startsWith(`${name}:`));
      const counts = Object.fromEntries(
        Map.groupBy(own, ([, status]) => status)
          .entries()
          .map(([status, some]) => [status, some.length]),
      );
      expect({ name, ...Object.fromEntries(counted.get(name) ?? []) }).toEqual({ name, ...counts });
      const waits = await pendingRows(here.sql, entityNamed(name));
      const pending = [...waits].map(([id, { status }]) => [keyText({ entity: name, id }), status]);
      const unsent = own.filter(([, status]) => status !== 'In sync' && status !== 'Only there');
      expect(sorted(pending)).toEqual(sorted(unsent));
      const same = await idsWithStatus(here.sql, entityNamed(name), 'In sync', waits);
      const equal = own.filter(([, status]) => status === 'In sync').map(([text]) => text);
      expect(same.map((id) => keyText({ entity: name, id })).toSorted()).toEqual(equal.toSorted());
    }
  }

  /**
   * Checks the statuses in which pages of staging show how each row differs from production, which is two environments
   * further on.
   */
  async #checkBeyond() {
    const { staging, preprod } = this.tables;
    const here = own(await contents(staging.here));
    const there = own(await contents(preprod.there));
    const keys = [...here.keys()].map(keyFrom);
    const { beyond } = await statusesAhead(staging.here, keys);
    const wanted = [...here].map(([text, content]) => [
      text,
      preprod.statusOf(text, content, there),
    ]);
    expect(sorted([...beyond])).toEqual(sorted(wanted as [string, string][]));
  }
}

const sorted = (lines: (readonly string[])[]) => lines.map((line) => line.join(' ')).toSorted();

test('I14: after random actions, Oneway shows for every row the status that the test computes from its present and former contents', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(action, { minLength: ACTIONS, maxLength: ACTIONS }),
      async (actions) => {
        await world.clear();
        const story = new Story();
        for (const here of [world.staging, world.production]) {
          for (const name of entities) await add(here, name, { description: 'a' });
        }
        for (const [index, one] of actions.entries()) {
          await story.act(one);
          if (index % 6 === 5) {
            await story.check().catch((error: unknown) => {
              throw new Error(`${String(error)}\nafter\n${story.log.join('\n')}`, { cause: error });
            });
          }
        }
      },
    ),
    { numRuns: stories, endOnFailure: true },
  );
}, 600_000);
