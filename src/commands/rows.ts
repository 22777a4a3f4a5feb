// The commands that print rows of this environment, and compare them with the destination.
import type { Command } from 'commander';
import {
  fieldEntries,
  keyFrom,
  keyText,
  titleOf,
  type Entity,
  type RowKey,
} from '../catalog/entity.ts';
import { catalog, entityNamed, travelling } from '../catalog/index.ts';
import type { Field, Value } from '../catalog/fields.ts';
import { isSecret, withoutSecrets } from '../catalog/secret.ts';
import type { App } from '../environments/app.ts';
import { rulesOf } from '../environments/rules.ts';
import { find, readOne } from '../rows/store.ts';
import * as journal from '../writing/journal.ts';
import { matrix } from '../comparison/matrix.ts';
import { comparePairs } from '../comparison/compare-pairs.ts';
import { fieldDiff } from '../comparison/field-diff.ts';
import { statuses } from '../state/status.ts';
import { NotFound, Problem } from '../problems.ts';
import { count, formatValue } from '../web/format.ts';
import { answer, withApp, columns, endWith, UsageError } from './cli.ts';
import { askFarSide } from '../environments/far-side.ts';
import { withTheirDependents } from '../rows/dependents.ts';
import { idsWithStatus, pendingRows } from '../state/pending.ts';

type Json = { json?: boolean };

export function addRows(program: Command) {
  program
    .command('status')
    .description(
      'how rows here compare with the destination as last seen, and transfers in progress',
    )
    .option('--json')
    .action(({ json }: Json) => withApp((here) => status(here, json)));
  program
    .command('list')
    .argument('<type>', travelling.map(({ name }) => name).join(', '))
    .description('rows of a type')
    .option('--search <words>', 'as the search box of its page', '')
    .option('--where <field=value...>', 'only rows with this value')
    .option('--status <status>', `one of: ${statuses.join(', ')}`)
    .option('--limit <number>', 'how many at the most', '50')
    .option('--json')
    .action((type: string, asked: Listed) => withApp((here) => list(here, type, asked)));
  program
    .command('show')
    .argument('<row>', 'type:id')
    .description('a row with what belongs to it')
    .option('--json')
    .action((row: string, { json }: Json) => withApp((here) => show(here, key(row), json)));
  program
    .command('diff')
    .argument('<row>', 'type:id')
    .description('a row here beside the row at the destination, with what belongs to it')
    .option('--json')
    .action((row: string, { json }: Json) => withApp((here) => diff(here, key(row), json)));
}

/**
 * Parses the argument `type:id`.
 * @throws UsageError when the text has another form
 */
export function key(text: string): RowKey {
  if (!/^[a-z_]+:[1-9]\d{0,15}$/.test(text)) {
    throw new UsageError(`“${text}” is no row: write type:id, such as task:12.`);
  }
  const found = keyFrom(text);
  typed(found.entity);
  return found;
}

/**
 * Finds the entity that an argument names.
 * @throws UsageError when the catalogue has no such entity
 */
function typed(name: string): Entity {
  const found = catalog.find((entity) => entity.name === name);
  if (found) return found;
  throw new UsageError(
    `There is no type “${name}”: write one of ${catalog.map((one) => one.name).join(', ')}.`,
  );
}

async function status(here: App, isJson: boolean | undefined) {
  const counts = await matrix(here.sql);
  const live = await journal.unfinished(here.sql);
  const data = {
    environment: here.name,
    destination: here.destination?.name ?? null,
    counts: Object.fromEntries([...counts].map(([name, own]) => [name, Object.fromEntries(own)])),
    underWay: live.map(({ number, name, state, person }) => ({ number, name, state, person })),
  };
  answer(isJson, data, () => {
    const shown = statuses.filter((one) => [...counts.values()].some((own) => own.has(one)));
    const lines = [...counts].map(([name, own]) => [
      entityNamed(name).label.many,
      ...shown.map((one) => count(own.get(one) ?? 0)),
    ]);
    const there = here.destination ? ` beside ${rulesOf(here.destination.name).inText}` : '';
    return [
      `${rulesOf(here.name).label}${there}, as last seen:`,
      ...columns([['', ...shown], ...lines]),
      ...live.map(({ number, name, state }) => `transfer ${number} “${name}”: ${state}`),
    ];
  });
}

type Listed = Json & { search: string; where?: string[]; status?: string; limit: string };

async function list(here: App, type: string, { search, where, status, limit, json }: Listed) {
  const entity = typed(type);
  if (!/^[1-9]\d*$/.test(limit)) throw new UsageError(`--limit ${limit}: write a whole number.`);
  const wanted = statuses.find((one) => one.toLowerCase() === status?.toLowerCase());
  if (status !== undefined && !wanted)
    throw new UsageError(`--status: choose one of: ${statuses.join(', ')}`);
  const ids = wanted
    ? await idsWithStatus(here.sql, entity, wanted, await pendingRows(here.sql, entity))
    : null;
  const filters = Object.fromEntries((where ?? []).map((text) => filterOf(type, text)));
  const { rows, total } = await find(here, entity, {
    search,
    filters,
    sort: { field: 'id', descending: false },
    offset: 0,
    ...(ids ? { ids } : {}),
    limit: Math.min(Number(limit), 10_000),
  });
  answer(json, { total, rows: rows.map((row) => withoutSecrets(entity, row)) }, () => [
    ...columns(rows.map((row) => [`${type}:${row.id}`, titleOf(entity, row), row.modified_at])),
    `${count(rows.length)} of ${count(total)}`,
  ]);
}

/**
 * Parses a filter such as `business=12`. Numbers, yes and no are converted to the type of the
 * field.
 */
function filterOf(type: string, text: string): [string, Value] {
  const [name = '', value = ''] = text.split(/=(.*)/s);
  const field = fieldOf(entityNamed(type), name);
  if (isSecret(field)) throw new UsageError(`--where: rows are not found by their ${name}.`);
  if (field.links) throw new UsageError(`--where: rows are not found by their ${name}.`);
  if (field.kind === 'flag') return [name, ['yes', 'true', '1'].includes(value)];
  const isNumber = typeof field.initial === 'number' || field.to !== undefined;
  if (isNumber && !/^-?\d+(\.\d+)?$/.test(value)) {
    throw new UsageError(`--where ${text}: ${name} is a number.`);
  }
  return [name, isNumber ? Number(value) : value];
}

/**
 * Finds a field of an entity.
 * @throws UsageError when the entity has no such field
 */
export function fieldOf({ name: type, fields }: Entity, name: string): Field {
  const found = fields[name];
  if (found) return found;
  throw new UsageError(`${type} has no field “${name}”. It has: ${Object.keys(fields).join(', ')}`);
}

async function show(here: App, row: RowKey, isJson: boolean | undefined) {
  if (!(await readOne(here, row))) throw new NotFound(`There is no ${keyText(row)} here.`);
  const rows = await withTheirDependents(here, [row]);
  const shown = [...rows].map(([text, one]) => [
    text,
    withoutSecrets(entityNamed(keyFrom(text).entity), one),
  ]);
  answer(isJson, Object.fromEntries(shown), () =>
    [...rows].flatMap(([text, one]) => {
      const entity = entityNamed(keyFrom(text).entity);
      const fields = fieldEntries(entity).map(([name, field]) => [
        `  ${name}`,
        formatValue(field, one[name]).replaceAll('\n', '; '),
      ]);
      return [`${text}  ${titleOf(entity, one)}`, ...columns(fields)];
    }),
  );
}

async function diff(here: App, row: RowKey, isJson: boolean | undefined) {
  const there = here.destination;
  if (!there) throw new Problem(422, `${rulesOf(here.name).label} has no destination.`);
  const pairs = await askFarSide(there, () => comparePairs(here, there, [row]));
  const own = pairs.get(keyText(row));
  if (!own?.status) throw new NotFound(`There is no ${keyText(row)}, neither here nor there.`);
  const differing = [...pairs.values()].filter(({ status }) => status && status !== 'In sync');
  const data = differing.map((pair) => ({
    row: keyText(pair.key),
    status: pair.status,
    fields: fieldDiff(pair).map(({ field, there, here }) => ({ field, there, here })),
  }));
  answer(isJson, data, () =>
    data.length === 0
      ? [`${keyText(row)} is the same in ${rulesOf(there.name).inText}.`]
      : data.flatMap(({ row: text, status, fields }) => [
          `${text}  ${status}`,
          ...fields.flatMap(({ field, here: ours, there: theirs }) => [
            `  ${field}`,
            `  - ${theirs.replaceAll('\n', '; ')}`,
            `  + ${ours.replaceAll('\n', '; ')}`,
          ]),
        ]),
  );
  if (data.length > 0) endWith('differs');
}
