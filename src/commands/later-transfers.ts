// The commands that show and end transfers which are not sent yet: requests for approval, and schedules of selections.
import type { Command } from 'commander';
import type { App } from '../environments/app.ts';
import { Problem } from '../problems.ts';
import { activeOf, upcoming } from '../sheet/schedules.ts';
import { list } from '../transfers/approval-records.ts';
import { withdraw } from '../transfers/approvals.ts';
import * as schedules from '../transfers/schedules.ts';
import { exactly, rowsText, when } from '../web/format.ts';
import { answer, columns, person, print, withApp } from './cli.ts';

type Json = { json?: boolean };

/** More schedules than an environment ever has at once; pages show only the next ones. */
const ALL = 10_000;

export function addLaterTransfers(program: Command) {
  const approvals = program
    .command('approvals')
    .description('transfers that wait for the approval of a second person, and the newest others');
  approvals
    .command('list', { isDefault: true })
    .option('--json')
    .description('the requests: those that wait, then the newest others, 100 in all')
    .action(({ json }: Json) => withApp((here) => listApprovals(here, json)));
  approvals
    .command('withdraw')
    .argument('<id>', 'its id, as “oneway approvals” lists it')
    .description('withdraw a request that you made')
    .action((id: string) =>
      withApp(async (here) => {
        const { email } = await person(here, 'transfer');
        await withdraw(here, id, email);
        print('The request is withdrawn.');
      }),
    );
  const own = program
    .command('schedules')
    .description('selections that are transferred at a time, the next one first');
  own
    .command('list', { isDefault: true })
    .option('--json')
    .description('the schedules that have not ended')
    .action(({ json }: Json) => withApp((here) => listSchedules(here, json)));
  own
    .command('cancel')
    .argument('<selection>', 'the id of its selection, as “oneway schedules” lists it')
    .description('cancel a schedule, also while it tries again; the rows stay in the selection')
    .action((selection: string) => withApp((here) => cancelSchedule(here, selection)));
}

async function listApprovals(here: App, isJson: boolean | undefined) {
  const all = await list(here.sql);
  answer(isJson, all.map(inJson), () =>
    all.length === 0
      ? ['Nobody has asked for approval.']
      : columns(
          all.map(({ id, state, name, rows_count: rows, asked_by: by, asked_at: at }) => [
            id,
            state,
            name,
            rowsText(rows),
            by,
            when(at),
          ]),
        ),
  );
}

const inJson = ({
  id,
  state,
  name,
  reason,
  number,
  ...line
}: Awaited<ReturnType<typeof list>>[0]) => ({
  id,
  state,
  name,
  reason,
  rows: line.rows_count,
  askedBy: line.asked_by,
  askedAt: line.asked_at,
  decidedBy: line.decided_by,
  decidedAt: line.decided_at,
  note: line.note,
  transfer: number,
});

async function listSchedules(here: App, isJson: boolean | undefined) {
  const all = await upcoming(here.sql, { most: ALL });
  const data = all.map(({ run_at: at, ...line }) => ({ ...line, at }));
  answer(isJson, data, () =>
    all.length === 0
      ? ['Nothing is scheduled.']
      : columns(
          all.map(({ selection, state, name, person: by, run_at: at }) => [
            selection,
            state,
            name,
            exactly(at),
            by,
          ]),
        ),
  );
}

async function cancelSchedule(here: App, selection: string) {
  const { email } = await person(here, 'transfer');
  const active = await activeOf(here.sql, selection);
  if (!active) throw new Problem(404, `Selection ${selection} is not scheduled.`);
  await schedules.cancel(here, selection, active.id, email);
  print('The schedule is cancelled. Its rows stay in the selection.');
}
