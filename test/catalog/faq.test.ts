// Tests that a new entity needs only its file, a line in the index, a migration and a new DB_VERSION. The test adds
// an entity to a copy of the project, and uses it with real servers and the least database rights.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { spawn } from 'node:child_process';
import {
  cpSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

const entityFile = `import { entity, type RowOf } from '../entity.ts';
import { flag, longText, optionalReference, text } from '../fields.ts';
import { byName, links } from '../links.ts';

export const faq = entity({
  name: 'faq',
  label: { one: 'FAQ', many: 'FAQs' },
  icon: 'file-text',
  store: 'mysql',
  table: 'faq',
  title: 'question',
  purpose: 'A FAQ answers a question that people ask often.',
  fields: {
    question: text({ max: 200, search: true }),
    answer: longText({ max: 4000, search: true }),
    business: optionalReference('business', { list: true, under: true }),
    cities: links('city', { by: 'name', through: 'faq_city', with: { partner: byName('partner') } }),
    active: flag({ list: true }),
  },
});

export type Faq = RowOf<typeof faq>;
`;

const migration = `CREATE TABLE faq (
  id BIGINT UNSIGNED NOT NULL PRIMARY KEY,
  question VARCHAR(200) NOT NULL,
  answer TEXT NULL,
  business_id BIGINT UNSIGNED NULL,
  active TINYINT(1) NOT NULL,
  modified_at DATETIME(3) NOT NULL,
  KEY faq_modified (modified_at, id)
);
CREATE TABLE faq_city (
  faq_id BIGINT UNSIGNED NOT NULL,
  city_id BIGINT UNSIGNED NOT NULL,
  partner_id BIGINT UNSIGNED NULL,
  PRIMARY KEY (faq_id, city_id)
);
`;

let copy: string;
beforeAll(() => {
  copy = mkdtempSync(join(tmpdir(), 'oneway-faq-'));
  for (const part of [
    'bin',
    'config',
    'demo',
    'migrations',
    'public',
    'src',
    'test/support',
    'views',
  ]) {
    cpSync(part, join(copy, part), { recursive: true });
  }
  // Vitest runs only files whose names end with .test.ts.
  renameSync(join(copy, 'test/support/faq-walk.ts'), join(copy, 'test/support/faq-walk.test.ts'));
  for (const file of ['package.json', 'vitest.config.ts', 'DB_VERSION'])
    cpSync(file, join(copy, file));
  symlinkSync(resolve('node_modules'), join(copy, 'node_modules'));
});
afterAll(() => rmSync(copy, { recursive: true, force: true }));

function addFaq() {
  writeFileSync(join(copy, 'src/catalog/entities/faq.ts'), entityFile);
  writeFileSync(join(copy, 'migrations/catalog/9001-faq.sql'), migration);
  writeFileSync(join(copy, 'DB_VERSION'), '99.0.0\n');
  const index = join(copy, 'src/catalog/index.ts');
  const listed = readFileSync(index, 'utf8')
    .replace(/^import/m, "import { faq } from './entities/faq.ts';\nimport")
    .replace(/(catalog: Entity\[\] = \[)/, '$1faq, ');
  writeFileSync(index, listed);
}

type Result = { testResults: { assertionResults: { title: string; status: string }[] }[] };

/** Runs test/support/faq-walk.ts with vitest in the copy; returns its report, or its error output. */
async function walk(): Promise<{ title: string; status: string }[]> {
  const vitest = spawn(
    process.execPath,
    ['node_modules/vitest/vitest.mjs', 'run', '--reporter=json', '--outputFile=report.json'],
    { cwd: copy },
  );
  let said = '';
  for (const stream of [vitest.stdout, vitest.stderr])
    stream.on('data', (part) => (said += String(part)));
  const code = await new Promise((ended) => vitest.once('close', ended));
  if (code !== 0) throw new Error(said);
  const report = readFileSync(join(copy, 'report.json'), 'utf8');
  return (JSON.parse(report) as Result).testResults.flatMap((one) => one.assertionResults);
}

test('a new entity, added to a copy of this repository, can be edited, transferred and read over the API', async () => {
  addFaq();
  expect((await walk()).map(({ title, status }) => `${title}: ${status}`)).toEqual([
    'a newly declared entity is listed: passed',
    'a row of a newly declared entity is added: passed',
    'a row of a newly declared entity is edited, with its history: passed',
    'a row of a newly declared entity is transferred to pre-production and on to production: passed',
    'a row of a newly declared entity is refreshed from production: passed',
    'a row of a newly declared entity is served to apps: passed',
    'a row of a newly declared entity is deleted, and the deletion is transferred: passed',
  ]);
}, 120_000);
