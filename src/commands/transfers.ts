// Transfers on the command line, with the same plan, problems and checks as on the page of the transfer sheet.
import { v7 as uuid } from 'uuid';
import type { Command } from 'commander';
import { keyFrom, keyText } from '../catalog/entity.ts';
import { entityNamed, matchedByName } from '../catalog/index.ts';
import type { App } from '../environments/app.ts';
import { rulesOf } from '../environments/rules.ts';
import * as journal from '../writing/journal.ts';
import { NotFound, Problem } from '../problems.ts';
import { DELETE, noChoices, OVERWRITE, type Choices } from '../sheet/choices.ts';
import type { Plan } from '../sheet/plan.ts';
import { routeFrom } from '../sheet/route.ts';
import { parseKeys } from '../sheet/posted-keys.ts';
import * as selections from '../sheet/selections.ts';
import { prepareSheet } from '../sheet/sheet.ts';
import { find as findTransfers } from '../transfers/list.ts';
import { notAsSent, outcomeText, timeRemarks } from '../transfers/remarks.ts';
import { isUndo } from '../state/transfer-kinds.ts';
import * as transfers from '../transfers/send.ts';
import { count, when } from '../web/format.ts';
import { answer, withApp, columns, confirmed, endWith, person, UsageError } from './cli.ts';
import { fieldOf, key } from './rows.ts';
import type { ClickProblem, Problem as SheetProblem, Solution } from '../sheet/problem.ts';

export type Asked = {
  name?: string;
  reason?: string;
  include?: string[];
  create?: string[];
  keep?: string[];
  again?: string[];
  resend?: boolean;
  overwrite?: boolean;
  delete?: boolean;
  idempotencyKey?: string;
  dryRun?: boolean;
  yes?: boolean;
  json?: boolean;
};

export function addTransfers(program: Command) {
  const kinds = matchedByName.map(({ name }) => name);
  const solutions = (command: Command) =>
    command
      .option('--reason <reason>', 'why; everyone can read it')
      .option(
        '--create <kind:name...>',
        `create a ${kinds.join(' or ')} there, such as ${kinds[0]}:Pune`,
      )
      .option('--dry-run', 'show the plan and its problems; write nothing')
      .option('--idempotency-key <key>', 'the same key sends once, however often it is tried')
      .option('--yes', 'do not ask')
      .option('--json');

  solutions(program.command('transfer').argument('<rows...>', 'type:id'))
    .description('carry rows to the next environment')
    .option('--name <name>', 'what this transfer is called')
    .option('--include <rows...>', 'parents that differ there and shall go along')
    .option('--keep <fields...>', 'fields that stay as they are there: form:12/description')
    .option('--again <rows...>', 'rows whose content was undone there')
    .option('--resend', 'also rows that are the same, for a fresh modified_at')
    .option('--overwrite', 'replace what was changed there')
    .option('--delete', 'delete rows where the apps read')
    .action((rows: string[], asked: Asked) => withApp((here) => transfer(here, rows, asked)));
  solutions(
    program.command('undo').argument('<number>').argument('[rows...]', 'type:id; all if none'),
  )
    .description('undo a transfer, or rows of it')
    .action((number: string, rows: string[], asked: Asked) =>
      withApp((here) => undo(here, number, rows, asked)),
    );
  program
    .command('transfers')
    .description('what was sent from here, the newest first')
    .option('--json')
    .action(({ json }: Asked) => withApp((here) => list(here, json)));
}

const choicesOf = (asked: Asked): Choices => {
  const excludedFields: Choices['excludedFields'] = {};
  for (const text of asked.keep ?? []) {
    const [row = '', field = ''] = text.split('/');
    excludedFields[keyText(key(row))] = [...(excludedFields[row] ?? []), field];
  }
  return {
    ...noChoices,
    include: (asked.include ?? []).map((text) => keyText(key(text))),
    create: asked.create ?? [],
    again: (asked.again ?? []).map((text) => keyText(key(text))),
    resend: asked.resend ?? false,
    excludedFields,
  };
};

async function transfer(here: App, rows: string[], asked: Asked) {
  const { email } = await person(here, 'transfer');
  const keys = parseKeys(rows.map((row) => keyText(key(row))));
  await review(here, { wanted: { keys, name: asked.name ?? '' }, email, isManager: true }, asked);
}

async function undo(here: App, number: string, rows: string[], asked: Asked) {
  const { email, permissions } = await person(here, 'undo');
  const former = await journal.byNumber(here.sql, Number(number) || 0);
  if (!former) throw new Problem(404, `There is no transfer ${number}.`);
  const chosen = await selections.stepsToUndo(here.sql, former, rows);
  const isManager = permissions.includes('product_manager');
  const wanted = selections.undoOf(former, chosen);
  if (wanted.kind === 'undo-here') await person(here, 'take-over');
  await review(here, { wanted, email, isManager }, asked);
}

export type Sheet = { wanted: selections.NewSelection; email: string; isManager: boolean };

/** The most characters of an idempotency key that Oneway’s journal of writes can store. */
const LONGEST_KEY = 64;

/**
 * Prints what a transfer of the selected rows would do. If the command is not a dry run, asks for confirmation and
 * sends the transfer.
 */
export async function review(here: App, { wanted, email, isManager }: Sheet, asked: Asked) {
  const chosen = selections.draft(email, { ...wanted, choices: choicesOf(asked) });
  const { kind } = chosen;
  if ((asked.idempotencyKey ?? '').length > LONGEST_KEY) {
    throw new Problem(422, `An idempotency key has ${LONGEST_KEY} characters at most.`);
  }
  const twin = asked.idempotencyKey
    ? await journal.byKey(here.sql, email, asked.idempotencyKey)
    : undefined;
  if (twin && !asked.dryRun) {
    await refuseOther(here, twin, chosen);
    return tell(here, await journal.waitUntilEnded(here, twin.id), asked);
  }
  const route = routeFrom(here, email, kind);
  const seen = await prepareSheet(route, chosen);
  refuseUnknown(chosen.choices, seen.plan);
  // A confirmation to overwrite or delete rows counts only for the transfer plan with this hash, so that a changed plan
  // must be confirmed again.
  const choices = {
    ...chosen.choices,
    overwrite: asked.overwrite ? OVERWRITE : '',
    remove: asked.delete ? DELETE : '',
    typedFor: seen.plan.hash,
  };
  const selection = { ...chosen, choices };
  const { plan } = await prepareSheet(route, selection);
  const written = plan.steps.filter(({ action }) => action !== 'same');
  const to = rulesOf(route.to.name).inText;
  const isReady = plan.problems.length === 0 && written.length > 0;
  if (asked.dryRun || !isReady) {
    answer(asked.json, planned(plan), () => inLines(plan, to));
    if (plan.problems.length > 0 || (!asked.dryRun && !isReady)) endWith('refused');
    return;
  }
  if (!asked.json && !asked.yes) for (const line of inLines(plan, to)) console.log(line);
  const rows = `${count(written.length)} ${written.length === 1 ? 'row' : 'rows'}`;
  if (
    !(await confirmed(`${verbs[kind]} ${rows} ${isUndo({ kind }) ? 'in' : 'to'} ${to}?`, asked.yes))
  )
    return;
  const id = await selections.create(here.sql, email, { ...wanted, choices });
  const sent = await transfers.send(
    route,
    { ...selection, id },
    {
      planHash: plan.hash,
      idempotencyKey: asked.idempotencyKey ?? uuid(),
      name: asked.name ?? chosen.name,
      reason: asked.reason ?? null,
      person: email,
      role: isManager ? 'product_manager' : 'on_call',
    },
  );
  await tell(here, await journal.waitUntilEnded(here, sent.id), asked);
}

/**
 * Checks that an idempotency key was not given to another transfer.
 * @throws Problem when another transfer has the key
 */
async function refuseOther(here: App, twin: journal.Transfer, chosen: selections.Selection) {
  const former = await selections
    .find(here.sql, twin.selection ?? '', chosen.kind)
    .catch((error: unknown) => {
      if (error instanceof NotFound) return null;
      throw error;
    });
  if (former && selections.fingerprint(former) === selections.fingerprint(chosen)) return;
  throw new Problem(
    422,
    `This idempotency key was given to transfer ${twin.number}, which is another one. Nothing was sent.`,
  );
}

/**
 * Checks that each excluded field is a field of a row in the transfer.
 * @throws UsageError for any other field
 */
function refuseUnknown({ excludedFields }: Choices, { steps }: Plan) {
  const going = new Set(steps.map(keyText));
  for (const [row, fields] of Object.entries(excludedFields)) {
    if (!going.has(row)) throw new UsageError(`--keep: ${row} is not part of this transfer.`);
    const entity = entityNamed(keyFrom(row).entity);
    for (const field of fields) fieldOf(entity, field);
  }
}

const verbs: Record<selections.SelectionKind, string> = {
  transfer: 'Transfer',
  undo: 'Undo',
  restore: 'Restore',
  takeover: 'Take over',
  'undo-here': 'Undo',
};

async function tell(here: App, sent: journal.Transfer, { json }: Asked) {
  const { number, name, state, problem, problem_reason: reason, problem_row: row } = sent;
  const to = rulesOf(sent.destination).inText;
  const steps = state === 'verified' ? await journal.stepsOf(here.sql, sent.id) : [];
  const differing = notAsSent(steps);
  const rows = remarkLines(steps);
  answer(json, { number, name, state, problem, reason, row, rows }, () => [
    state !== 'verified'
      ? `Transfer ${number} “${name}” is ${state.replace('_', ' ')}. ${problem ?? 'The program goes on by itself; “oneway transfers” tells.'}`
      : differing
        ? `Transfer ${number} “${name}”: ${differing.text}`
        : `Transfer ${number} “${name}”: written in ${to}, read back and compared.`,
    ...rows.map(({ row, title, says }) => `  ${row} “${title}”: ${says.join('; ')}`),
  ]);
  if (state !== 'verified' || differing) endWith('refused');
}

/**
 * Returns a line for each row that the destination stored differently than sent, with the
 * difference.
 */
const remarkLines = (steps: journal.WrittenStep[]) =>
  steps.flatMap((step) => {
    const isPlanned = step.outcome === journal.plannedOutcome[step.action];
    const says = [...(isPlanned ? [] : [outcomeText(step) ?? '']), ...timeRemarks(step)];
    return says.length === 0 ? [] : [{ row: keyText(step), title: step.title, says }];
  });

const planned = ({ steps, problems, notices, warnings, offers, skipped: left, hash }: Plan) => ({
  steps: steps.map(({ entity, id, title, action, because }) => ({
    row: `${entity}:${id}`,
    title,
    action,
    because,
  })),
  problems: listed(problems),
  notices,
  warnings: warnings.map(({ row, ...said }) => ({ ...said, row: row && keyText(row) })),
  offers: offers.map(({ key: one, title, status }) => ({ row: keyText(one), title, status })),
  left: left.map(({ row, title, why }) => ({ row: keyText(row), title, why })),
  plan: hash,
});

/** Converts problems to JSON, each with its reason code, row and solutions. */
export const listed = (problems: (SheetProblem | ClickProblem)[]) =>
  problems.map(({ reason, row, message, solutions }) => ({
    reason,
    row: row && keyText(row),
    message,
    solutions,
  }));

function inLines(
  { steps, problems, notices, warnings, offers, skipped: left }: Plan,
  to: string,
): string[] {
  const written = steps.filter(({ action }) => action !== 'same');
  return [
    written.length === 0 ? `There is nothing to write in ${to}.` : `In ${to}:`,
    ...columns(
      written.map(({ action, entity, id, title, because }) => [
        `  ${action}`,
        `${entity}:${id}`,
        title,
        because ?? '',
      ]),
    ),
    ...left.map(({ row, title, why }) => `  left: ${keyText(row)} “${title}”: ${why}`),
    ...offers.map(
      ({ key: one, title, status }) =>
        `  differs there: ${keyText(one)} “${title}” (${status}); --include ${keyText(one)}`,
    ),
    ...warnings.map(({ message }) => `  warning: ${message}`),
    ...notices.map((notice) => `  note: ${notice}`),
    ...problems.flatMap(({ message, solutions }) => [
      `  problem: ${message}`,
      ...solutions.flatMap(optionFor),
    ]),
  ];
}

/**
 * Returns the command-line option for a solution of a problem; empty when only pages offer the
 * solution.
 */
function optionFor(way: Solution): string[] {
  switch (way.kind) {
    case 'overwrite':
      return ['    --overwrite replaces it'];
    case 'delete':
      return ['    --delete deletes it'];
    case 'again':
      return [`    --again ${way.keys.map(keyText).join(' ')} sends it anyway`];
    case 'create-name':
      return [`    --create ${way.entity}:${way.name} creates it there`];
    default:
      return [];
  }
}

async function list(here: App, isJson: boolean | undefined) {
  const all = await findTransfers(here.sql);
  const data = all.map(({ number, kind, name, state, person: by, steps, ...line }) => ({
    number,
    kind,
    name,
    state,
    person: by,
    rows: steps,
    reason: line.problem_reason,
    at: line.created_at,
  }));
  answer(isJson, data, () =>
    columns(
      data.map(({ number, kind, name, state, person: by, rows, at }) => [
        String(number),
        kind,
        state,
        name,
        `${count(rows)} ${rows === 1 ? 'row' : 'rows'}`,
        by,
        when(at),
      ]),
    ),
  );
}
