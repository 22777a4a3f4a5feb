// Express prescribes no structure for a program. So these tests enforce which folder of src may import which other
// folders.
import { expect, test } from 'vitest';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The folders that each folder of src may import. */
const mayImport: Record<string, string[]> = {
  database: [],
  storage: ['catalog', 'database'],
  version: [],
  catalog: ['database'],
  environments: ['database', 'storage', 'version'],
  audit: ['catalog', 'database'],
  access: ['audit', 'catalog', 'database', 'environments'],
  rows: ['catalog', 'database', 'environments'],
  state: ['catalog', 'database', 'environments', 'rows'],
  messages: ['access', 'audit', 'database', 'environments'],
  web: ['access', 'catalog', 'database', 'environments', 'messages', 'state', 'storage', 'version'],
  people: ['access', 'audit', 'database', 'environments', 'messages', 'web'],
  jobs: ['access', 'audit', 'database', 'environments', 'version', 'web'],
  writing: ['audit', 'catalog', 'database', 'environments', 'messages', 'rows', 'state', 'version'],
  comparison: ['catalog', 'database', 'environments', 'jobs', 'rows', 'state', 'web', 'writing'],
  editing: ['access', 'catalog', 'database', 'environments', 'rows', 'state', 'writing'],
  preview: ['catalog', 'environments', 'rows', 'storage', 'web'],
  sheet: [
    'access',
    'catalog',
    'comparison',
    'database',
    'datasets',
    'editing',
    'environments',
    'preview',
    'rows',
    'state',
    'storage',
    'version',
    'web',
    'writing',
  ],
  transfers: [
    'access',
    'audit',
    'catalog',
    'database',
    'environments',
    'jobs',
    'messages',
    'people',
    'preview',
    'rows',
    'sheet',
    'state',
    'storage',
    'web',
    'writing',
  ],
  refresh: [
    'catalog',
    'comparison',
    'database',
    'environments',
    'jobs',
    'rows',
    'state',
    'storage',
    'web',
    'writing',
  ],
  overviews: ['catalog', 'database', 'environments', 'sheet', 'state', 'web', 'writing'],
  'catalog-pages': [
    'access',
    'catalog',
    'comparison',
    'database',
    'editing',
    'environments',
    'jobs',
    'overviews',
    'people',
    'preview',
    'rows',
    'sheet',
    'state',
    'storage',
    'transfers',
    'web',
    'writing',
  ],
  home: ['access', 'catalog', 'database', 'environments', 'sheet', 'state', 'web', 'writing'],
  api: [
    'access',
    'account-moves',
    'catalog',
    'database',
    'datasets',
    'environments',
    'inbox',
    'jobs',
    'rows',
    'signed-api',
    'state',
    'web',
    'writing',
  ],
  backups: ['catalog', 'database', 'environments', 'jobs', 'storage', 'version', 'web'],
  release: [
    'access',
    'backups',
    'catalog',
    'comparison',
    'database',
    'environments',
    'jobs',
    'people',
    'refresh',
    'rows',
    'sheet',
    'state',
    'version',
    'writing',
  ],
  staging: [
    'access',
    'audit',
    'backups',
    'database',
    'environments',
    'jobs',
    'messages',
    'release',
    'version',
    'web',
  ],
  inbox: ['access', 'audit', 'database', 'environments', 'storage', 'web'],
  'account-moves': [
    'access',
    'audit',
    'database',
    'environments',
    'inbox',
    'jobs',
    'messages',
    'storage',
    'web',
  ],
  pipeline: ['access', 'audit', 'database', 'environments', 'jobs', 'storage', 'web'],
  datasets: [
    'audit',
    'catalog',
    'database',
    'editing',
    'environments',
    'jobs',
    'pipeline',
    'rows',
    'state',
    'storage',
    'web',
  ],
  'signed-api': ['access', 'database', 'datasets', 'environments', 'jobs', 'sources', 'web'],
  sources: [
    'access',
    'audit',
    'database',
    'datasets',
    'environments',
    'jobs',
    'messages',
    'storage',
    'web',
  ],
  commands: [
    'access',
    'account-moves',
    'backups',
    'catalog',
    'comparison',
    'database',
    'datasets',
    'environments',
    'inbox',
    'jobs',
    'people',
    'pipeline',
    'refresh',
    'release',
    'rows',
    'sheet',
    'sources',
    'staging',
    'state',
    'transfers',
    'version',
    'web',
    'writing',
  ],
};
/**
 * Exceptions to the table above: these files contain pages and import `web`, although the rest of
 * their folder may not. Only the routes import these files.
 */
const exceptions = [
  'audit/pages.ts → web',
  'messages/pages.ts → web',
  'messages/outbox-page.ts → web',
];

/** Files at the root of src that every folder of src may import. */
const importedByAll = [
  'in-time.ts',
  'per-zone.ts',
  'problems.ts',
  'settings.ts',
  'settle-all.ts',
  'typed-text.ts',
  'zoned-text.ts',
];
const importedByCommands = ['tasks.ts'];

const filesIn = (folder: string) =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .map((file) => join(folder, file));
const files = filesIn('src').map((file) => file.slice('src/'.length));
const importsIn = (file: string) =>
  [...readFileSync(file, 'utf8').matchAll(/(?:from|import\() ?'(\.\.?\/[^']+)'/g)].map((match) =>
    join(file, '..', match[1] ?? ''),
  );
const importsOf = (file: string) =>
  importsIn(join('src', file)).flatMap((target) =>
    target.startsWith('src/') ? target.slice('src/'.length) : [],
  );

test('every folder of src imports only the folders it may import', () => {
  const wrong = files.flatMap((file) => {
    const [room = ''] = file.split('/');
    if (!file.includes('/')) return [];
    return importsOf(file)
      .filter((target) => target.includes('/'))
      .map((target) => target.split('/')[0] ?? '')
      .filter((other) => other !== room && !mayImport[room]?.includes(other))
      .map((other) => `${file} → ${other}`);
  });
  expect(wrong.filter((line) => !exceptions.includes(line))).toEqual([]);
});

test('the table of folders of src and their allowed imports is complete, and no two folders import each other', () => {
  const rooms = new Set(files.flatMap((file) => (file.includes('/') ? file.split('/')[0] : [])));
  expect(Object.keys(mayImport).toSorted()).toEqual([...rooms].toSorted());
  expect(circles(Object.keys(mayImport), (room) => mayImport[room] ?? [])).toEqual([]);
});

test('the folders of src import only the shared files at the root of src, and never a program such as server.ts', () => {
  const wrong = files.flatMap((file) =>
    importsOf(file)
      .filter((target) => file.includes('/') && !target.includes('/'))
      .filter((target) => !importedByAll.includes(target))
      .filter((target) => !(file.startsWith('commands/') && importedByCommands.includes(target)))
      .map((target) => `${file} → ${target}`),
  );
  expect(wrong).toEqual([]);
});

test('no import cycles exist in src, demo, bench and test', () => {
  const all = ['src', 'demo', 'bench', 'bin', 'test'].flatMap(filesIn);
  expect(circles(all, importsIn)).toEqual([]);
});

/** Returns every import cycle, each as its files in order. */
function circles(nodes: string[], next: (node: string) => string[]): string[] {
  const done = new Set<string>();
  const found: string[] = [];
  const visit = (node: string, path: string[]) => {
    if (path.includes(node)) found.push([...path.slice(path.indexOf(node)), node].join(' → '));
    if (done.has(node) || path.includes(node)) return;
    for (const one of next(node)) if (nodes.includes(one)) visit(one, [...path, node]);
    done.add(node);
  };
  for (const node of nodes) visit(node, []);
  return found;
}

test('only pages, request handlers and the web layer of src import Express', () => {
  const known =
    /(^|\/)(pages|[a-z-]+-pages?|routes?|page|row|edit|choose|arrivals|row-actions|conflict|reading|list-state|sign-in|single-sign-on|recognise|guard|copy-guard|[a-z-]+-routes|app|needs-account|onward|invitation-link|api|reach|posted-choices|sealed-choices|bulk-chosen)\.ts$|^web\/|^signed-api\//;
  const wrong = files.filter(
    (file) =>
      /from '(express|multer|passport.*)'/.test(readFileSync(join('src', file), 'utf8')) &&
      !known.test(file),
  );
  expect(wrong).toEqual([]);
});

test('S2-04 S2-06 only the command oneway db writes the database version, which is a document in MongoDB', () => {
  const writers = files.filter((file) =>
    /writeVersion|collection\(['"]metadata/.test(readFileSync(join('src', file), 'utf8')),
  );
  expect(writers.toSorted()).toEqual(['release/upgrade.ts', 'version/metadata.ts']);
});

test('only settings.ts, running.ts and the command line read process.env', () => {
  const wrong = files.filter(
    (file) =>
      readFileSync(join('src', file), 'utf8').includes('process.env') &&
      !/^(settings|running|commands\/.*)\.ts$/.test(file),
  );
  expect(wrong).toEqual([]);
});

test('J-4 only the folder src/storage talks to S3 or writes files, so that backups and images use the same code', () => {
  const wrong = files.filter((file) => {
    const source = readFileSync(join('src', file), 'utf8');
    const isStoring =
      /from '@aws-sdk\/(client-s3|lib-storage)/.test(source) ||
      /\b(writeFile|createWriteStream|mkdir)\b/.test(source);
    // The command line may write a file, too: it stores the token of the signed-in person.
    return isStoring && !/^storage\/|^commands\/cli\.ts$/.test(file);
  });
  expect(wrong).toEqual([]);
});

test('S0-75 isStaging() is defined once, and no other code compares the names of environments', () => {
  const wrong = files.filter(
    (file) =>
      /===? '(staging|preprod|production|development)'/.test(
        readFileSync(join('src', file), 'utf8'),
      ) && file !== 'environments/rules.ts',
  );
  expect(wrong).toEqual([]);
});

test('object and array literals are not spread into other literals merely to change where the formatter breaks lines', () => {
  const all = ['src', 'demo', 'bench', 'bin', 'test'].flatMap(filesIn);
  const wrong = all.flatMap((file) =>
    readFileSync(file, 'utf8')
      .split('\n')
      .flatMap((line, index) =>
        /\.\.\.(\{ \w|\['|\[\d)/.test(line) ? [`${file}:${index + 1}`] : [],
      ),
  );
  expect(wrong).toEqual([]);
});
