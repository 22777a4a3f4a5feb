// The commands that check the prerequisites of a release, report the ids of rows for a search index, and end editing in
// production.
import type { Command } from 'commander';
import { keyText } from '../catalog/entity.ts';
import { rangesOf } from '../database/ranges.ts';
import type { App } from '../environments/app.ts';
import { rulesOf } from '../environments/rules.ts';
import * as journal from '../writing/journal.ts';
import { Problem } from '../problems.ts';
import * as selections from '../sheet/selections.ts';
import { releaseChecks } from '../release/checks.ts';
import { allIds, changedSince, differences } from '../release/reindex.ts';
import { editedInSource } from '../release/revert.ts';
import { count } from '../web/format.ts';
import { answer, withApp, columns, endWith, person, print } from './cli.ts';
import { review, type Asked } from './transfers.ts';

type Json = { json?: boolean };

export function addRelease(program: Command) {
  program
    .command('release-check')
    .description('check release prerequisites before the workflow is released')
    .option('--json')
    .action(({ json }: Json) => withApp((here) => check(here, json)));
  program
    .command('reindex-report')
    .description('ids of every type here and at the destination, for the search index')
    .option('--since <transfer>', 'only what was written since this transfer, by its number here')
    .option('--json')
    .action(({ since, json }: Json & { since?: string }) =>
      withApp((here) =>
        since === undefined ? reportAll(here, json) : reportSince(here, since, json),
      ),
    );
  program
    .command('revert')
    .description('after production was open for editing')
    .command('finish')
    .description('list what was edited in production and bring it down here through the sheet')
    .option('--dry-run', 'only list it')
    .option('--overwrite', 'replace what was changed here meanwhile')
    .option('--yes', 'do not ask')
    .option('--json')
    .action((asked: Asked) => withApp((here) => finishRevert(here, asked)));
}

async function check(here: App, isJson: boolean | undefined) {
  const checks = await releaseChecks(here);
  const missing = checks.filter(({ isThere }) => !isThere);
  answer(isJson, checks, () => [
    ...columns(
      checks.map(({ what, isThere, detail }) => [isThere ? 'ok' : 'MISSING', what, detail]),
    ),
    missing.length === 0
      ? `${rulesOf(here.name).label} is ready.`
      : `${missing.length} of ${checks.length} are missing in ${rulesOf(here.name).inText}.`,
  ]);
  if (missing.length > 0) endWith('differs');
}

async function reportAll(here: App, isJson: boolean | undefined) {
  const ids = await allIds(here);
  const there = here.destination;
  const beside = there ? await differences(here, there) : [];
  const data = { environment: here.name, ids, destination: there?.name ?? null, beside };
  answer(isJson, data, () => [
    `Ids in ${rulesOf(here.name).inText}:`,
    ...Object.entries(ids).map(
      ([entity, own]) => `${entity} (${count(own.length)}): ${ranges(own)}`,
    ),
    ...(there ? [`Beside ${rulesOf(there.name).inText}:`] : []),
    ...columns(
      beside.map(({ entity, here: mine, there: theirs, onlyHere, onlyThere }) => [
        `  ${entity}`,
        `${count(mine)} here, ${count(theirs)} there`,
        onlyHere.length + onlyThere.length === 0
          ? 'the same ids'
          : `only here: ${ranges(onlyHere) || 'none'}; only there: ${ranges(onlyThere) || 'none'}`,
      ]),
    ),
  ]);
}

async function reportSince(here: App, number: string, isJson: boolean | undefined) {
  const transfer = await journal.byNumber(here.sql, Number(number) || 0);
  if (!transfer) throw new Problem(404, `There is no transfer ${number}.`);
  const place = transfer.destination === here.name ? here : here.destination;
  if (!place) throw new Problem(422, 'Its destination cannot be reached from here.');
  const changed = await changedSince(place.sql, transfer);
  const data = { environment: place.name, since: transfer.number, changed };
  answer(isJson, data, () => [
    `Written in ${rulesOf(place.name).inText} since transfer ${transfer.number}:`,
    ...[...Map.groupBy(changed, ({ entity }) => entity)].flatMap(([entity, own]) => {
      const of = (isGone: boolean) =>
        ranges(own.filter((one) => one.isGone === isGone).map(({ id }) => id));
      const lines = [`${entity} changed: ${of(false) || 'none'}`];
      return of(true) === '' ? lines : [...lines, `${entity} removed: ${of(true)}`];
    }),
  ]);
}

/** Formats a list of numbers as ranges: `1-4, 7`. */
const ranges = (ids: number[]) =>
  rangesOf(ids)
    .map(([from, to]) => (from === to ? `${from}` : `${from}-${to}`))
    .join(', ');

async function finishRevert(here: App, asked: Asked) {
  if (!here.source) throw new Problem(422, 'REFRESH_SOURCE_* is not set: production is not read.');
  const edited = await editedInSource(here, here.source);
  if (edited.length === 0 || asked.dryRun) {
    answer(asked.json, edited, () =>
      edited.length === 0
        ? [`Nothing was edited in production that is not in ${rulesOf(here.name).inText}.`]
        : columns(
            edited.map(({ key, title, person: by, at: when, status }) => [
              keyText(key),
              title,
              `edited by ${by}`,
              `${when.slice(0, 16)} UTC`,
              status ?? '',
            ]),
          ),
    );
    return;
  }
  const { email } = await person(here, 'restore');
  const wanted = {
    keys: edited.map(({ key }) => key),
    kind: 'restore' as const,
    name: 'Edited in production',
  };
  if (!asked.yes) {
    const id = await selections.create(here.sql, email, wanted);
    print(`Its sheet: ${here.settings.urls[here.name] ?? ''}/restores/${id}`);
  }
  await review(here, { wanted, email, isManager: true }, asked);
}
