import { describe, expect, test } from 'vitest';
import { grantable, isStaging, may, type Permission } from '../../src/access/permissions.ts';
import { rulesOf, type EnvironmentName } from '../../src/environments/rules.ts';

const grounds = (environment: EnvironmentName, isStagingAlways = false) => ({
  rules: rulesOf(environment),
  isStagingAlways,
  hasDestination: rulesOf(environment).next !== null,
  hasSource: environment === 'staging' || environment === 'preprod',
});
const who = (...permissions: Permission[]) => ({ permissions });

describe('S0-11 S0-12 S0-13 the environments in which rows are edited, and between which rows are transferred', () => {
  test('rows can be edited only in staging and development', () => {
    expect(isStaging(grounds('staging'))).toBe(true);
    expect(isStaging(grounds('development'))).toBe(true);
    expect(isStaging(grounds('preprod'))).toBe(false);
    expect(isStaging(grounds('production'))).toBe(false);
  });

  test('S0-10 transfers go only from staging to pre-production and from there to production', () => {
    expect(rulesOf('staging').next).toBe('preprod');
    expect(rulesOf('preprod').next).toBe('production');
    expect(rulesOf('production').next).toBeNull();
  });

  test('S0-75 with the setting IS_STAGING_ALWAYS, people with the permission editor can edit in every environment', () => {
    expect(may(who('editor'), 'edit', grounds('production', true))).toBe(true);
    expect(may(who('administrator'), 'edit', grounds('production', true))).toBe(false);
    expect(may(who(), 'edit', grounds('preprod', true))).toBe(false);
  });
});

test('S0-20 S0-21 only product managers can send transfers, and only from environments that have a destination', () => {
  expect(may(who('product_manager'), 'transfer', grounds('staging'))).toBe(true);
  expect(may(who('product_manager'), 'transfer', grounds('production'))).toBe(false);
  expect(may(who('editor', 'administrator', 'on_call'), 'transfer', grounds('staging'))).toBe(
    false,
  );
});

test('S0-25 the permission product_manager cannot be granted in production', () => {
  expect(grantable(grounds('production'))).not.toContain('product_manager');
  expect(grantable(grounds('preprod'))).toContain('product_manager');
});
