// The settings for data sources: whether they may be in private networks, and the credentials that publishers require.
import { z } from 'zod';

export type SourceSettings = {
  /** The cron pattern that the form of a new data source proposes. */
  cron: string;
  /**
   * Whether data sources may be on this machine or in private networks. Only the demo and the tests need this.
   */
  mayBeLocal: boolean;
  /** The value of the `Authorization` header for each credential, by the name of the credential. */
  credentials: Record<string, string>;
};

type Variables = Record<string, string | undefined>;

const CREDENTIAL = /^SOURCE_CREDENTIAL_([A-Z0-9_]+)$/;

const schema = z.object({
  SOURCES_CRON: z
    .string()
    .regex(/^\S+( \S+){4}$/, 'must be minute, hour, day, month and day of the week: 0 2 * * *'),
  SOURCES_MAY_BE_LOCAL: z
    .enum(['true', 'false'], 'must be true or false')
    .transform((value) => value === 'true'),
});

export const sourceVariables = [...Object.keys(schema.shape), CREDENTIAL];

/**
 * Parses the settings for data sources. `wrong` has a message for each setting with a wrong value.
 */
export function sourceSettings(variables: Variables): {
  sources: SourceSettings;
  wrong: string[];
} {
  const { data, error } = schema.safeParse(variables);
  const credentials = credentialsIn(variables);
  const wrong = [
    ...(error?.issues ?? []).map(({ path, message }) => `${path.join('.')}: ${message}`),
    ...Object.entries(credentials)
      // Finds credentials that an HTTP header cannot contain. The message does not repeat such a credential, because it
      // is secret.
      .filter(([, value]) => !/^[\t\x20-\x7e]+$/.test(value))
      .map(([name]) => `SOURCE_CREDENTIAL_${name}: must be one line of plain characters: Bearer …`),
  ];
  return {
    sources: {
      cron: data?.SOURCES_CRON ?? '',
      mayBeLocal: data?.SOURCES_MAY_BE_LOCAL ?? false,
      credentials,
    },
    wrong,
  };
}

const credentialsIn = (variables: Variables): Record<string, string> =>
  Object.fromEntries(
    Object.entries(variables).flatMap(([variable, value]) => {
      const name = CREDENTIAL.exec(variable)?.[1];
      return name && value ? [[name, value]] : [];
    }),
  );
