// Express binds nothing, so the import graph is the architecture: who may lean on whom.
import { expect, test } from '@jest/globals';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const leansOn: Record<string, string[]> = {
  database: [],
  storage: ['catalog', 'database'],
  catalog: ['database'],
  environments: ['catalog', 'database', 'storage', 'version'],
  access: ['environments'],
  version: [],
  audit: ['catalog', 'database'],
  messages: ['database'],
  web: ['access', 'catalog', 'database', 'environments', 'messages', 'storage', 'version'],
  people: ['access', 'audit', 'database', 'environments', 'web'],
  outbox: ['audit', 'database', 'environments', 'messages', 'web'],
  jobs: ['audit', 'database', 'environments', 'version', 'web'],
  journal: ['audit', 'catalog', 'database', 'environments', 'messages', 'outbox', 'version'],
  editing: ['catalog', 'database', 'environments', 'journal'],
  promotion: [
    ...['access', 'audit', 'catalog', 'database', 'editing', 'environments', 'jobs', 'journal'],
    ...['storage', 'version', 'web'],
  ],
  pictures: [...['catalog', 'database', 'environments', 'jobs', 'journal', 'promotion', 'web']],
  admin: [
    ...['access', 'catalog', 'database', 'editing', 'environments', 'journal', 'pictures'],
    ...['promotion', 'storage', 'web'],
  ],
  api: ['audit', 'catalog', 'database', 'environments', 'journal', 'web'],
  release: [
    ...['catalog', 'database', 'environments', 'jobs', 'journal', 'people', 'promotion', 'version'],
  ],
  commands: [
    ...['access', 'catalog', 'database', 'environments', 'jobs', 'journal', 'people', 'pictures'],
    ...['promotion', 'release', 'version', 'web'],
  ],
};
// Pages of their own, shown by the shell that every page has.
const exceptions = ['audit/pages.ts → web', 'messages/pages.ts → web'];

const files = readdirSync('src', { recursive: true, encoding: 'utf8' }).filter((file) =>
  file.endsWith('.ts'),
);
const importsOf = (file: string) =>
  [...readFileSync(join('src', file), 'utf8').matchAll(/from '(\.\.?\/[^']+)'/g)].map((match) =>
    join(file, '..', match[1] ?? ''),
  );

test('every room leans only on the rooms it may lean on', () => {
  const wrong = files.flatMap((file) => {
    const [room = ''] = file.split('/');
    if (!file.includes('/')) return [];
    return importsOf(file)
      .filter((target) => target.includes('/'))
      .map((target) => target.split('/')[0] ?? '')
      .filter((other) => other !== room && !leansOn[room]?.includes(other))
      .map((other) => `${file} → ${other}`);
  });
  expect(wrong.filter((line) => !exceptions.includes(line))).toEqual([]);
});

test('only pages, handlers and the border know Express', () => {
  const known =
    /(^|\/)(pages|[a-z]+-page|editing|choosing|sending|refreshing|reading|list-state|sign-in|single-sign-on|guard|app|routes)\.ts$|^web\//;
  const wrong = files.filter(
    (file) =>
      /from '(express|multer|passport.*)'/.test(readFileSync(join('src', file), 'utf8')) &&
      !known.test(file),
  );
  expect(wrong).toEqual([]);
});

test('S2-04 S2-06 nobody but oneway db writes the version document', () => {
  const writers = files.filter((file) =>
    /writeVersion|collection\(['"]metadata/.test(readFileSync(join('src', file), 'utf8')),
  );
  expect(writers.toSorted()).toEqual(['commands/migration.ts', 'version/metadata.ts']);
});

test('only settings.ts and the programs read process.env', () => {
  const wrong = files.filter(
    (file) =>
      readFileSync(join('src', file), 'utf8').includes('process.env') &&
      !/^(settings|running|commands\/.*)\.ts$/.test(file),
  );
  expect(wrong).toEqual([]);
});

test('S0-75 isStaging() is written once, in access/permissions.ts; nothing else compares names of environments', () => {
  const wrong = files.filter(
    (file) =>
      /===? '(staging|preprod|production|development)'/.test(
        readFileSync(join('src', file), 'utf8'),
      ) && file !== 'environments/ladder.ts',
  );
  expect(wrong).toEqual([]);
});
