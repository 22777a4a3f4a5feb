import { expect, test } from 'vitest';
import { fieldEntries, parseContent } from '../../src/catalog/entity.ts';
import { catalog } from '../../src/catalog/index.ts';
import { sampleContent } from '../support/sample-content.ts';

test.each(catalog.map((entity) => [entity.name, entity] as const))(
  'a sample row generated from the field definitions of the entity %s is valid',
  (_name, entity) => {
    const sample = sampleContent(entity);
    const typed = fieldEntries(entity).map(([name, { to, optional, kind }]) => {
      if (to && !optional) return [name, '1'];
      if (kind === 'flag') return [name, 'yes'];
      return [name, Array.isArray(sample[name]) ? sample[name] : String(sample[name] ?? '')];
    });
    expect(parseContent(entity, Object.fromEntries(typed))).toMatchObject({
      [entity.title]: sample[entity.title],
    });
  },
);
