// The ladder of environments: staging, pre-production, production. Everything that depends on the
// environment is answered here.

export const environmentNames = ['development', 'staging', 'preprod', 'production'] as const;
/** `copy`: an environment that is opened by the name of its database. No server runs as one. */
export type EnvironmentName = (typeof environmentNames)[number] | 'copy';

export type EnvironmentRules = {
  label: string;
  /** As in "in staging", "to pre-production". */
  inText: string;
  /** The next environment. */
  next: EnvironmentName | null;
  /** Rows may be edited without the revert switch. */
  isEdited: boolean;
  /** The range of ids given out here. Separate ranges prevent collisions under the revert switch. */
  ids: { from: number; to: number };
  /** Permissions that can never be granted here. */
  neverGranted: readonly string[];
  /** Read by the apps: sending rows here requires a reason, deleting them a typed word. */
  asksReason: boolean;
  /** Rows are tested here before they are sent on. */
  isTested: boolean;
};

const rules: Record<EnvironmentName, EnvironmentRules> = {
  development: {
    label: 'Development',
    inText: 'development',
    next: null,
    isEdited: true,
    ids: { from: 1, to: 999_999_999 },
    neverGranted: [],
    asksReason: false,
    isTested: false,
  },
  staging: {
    label: 'Staging',
    inText: 'staging',
    next: 'preprod',
    isEdited: true,
    ids: { from: 1, to: 999_999_999 },
    neverGranted: [],
    asksReason: false,
    isTested: false,
  },
  preprod: {
    label: 'Pre-production',
    inText: 'pre-production',
    next: 'production',
    isEdited: false,
    ids: { from: 1_000_000_000, to: 1_999_999_999 },
    neverGranted: [],
    asksReason: false,
    isTested: true,
  },
  production: {
    label: 'Production',
    inText: 'production',
    next: null,
    isEdited: false,
    ids: { from: 2_000_000_000, to: 2_999_999_999 },
    neverGranted: ['product_manager'],
    asksReason: true,
    isTested: false,
  },
  copy: {
    label: 'Copy',
    inText: 'a copy',
    next: null,
    isEdited: true,
    ids: { from: 1, to: 999_999_999 },
    neverGranted: [],
    asksReason: false,
    isTested: false,
  },
};

export const rulesOf = (environment: EnvironmentName): EnvironmentRules => rules[environment];

/** The rules of one copy, which goes by the name of its database. */
export const copyRules = (database: string): EnvironmentRules => ({
  ...rules.copy,
  label: database,
  inText: `the copy ${database}`,
});

/** The environments that rows pass through, in order; development stands apart. */
export const ladder: EnvironmentName[] = ['staging', 'preprod', 'production'];

/** The facts that decide what may be done in an environment. */
export type EnvironmentSetup = {
  rules: EnvironmentRules;
  /** The revert switch, IS_STAGING_ALWAYS. */
  isStagingAlways: boolean;
  hasDestination: boolean;
  /** Production can be read from here, for the refresh and to restore rows. */
  hasSource: boolean;
};
