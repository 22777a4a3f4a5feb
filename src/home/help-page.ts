// The page *Help*: what the signed-in person may do here, and the words of the pages, as docs/glossary.md explains them.
import { readFileSync } from 'node:fs';
import type { Request, Response } from 'express';
import type { Ability } from '../access/permissions.ts';
import { page } from '../web/pages.ts';
import { can } from '../web/request.ts';
import { administrators } from './activity.ts';

type Word = { word: string; means: string; anchor: string };
export type WordGroup = { heading: string; words: Word[] };

const glossary = new URL('../../docs/glossary.md', import.meta.url);
let groups: WordGroup[] | undefined;

export async function show(req: Request, res: Response) {
  groups ??= wordsIn(readFileSync(glossary, 'utf8'));
  await page(req, res, 'home/help', {
    title: 'Help',
    crumbs: [{ text: 'Help' }],
    groups,
    rights: abilities.map(([ability, text]) => ({ text, isGranted: can(req, ability) })),
    administrators: await administrators(req.house.sql),
  });
}

const abilities: [Ability, string][] = [
  ['look', 'View, search and compare everything'],
  ['edit', 'Add, edit and delete rows'],
  ['transfer', 'Transfer rows to the next environment'],
  ['undo', 'Undo a transfer'],
  ['judge', 'Mark rows as Works or Does not work'],
  ['manage-data', 'Upload and load data files'],
  ['administer', 'Add people and grant permissions'],
];

/** Reads the part of the glossary about the words of the pages: a table below each heading. */
export function wordsIn(text: string): WordGroup[] {
  const part = text.split('## The words on the pages\n')[1]?.split(/\n## /)[0] ?? '';
  return part
    .split('\n### ')
    .slice(1)
    .map((group) => {
      const [heading = '', ...lines] = group.split('\n');
      return { heading, words: lines.flatMap(wordOn).slice(1) };
    });
}

/** The word on a line of a table, with its meaning as plain text. */
function wordOn(line: string): Word[] {
  const [, word, means] = /^\| +(.+?) +\| +(.+?) +\|$/.exec(line) ?? [];
  if (!word || !means || /^-+$/.test(word)) return [];
  return [{ word, means: means.replaceAll('_', ''), anchor: anchorOf(word) }];
}

const anchorOf = (word: string) => word.toLowerCase().replaceAll(/[^a-z]+/g, '-');
