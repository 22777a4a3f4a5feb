// Stores staging environments, from which people order staging databases. A staging environment has the URL of a
// staging server, the client (company) and level of the ordered databases, and a token. The token is stored encrypted
// and never shown again.
import { z } from 'zod';
import { decrypt, encrypt } from '../access/encryption.ts';
import * as audit from '../audit/audit.ts';
import { first, run, runForId, select, sql, transaction, type Queryable } from '../database/sql.ts';
import type { App } from '../environments/app.ts';
import { isLoopback } from '../environments/urls.ts';
import { Conflict, Invalid, NotFound, parsed } from '../problems.ts';
import { requiredLine } from '../typed-text.ts';
import { clientSchema, levelSchema, type Level } from './names.ts';

export type StagingEnvironment = {
  id: number;
  name: string;
  /** The URL of the staging server, without a slash at the end. */
  url: string;
  client: string;
  level: Level;
  token: string;
  token_key: string;
  /**
   * Every change raises this number. A save from a page that showed a lower number is refused, so
   * that nobody overwrites the change of another person.
   */
  version: number;
};

const TOKEN_LENGTH = 32;

const wantedEnvironment = z.object({
  name: requiredLine('Enter a name, such as Lab', 60),
  url: z.string({ error: 'Enter the address of the staging server' }).transform(addressIn),
  client: clientSchema,
  level: levelSchema,
  token: z.string().trim().default(''),
});

/**
 * Validates the typed URL of a staging server. A URL without a scheme, such as `localhost:8069`,
 * gets one.
 */
function addressIn(typed: string, context: z.RefinementCtx): string {
  const text = typed.trim();
  const withScheme = /^https?:\/\//.test(text) ? text : `${schemeOf(text)}://${text}`;
  const url = URL.parse(withScheme);
  const isPlace =
    url && text !== '' && (url.pathname === '/' || url.pathname === '') && !url.search;
  if (!isPlace || url.username || url.password || url.hash) {
    context.addIssue({
      code: 'custom',
      message:
        'Enter the address of the staging server: https://staging.example.com, or localhost:8069',
    });
    return z.NEVER;
  }
  return url.origin;
}

/**
 * Returns the scheme for a URL that was typed without one: http for this machine, otherwise https,
 * so that the token is not sent unencrypted to another machine.
 */
const schemeOf = (text: string) => {
  const url = URL.parse(`http://${text}`);
  return url && isLoopback(url) ? 'http' : 'https';
};

export const list = (on: Queryable) =>
  select<StagingEnvironment>(on, sql`select * from staging_environment order by name`);

/**
 * Reads a staging environment.
 * @throws NotFound if no staging environment has this id
 */
export async function known(on: Queryable, id: number): Promise<StagingEnvironment> {
  const found = await first<StagingEnvironment>(
    on,
    sql`select * from staging_environment where id = ${id}`,
  );
  if (!found) throw new NotFound('There is no such staging environment.');
  return found;
}

type Posted = Partial<Record<'name' | 'url' | 'client' | 'level' | 'token', string>>;

/**
 * Adds a staging environment.
 * @throws Invalid with a message for each wrong field
 */
export async function add(here: App, person: string, posted: Posted): Promise<number> {
  const wanted = parsed(wantedEnvironment, posted);
  const { text, keyId } = sealedToken(here, wanted.token);
  return transaction(here.sql, async (on) => {
    const id = await runForId(
      on,
      sql`insert into staging_environment
            (name, url, client, level, token, token_key, created_by, created_at)
          values (${wanted.name}, ${wanted.url}, ${wanted.client}, ${wanted.level}, ${text}, ${keyId},
            ${person}, utc_timestamp(3))`,
    ).catch(nameTaken);
    await audit.write(on, { person, action: 'added a staging environment', subject: wanted.name });
    return id;
  });
}

/**
 * Changes a staging environment. If the user typed no token, the stored token stays. `seen`: the
 * version that the user’s page showed.
 * @throws Invalid for wrong fields, Conflict if another person changed the environment meanwhile
 */
export async function change(
  here: App,
  person: string,
  { id, seen }: { id: number; seen: number },
  posted: Posted,
) {
  const before = await known(here.sql, id);
  const wanted = parsed(wantedEnvironment, posted);
  const token = wanted.token === '' ? null : sealedToken(here, wanted.token);
  await transaction(here.sql, async (on) => {
    const found = await run(
      on,
      sql`update staging_environment
             set name = ${wanted.name}, url = ${wanted.url}, client = ${wanted.client},
                 level = ${wanted.level}, token = ${token?.text ?? before.token},
                 token_key = ${token?.keyId ?? before.token_key}, version = version + 1
           where id = ${id} and version = ${seen}`,
    ).catch(nameTaken);
    if (found === 0) {
      throw new Conflict(
        `${before.name} was changed by another person after this page was shown. Nothing was saved: reload the page and repeat your change.`,
      );
    }
    await audit.write(on, {
      person,
      action: 'changed a staging environment',
      subject: wanted.name,
    });
  });
}

function nameTaken(error: unknown): never {
  if ((error as { code?: string }).code !== 'ER_DUP_ENTRY') throw error;
  throw new Invalid({ name: 'There is an environment of this name already. Choose another one.' });
}

function sealedToken({ settings }: App, token: string) {
  if (token.length < TOKEN_LENGTH) {
    throw new Invalid({
      token: `Enter the token exactly as it stands in NUMIKUBE_STAGING_TOKEN of the staging server; it has at least ${TOKEN_LENGTH} characters`,
    });
  }
  if (!settings.credentialsKeys) {
    throw new Invalid({
      token: 'Tokens are stored encrypted: an engineer sets CREDENTIALS_KEY of this server first',
    });
  }
  return encrypt(settings.credentialsKeys.current, token, OWNER);
}

/**
 * The text to which the encryption binds the token, so that the encrypted token cannot be copied
 * into the place of another secret and decrypted there.
 */
const OWNER = 'staging environment';

/**
 * Decrypts the token of a staging environment; null if the settings no longer contain the key that
 * encrypted the token.
 */
export const tokenOf = ({ settings }: App, environment: StagingEnvironment): string | null =>
  decrypt(
    settings.credentialsKeys,
    { keyId: environment.token_key, text: environment.token },
    OWNER,
  );
