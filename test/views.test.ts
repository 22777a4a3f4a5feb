// Views write values escaped; raw output is for partials and icons of our own alone.
import { expect, test } from '@jest/globals';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const views = readdirSync('views', { recursive: true, encoding: 'utf8' }).filter((file) =>
  file.endsWith('.ejs'),
);
const read = (file: string) => readFileSync(join('views', file), 'utf8');

test('raw output is only of partials and icons', () => {
  const wrong = views.flatMap((file) =>
    [...read(file).matchAll(/<%-\s*([^%]+)%>/g)]
      .map((match) => match[1]?.trim() ?? '')
      .filter((code) => !/^(include|icon|cell|badge)\(/.test(code))
      .map((code) => `${file}: ${code}`),
  );
  expect(wrong).toEqual([]);
});

test('no inline script, style or handler, and no meta refresh', () => {
  const wrong = views.filter((file) =>
    /<script(?![^>]*src=)|<style|\sstyle="|\son[a-z]+="|http-equiv/i.test(read(file)),
  );
  expect(wrong).toEqual([]);
});

test('every form that posts carries the token', () => {
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

test('every kind of field has its two partials', async () => {
  const { catalog } = await import('../src/catalog/index.ts');
  const kinds = new Set(
    catalog.flatMap((entity) => Object.values(entity.fields).map(({ kind }) => kind)),
  );
  for (const kind of kinds) {
    expect(views).toContain(`catalog-pages/fields/${kind}-cell.ejs`);
    expect(views).toContain(`catalog-pages/fields/${kind}-input.ejs`);
  }
});
