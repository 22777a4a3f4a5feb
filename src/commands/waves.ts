// The command `oneway waves`, which lists, adds, pauses and resumes migration waves: lists of accounts that are
// migrated in the background.
import { readFile } from 'node:fs/promises';
import { text } from 'node:stream/consumers';
import type { Command } from 'commander';
import * as waves from '../account-moves/waves.ts';
import type { Wave } from '../account-moves/waves.ts';
import type { App } from '../environments/app.ts';
import { needMoves } from '../inbox/account-address.ts';
import { Problem } from '../problems.ts';
import { count } from '../web/format.ts';
import { actor, answer, columns, UsageError, withApp } from './cli.ts';

type Json = { json?: boolean };
type NewWave = Json & { atOnce: string; file?: string };

/** Adds the command `oneway waves`. */
export function addWaves(program: Command) {
  const own = program
    .command('waves')
    .description('accounts that are migrated in the background, some at a time');
  own
    .command('list', { isDefault: true })
    .option('--json')
    .description('the waves with their progress')
    .action(({ json }: Json) => withApp((here) => listWaves(here, json)));
  own
    .command('add')
    .argument('<name>')
    .argument(
      '[ids...]',
      'ids of accounts; without any they are read from --file or standard input',
    )
    .option('--at-once <number>', 'how many move at the same time', '4')
    .option('--file <path>', 'a file with ids, one a line')
    .option('--json')
    .description('add a wave; it begins at once')
    .action((name: string, ids: string[], wanted: NewWave) =>
      withApp((here) => add(here, { name, ids, wanted })),
    );
  for (const [command, change, words] of [
    ['pause', waves.pauseWave, 'stop its accounts at their next page, and start no other'],
    ['resume', waves.resumeWave, 'go on where it was paused'],
  ] as const) {
    own
      .command(command)
      .argument('<wave>', 'its number, as “oneway waves list” lists it')
      .option('--json')
      .description(words)
      .action((number: string, { json }: Json) =>
        withApp(async (here) => {
          const id = numberIn(number);
          needMoves(here);
          await change(here, id, await actor(here, 'move-accounts'));
          await showWave(here, id, json);
        }),
      );
  }
}

function numberIn(typed: string): number {
  if (!/^[1-9]\d{0,14}$/.test(typed)) throw new UsageError(`“${typed}” is not a wave’s number.`);
  return Number(typed);
}

async function showWave(here: App, id: number, isJson: boolean | undefined) {
  const wave = await waves.waveOf(here.sql, id);
  if (wave) answer(isJson, inJson(wave), () => columns([inColumns(wave)]));
}

async function listWaves(here: App, isJson: boolean | undefined) {
  needMoves(here);
  const all = await waves.listWaves(here.sql);
  answer(isJson, all.map(inJson), () =>
    all.length === 0
      ? ['No waves. Add one: oneway waves add NAME --file ids.txt']
      : columns(all.map(inColumns)),
  );
}

const inJson = ({ at_once: atOnce, created_at: at, ended_at: ended, ...wave }: Wave) => ({
  ...wave,
  atOnce,
  added: at,
  ended,
});

const inColumns = (wave: Wave): string[] => [
  String(wave.id),
  wave.state,
  wave.name,
  `${count(wave.total)} accounts`,
  `${count(wave.waiting)} waiting, ${count(wave.running)} running, ${count(wave.done)} done, ${count(wave.failed)} failed, ${count(wave.unknown)} not known there, ${count(wave.taken)} taken out`,
  `${count(wave.at_once)} at once`,
];

type Added = { name: string; ids: string[]; wanted: NewWave };

async function add(here: App, { name, ids, wanted: { atOnce, file, json } }: Added) {
  needMoves(here);
  if (ids.length > 0 && file !== undefined) throw new UsageError('Give ids or --file, not both.');
  if (!/^\d{1,9}$/.test(atOnce)) throw new UsageError(`--at-once: “${atOnce}” is not a number.`);
  const person = await actor(here, 'move-accounts');
  const accounts = ids.length > 0 ? ids : linesOf(await readIds(file));
  const wave = await waves.addWave(here, { name, accounts, atOnce: Number(atOnce), person });
  await showWave(here, wave.id, json);
}

async function readIds(file: string | undefined): Promise<string> {
  if (file === undefined) {
    if (process.stdin.isTTY) throw new UsageError('Give ids, --file, or ids on standard input.');
    return text(process.stdin);
  }
  return readFile(file, 'utf8').catch(() => {
    throw new Problem(422, `${file} cannot be read. Give the path of a file on this computer.`);
  });
}

const linesOf = (content: string): string[] => content.split(/\r?\n|\r/);
