// The order of the environments (staging, pre-production, production), and all rules that differ between them.

export const environmentNames = ['development', 'staging', 'preprod', 'production'] as const;
/**
 * The names of environments. A `copy` is an environment that is opened by the name of its database,
 * such as a staging database made from a backup; it has no server process of its own.
 */
export type EnvironmentName = (typeof environmentNames)[number] | 'copy';

export type EnvironmentRules = {
  label: string;
  /** The environment’s name for the middle of a sentence, as in “in staging” or “to pre-production”. */
  inText: string;
  /** The environment that rows are sent to; null when there is none. */
  next: EnvironmentName | null;
  /** Whether rows can be edited here even without the setting IS_STAGING_ALWAYS. */
  isEdited: boolean;
  /**
   * The range of ids for rows that are created in this environment. Staging, pre-production and production have
   * separate ranges. Their ids therefore never collide, even while a setting lets people edit rows in production.
   */
  ids: { from: number; to: number };
  /** Permissions that can never be granted in this environment. */
  neverGranted: readonly string[];
  /**
   * Whether apps read this environment. If so, sending rows here requires a reason, and deleting
   * rows here requires a typed confirmation.
   */
  asksReason: boolean;
  /** Whether rows must be tested in this environment before they are sent to the next one. */
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

/** The text of the button that fetches single rows from the next environment. `from`: that environment. */
export const takeOverText = (from: { inText: string }) => `Take over from ${from.inText}…`;

/**
 * The environment from which single rows are fetched to `into` (a takeover), named for the middle of a sentence:
 * `pre-production`.
 */
export function sourceText(into: EnvironmentName): string {
  const { next } = rulesOf(into);
  return next === null ? 'the next environment' : rulesOf(next).inText;
}

/**
 * What may be edited, sent and tested in a staging database that was made from a backup (a copy). Pages show the name
 * of the database as the name of this environment.
 */
export const copyRules = (database: string): EnvironmentRules => ({
  ...rules.copy,
  label: database,
  inText: `the copy ${database}`,
});

/** The environments that rows pass through, in order. Development is not one of them. */
export const ladder: EnvironmentName[] = ['staging', 'preprod', 'production'];

/** Returns the environment that sends rows to this one; undefined if no environment does. */
export const senderTo = (environment: EnvironmentName): EnvironmentName | undefined =>
  ladder.find((name) => rulesOf(name).next === environment);

/** The rules and settings that decide which actions are allowed in an environment. */
export type EnvironmentSetup = {
  rules: EnvironmentRules;
  /** Whether the setting IS_STAGING_ALWAYS opens this environment for editing. */
  isStagingAlways: boolean;
  hasDestination: boolean;
  /**
   * Whether production’s databases can be read from here, to copy all of its rows (refresh) or single rows (restore).
   */
  hasSource: boolean;
  /**
   * For a staging database made from a backup: the e-mail address of the person who requested this database and may
   * edit it.
   */
  orderedBy?: string;
};
