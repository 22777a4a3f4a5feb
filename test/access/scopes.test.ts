// Tests which granted scopes of an API key include a required scope.
import { describe, expect, test } from 'vitest';
import { covers, LacksScope, needScope, scopeSchema } from '../../src/access/scopes.ts';

describe('the scopes of an API key', () => {
  test.each([
    [['catalog:task'], 'catalog:task', true],
    [['catalog:task'], 'catalog:form', false],
    [['catalog:task', 'catalog:form'], 'catalog:form', true],
    [['catalog:*'], 'catalog:task', true],
    [['catalog:*'], 'catalog:task:read', true],
    [['catalog:task:*'], 'catalog:task:read', true],
    [['catalog:task:*'], 'catalog:task', false],
    [['catalog:*'], 'catalog', false],
    [['catalog:*'], 'catalogue:task', false],
    [['catalog:task'], 'catalog:task_city', false],
    [['catalog:task'], 'catalog:*', false],
    [[], 'catalog:task', false],
    [['dataset:*'], 'dataset:org/name', true],
    [['dataset:org/*'], 'dataset:org/name', true],
    [['dataset:org/name'], 'dataset:org/name', true],
    [['dataset:org/name'], 'dataset:org/name_2', false],
    [['dataset:org/*'], 'dataset:org2/name', false],
    [['dataset:org/*'], 'dataset:org', false],
    [['dataset:*'], 'datasets:org/name', false],
    [['dataset:org'], 'dataset:org/name', false],
    [['pipeline'], 'dataset:org/name', false],
  ])(
    'the scopes %j of an API key include the required scope %s (expected: %s)',
    (granted, needed, isCovered) => {
      expect(covers(granted, needed)).toBe(isCovered);
    },
  );

  test.each([
    ['catalog:task', true],
    ['catalog:*', true],
    ['dataset:prices:read', true],
    ['job:42', true],
    ['*', false],
    ['', false],
    ['catalog:', false],
    ['catalog:*:read', false],
    ['catalog:ta*', false],
    ['catalog task', false],
    ['dataset:org/name', true],
    ['dataset:org/*', true],
    ['pipeline', true],
    ['dataset:org/', false],
    ['dataset:/name', false],
    ['dataset:org/name/more', false],
    ['dataset:*/name', false],
    ['dataset:org/na*', false],
    ['dataset/org', false],
    ['dataset:org/*:read', false],
    [`a:${'b'.repeat(120)}`, false],
  ])('the text %j is a valid API scope: %s', (text, isAccepted) => {
    expect(scopeSchema.safeParse(text).success).toBe(isAccepted);
  });

  test('an API request without the required scope is refused with the name of that scope', () => {
    expect(() => needScope({ scopes: ['catalog:form'] }, 'catalog:task')).toThrow(
      expect.objectContaining({ status: 403, scope: 'catalog:task' }),
    );
    expect(new LacksScope('catalog:task').message).toContain('catalog:task');
    expect(() => needScope({ scopes: ['catalog:*'] }, 'catalog:task')).not.toThrow();
  });
});
