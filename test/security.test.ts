// docs/security.md names tests for every level 1 requirement, or states that the requirement does not apply.
import { describe, expect, test } from 'vitest';
import { globSync, readFileSync } from 'node:fs';
import { useClient, useSite } from './support/people.ts';
import { select, sql } from '../src/database/sql.ts';
import { useWorld } from './support/world.ts';

const text = (file: string) => readFileSync(file, 'utf8');
const page = text('docs/security.md');
const [, levelOne = ''] = page.split(/^## Level/m);
const rows = [...levelOne.matchAll(/^\| (\d+\.\d+\.\d+) +\| (\S+) +\| (.+?) +\| (.*?) *\|$/gm)].map(
  ([, id = '', state = '', holds = '', tests = '']) => ({ id, state, holds, tests }),
);

/** The sections of OWASP ASVS 5.0.0 with the numbers of their level 1 requirements. */
const LEVEL_1 = [
  ['1.2', [1, 2, 3, 4, 5]],
  ['1.3', [1, 2]],
  ['1.5', [1]],
  ['2.1', [1]],
  ['2.2', [1, 2]],
  ['2.3', [1]],
  ['3.2', [1, 2]],
  ['3.3', [1]],
  ['3.4', [1, 2]],
  ['3.5', [1, 2, 3]],
  ['4.1', [1]],
  ['4.4', [1]],
  ['5.2', [1, 2]],
  ['5.3', [1, 2]],
  ['6.1', [1]],
  ['6.2', [1, 2, 3, 4, 5, 6, 7, 8]],
  ['6.3', [1, 2]],
  ['6.4', [1, 2]],
  ['7.2', [1, 2, 3, 4]],
  ['7.4', [1, 2]],
  ['8.1', [1]],
  ['8.2', [1, 2]],
  ['8.3', [1]],
  ['9.1', [1, 2, 3]],
  ['9.2', [1]],
  ['10.4', [1, 2, 3, 4, 5]],
  ['11.3', [1, 2]],
  ['11.4', [1]],
  ['12.1', [1]],
  ['12.2', [1, 2]],
  ['13.4', [1]],
  ['14.2', [1]],
  ['14.3', [1]],
  ['15.1', [1]],
  ['15.2', [1]],
  ['15.3', [1]],
] as const;

describe('the list of security requirements in docs/security.md', () => {
  test('docs/security.md lists every OWASP requirement of level 1 once', () => {
    const all = LEVEL_1.flatMap(([section, numbers]) => numbers.map((one) => `${section}.${one}`));
    expect(rows.map(({ id }) => id)).toEqual(all);
    expect(all).toHaveLength(70);
  });

  test.each(rows)(
    'the security requirement $id is covered by existing tests, or does not apply',
    (row) => {
      expect(row.holds).not.toBe('');
      if (row.state === 'n.a.') return;
      expect(row.state).toBe('met');
      const named = [...row.tests.matchAll(/`([\w/-]+)`: (.+?)(?=; `|$)/g)];
      expect(named.length).toBeGreaterThan(0);
      for (const [, file = '', title = ''] of named) {
        expect(text(`test/${file}.test.ts`)).toContain(title.replaceAll('\\_', '_'));
      }
    },
  );
});

describe('security of the whole program', () => {
  const world = useWorld();
  const site = useSite(world, 'staging');
  const vic = useClient(site, 'vic');

  test('every answer has the security headers, and forbids other sites to load it (C14)', async () => {
    const { headers } = await vic.get('/').set('Origin', 'https://evil.example');
    expect(headers).toMatchObject({
      'content-type': 'text/html; charset=utf-8',
      'x-content-type-options': 'nosniff',
      'strict-transport-security': expect.stringContaining('max-age='),
      'content-security-policy': expect.stringContaining("default-src 'none'"),
    });
    expect(Object.keys(headers).filter((name) => name.startsWith('access-control-'))).toEqual([]);
  });

  test('files of the source repository are not served', async () => {
    for (const path of ['/.git/HEAD', '/assets/../.git/HEAD', '/assets/%2e%2e/package.json']) {
      expect([path, (await vic.get(path)).status]).toEqual([path, 404]);
    }
  });

  test('a newly created database contains no account', async () => {
    expect(await select(world.production.sql, sql`select email from person`)).toEqual([]);
    for (const file of globSync('migrations/**/*.sql')) {
      expect(text(file)).not.toMatch(/insert (ignore )?into person\b/i);
    }
  });

  test('no source file starts a shell or evaluates text as code', () => {
    for (const file of globSync('src/**/*.ts')) {
      expect([file, text(file)]).toEqual([
        file,
        expect.not.stringMatching(/child_process|\beval\(|new Function\(|node:vm/),
      ]);
    }
  });

  test('every password field is masked and allows password managers to fill it', () => {
    const fields = globSync('views/**/*.ejs').flatMap((file) =>
      [...text(file).matchAll(/<input[^>]*name="[^"]*password"[^>]*>/g)].map(([input]) => input),
    );
    expect(fields.length).toBeGreaterThan(0);
    for (const input of fields) {
      expect(input).toMatch(/type="password"/);
      expect(input).toMatch(/autocomplete="(current|new)-password"/);
    }
    const scripts = globSync('public/**/*.js').map(text).join('\n');
    expect(scripts).not.toMatch(/['"]paste['"]/);
  });

  test('package-lock.json pins every package by its checksum', () => {
    const { packages } = JSON.parse(text('package-lock.json')) as {
      packages: Record<string, { integrity?: string; link?: boolean }>;
    };
    const open = Object.entries(packages).filter(
      ([path, { integrity }]) => path !== '' && integrity === undefined,
    );
    expect(open.map(([path]) => path)).toEqual([]);
  });
});
