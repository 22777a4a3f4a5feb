// Views escape values; only partials and icons are printed unescaped.
import { expect, test } from '@jest/globals';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const views = readdirSync('views', { recursive: true, encoding: 'utf8' }).filter((file) =>
  file.endsWith('.ejs'),
);
const read = (file: string) => readFileSync(join('views', file), 'utf8');

test('views print unescaped only partials and icons', () => {
  const wrong = views.flatMap((file) =>
    [...read(file).matchAll(/<%-\s*([^%]+)%>/g)]
      .map((match) => match[1]?.trim() ?? '')
      .filter((code) => !/^(include|icon|cell|badge)\(/.test(code))
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

test('every form that posts contains the CSRF token', () => {
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

test('every field type has its input and its cell partial', async () => {
  const { catalog } = await import('../src/catalog/index.ts');
  const kinds = new Set(
    catalog.flatMap((entity) => Object.values(entity.fields).map(({ kind }) => kind)),
  );
  for (const kind of kinds) {
    expect(views).toContain(`catalog-pages/fields/${kind}-cell.ejs`);
    expect(views).toContain(`catalog-pages/fields/${kind}-input.ejs`);
  }
});
