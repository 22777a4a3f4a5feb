// What the home page lists as work for each person. No database.
import { describe, expect, test } from 'vitest';
import { rulesOf } from '../../src/environments/rules.ts';
import { isCounted, workList, type WorkFacts } from '../../src/home/work-list.ts';

const groups = { ready: 48, look: 3, engineering: 2, held: 5 };
const facts: WorkFacts = {
  email: 'ed@example.com',
  does: { transfer: false, edit: false, test: false, repair: false, data: false },
  destination: rulesOf('preprod'),
  pending: {
    all: groups,
    ofEntity: new Map([['form', groups]]),
    ofPerson: new Map([['ed@example.com', 4]]),
    changedThere: 2,
    untested: 6,
    failing: 1,
  },
  failures: { transfers: 1, jobs: 2, deadLetters: 3, deliveries: 1, retried: 0, datafiles: 2 },
  unsentSelections: 1,
  scheduled: [],
  approvals: null,
  trouble: null,
  transfersToday: 7,
};
const linesFor = (does: Partial<WorkFacts['does']>, other: Partial<WorkFacts> = {}) =>
  workList({ ...facts, ...other, does: { ...facts.does, ...does } }).map(
    ({ number, text, href }) => `${number ?? '–'} ${text} ${href}`,
  );

describe('what the home page’s list of work shows to each role', () => {
  test('a product manager’s work list shows rows to transfer, review or adopt, unsent selections, and transfers that need attention', () => {
    expect(linesFor({ transfer: true, edit: true })).toEqual([
      '1 transfer needs attention /transfers',
      '48 rows are ready to transfer /pending?group=ready',
      '3 rows need review /pending?group=look',
      '2 engineering changes to adopt /pending?group=engineering',
      '1 selection is not sent yet /selections',
    ]);
  });

  test('a product manager sees how many transfers wait for their approval', () => {
    expect(linesFor({ transfer: true }, { approvals: 2 })).toContain(
      '2 transfers wait for your approval /approvals',
    );
  });

  test('a tester’s work list counts arrived rows that were marked Does not work, and arrived rows that are not tested', () => {
    const lines = linesFor({ test: true }, { destination: rulesOf('production') });
    expect(lines.slice(0, 2)).toEqual([
      '1 row does not work /arrivals',
      '6 arrived rows are not tested /arrivals',
    ]);
  });

  test('a data manager sees how many data files failed', () => {
    expect(linesFor({ data: true })).toContain('2 data files failed /datafiles?state=failed');
  });

  test('an engineer on call sees an unreachable destination and failed transfers, jobs, items of jobs and notifications, but no other work', () => {
    const trouble = 'Pre-production does not answer in time.';
    expect(linesFor({ repair: true }, { trouble })).toEqual([
      `– ${trouble} /comparison`,
      '1 transfer needs attention /transfers',
      '2 jobs failed /jobs?state=failed',
      '3 failed items of jobs /dead-letters',
      '1 notification was given up /outbox?state=failed',
    ]);
  });

  test('an editor’s work list counts the rows that they changed and that a product manager has not transferred yet', () => {
    expect(linesFor({ edit: true })).toContain(
      '4 rows that you changed are not in pre-production yet /pending?person=ed%40example.com',
    );
  });

  test('a viewer sees how many transfers there were in the last 24 hours', () => {
    expect(linesFor({})).toEqual(['7 transfers to pre-production /changes?hours=24']);
    expect(linesFor({}, { destination: null })).toEqual(['7 transfers arrived /changes?hours=24']);
  });

  test('the work list is empty while rows to transfer and failures are not counted yet and there is no other work', () => {
    const none = { pending: null, failures: null, unsentSelections: 0, transfersToday: 0 };
    for (const does of ['transfer', 'edit', 'test', 'repair', 'data']) {
      expect(linesFor({ [does]: true }, none)).toEqual([]);
    }
  });

  test('an empty work list means that no work waits only if pending rows and failures have been counted', () => {
    expect(isCounted(facts)).toBe(true);
    expect(isCounted({ ...facts, pending: null })).toBe(false);
    expect(isCounted({ ...facts, failures: null })).toBe(false);
    expect(isCounted({ ...facts, pending: null, destination: null })).toBe(true);
  });
});
