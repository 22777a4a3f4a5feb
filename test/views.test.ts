// Views escape values, declare the locals that they use, and contain neither scripts nor styles.
import { expect, test } from 'vitest';
import ejs from 'ejs';
import express from 'express';
import request from 'supertest';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const views = readdirSync('views', { recursive: true, encoding: 'utf8' }).filter((file) =>
  file.endsWith('.ejs'),
);
const read = (file: string) => readFileSync(join('views', file), 'utf8');

test('views print unescaped HTML only from partials, from the page body in the layout, and from known helper functions', () => {
  const wrong = views.flatMap((file) =>
    [...read(file).matchAll(/<%-\s*([^%]+)%>/g)]
      .map((match) => match[1]?.trim() ?? '')
      .filter(
        (code) =>
          !/^(include|icon|cell|badge|wholeValue|time|exactTime|person|sentence)\(/.test(code),
      )
      .filter((code) => !(code === 'body' && file === 'web/layout.ejs'))
      .map((code) => `${file}: ${code}`),
  );
  expect(wrong).toEqual([]);
});

test('views contain no inline script, style or handler, and no meta refresh', () => {
  const wrong = views.filter((file) =>
    /<script(?![^>]*src=)|<style|\sstyle="|\son[a-z]+="|http-equiv/i.test(read(file)),
  );
  expect(wrong).toEqual([]);
});

test('every POST form contains the CSRF token', () => {
  const wrong = views.flatMap((file) =>
    read(file)
      .split(/<form\b/)
      .slice(1)
      .filter(
        (form) =>
          /^[^>]*method="post"/.test(form) && !form.split('</form>')[0]?.includes('name="csrf"'),
      )
      .map((form) => `${file}: ${form.slice(0, 60)}`),
  );
  expect(wrong).toEqual([]);
});

test('forms show their own messages and never those of the browser (walk 34)', () => {
  const wrong = views.filter((file) => {
    const checksTyped = /\s(required|pattern="[^"]*")[\s/>]/.test(read(file));
    const isChecked = /type="(email|number|url)"(?![^\n]*readonly)/.test(read(file));
    return checksTyped || (isChecked && !read(file).includes('novalidate'));
  });
  expect(wrong).toEqual([]);
});

test('every kind of field has one view for its input and one for its table cell', async () => {
  const { catalog } = await import('../src/catalog/index.ts');
  const kinds = new Set(
    catalog.flatMap((entity) => Object.values(entity.fields).map(({ kind }) => kind)),
  );
  for (const kind of kinds) {
    expect(views).toContain(`catalog-pages/fields/${kind}-cell.ejs`);
    expect(views).toContain(`catalog-pages/fields/${kind}-input.ejs`);
  }
});

test('lines of views have at most 120 characters', () => {
  const wrong = views.flatMap((file) =>
    read(file)
      .split('\n')
      .flatMap((line, index) => (line.length > 120 ? [`${file}:${index + 1}`] : [])),
  );
  expect(wrong).toEqual([]);
});

/**
 * Locals that every view may use without declaring them: src/web/pages.ts passes them to all views.
 */
const shell = [
  'bytes',
  'badge',
  'can',
  'cell',
  'count',
  'exactly',
  'formatChoice',
  'icon',
  'iso',
  'labelOf',
  'labelOne',
  'lowerFirst',
  'plural',
  'rowsText',
  'when',
  'exactTime',
  'wholeValue',
  'person',
  'sentence',
  'personName',
  'time',
  'csrf',
  'destination',
  'path',
  'place',
  'returnTo',
  'withReturn',
];
const namedLocals = (file: string) =>
  read(file)
    .split('\n')
    .flatMap((line) => /^<%# locals:(.*?)-?%>$/.exec(line)?.[1]?.split(',') ?? [])
    .map((name) => name.trim())
    .filter(Boolean);

test('the first line of every view declares the locals that the view uses', () => {
  const wrong = views.filter((file) => !/^<%# locals:.*-%>\n/.test(read(file)));
  expect(wrong).toEqual([]);
});

test('a view uses no locals except those that its first line declares and those that every page gets', () => {
  const folder = mkdtempSync(join(tmpdir(), 'oneway-views-'));
  for (const file of views) {
    const known = new Set([...shell, ...namedLocals(file), 'include', 'escapeFn']);
    const options = { client: true, strict: true, compileDebug: false };
    const template = new ejs.Template(read(file), options);
    template.compile();
    const code = `export function view(${[...known].join(', ')}) {\n${template.source}\n}\n`;
    writeFileSync(join(folder, `${file.replaceAll('/', '+')}.js`), code);
  }
  const options = ['--allow', 'all', '--deny', 'no-undef', '--format', 'unix'];
  const { stdout } = spawnSync('node_modules/.bin/oxlint', [...options, folder], {
    encoding: 'utf8',
  });
  rmSync(folder, { recursive: true });
  const wrong = stdout.split('\n').filter((line) => line.includes('no-undef'));
  expect(wrong.map((line) => line.replace(/^.*views-[^/]*\//, ''))).toEqual([]);
  expect(stdout).toMatch(/^\s*$/);
});

test('the stylesheet contains every file of public/styles once, and may be cached for a year at its present address', async () => {
  const files = readdirSync('public/styles');
  const { asset, assets } = await import('../src/web/assets.ts');
  const app = express().use('/assets', assets());
  const { text, headers } = await request(app).get(asset('oneway.css'));
  expect(headers).toMatchObject({ 'content-type': 'text/css; charset=utf-8' });
  expect(headers['cache-control']).toBe('public, max-age=31536000, immutable');
  for (const file of files) {
    const part = readFileSync(join('public/styles', file), 'utf8');
    expect([file, text.split(part).length]).toEqual([file, 2]);
  }
  const again = await request(app)
    .get(asset('oneway.css'))
    .set('If-None-Match', String(headers['etag']));
  expect(again.status).toBe(304);
  for (const file of ['oneway.js', 'favicon.svg', 'fonts/inter-latin-wght-normal.woff2']) {
    const kept = await request(app).get(asset(file)).expect(200);
    expect([file, kept.headers['cache-control']]).toEqual([file, headers['cache-control']]);
  }
  // A page that was loaded before Oneway was updated still requests the stylesheet at its former address.
  const former = await request(app).get('/assets/000000000000/oneway.css').expect(200);
  expect(former.headers['cache-control']).toBe('no-cache');
  await request(app).get(asset('styles/../../package.json')).expect(404);
});
