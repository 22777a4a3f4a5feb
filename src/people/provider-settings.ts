// Reads and checks the settings of single sign-on.
import type { z } from 'zod';
import type { admittedSchema } from '../access/admitted.ts';
import { environmentUrls, isLoopback } from '../environments/urls.ts';
import type { EnvironmentName } from '../environments/rules.ts';

type Variables = {
  ENVIRONMENT: EnvironmentName;
  ENVIRONMENT_URLS: string;
  OIDC_ISSUER?: string | undefined;
  OIDC_CLIENT_ID?: string | undefined;
  OIDC_CLIENT_SECRET?: string | undefined;
  OIDC_PERMISSIONS_CLAIM?: string | undefined;
  OIDC_ADMITS?: z.infer<typeof admittedSchema> | undefined;
};

/** Lists an error for each missing setting of single sign-on, if at least one is set. */
export function lackingForSingleSignOn(values: Variables): string[] {
  const needed = ['OIDC_ISSUER', 'OIDC_CLIENT_ID', 'OIDC_CLIENT_SECRET'] as const;
  const given = [...needed, 'OIDC_PERMISSIONS_CLAIM' as const, 'OIDC_ADMITS' as const].filter(
    (name) => values[name],
  );
  if (given.length === 0) return [];
  const wrong = needed
    .filter((name) => !values[name])
    .map((name) => `${name}: is missing; single sign-on needs it beside ${given.join(', ')}`);
  const issuer = URL.parse(values.OIDC_ISSUER ?? '');
  if (issuer && issuer.protocol !== 'https:' && !isLoopback(issuer)) {
    wrong.push('OIDC_ISSUER: must begin with https:// (http:// for localhost and 127.0.0.1 only)');
  }
  if (!environmentUrls(values.ENVIRONMENT_URLS)[values.ENVIRONMENT]) {
    const own = `${values.ENVIRONMENT}=https://…`;
    wrong.push(`ENVIRONMENT_URLS: lacks ${own}, where single sign-on sends people back to`);
  }
  return wrong;
}

/** The settings of single sign-on: the provider, the client ID and secret of this server, and who may sign in. */
export type SingleSignOn = NonNullable<ReturnType<typeof singleSignOn>>;

export function singleSignOn(values: Variables) {
  if (!values.OIDC_ISSUER) return null;
  return {
    issuer: values.OIDC_ISSUER,
    clientId: values.OIDC_CLIENT_ID ?? '',
    clientSecret: values.OIDC_CLIENT_SECRET ?? '',
    /** The URL to which the provider redirects people after signing in. */
    redirectUri: `${environmentUrls(values.ENVIRONMENT_URLS)[values.ENVIRONMENT]}/sign-in/callback`,
    /**
     * The name of the claim in which the provider lists a person’s permissions; null when
     * administrators grant permissions on the people page.
     */
    permissionsClaim: values.OIDC_PERMISSIONS_CLAIM ?? null,
    /** Who may sign in with single sign-on; null for everyone whom the provider signs in. */
    admits: values.OIDC_ADMITS ?? null,
  };
}
