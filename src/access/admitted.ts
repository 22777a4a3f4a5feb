// Decides who may sign in with single sign-on: people whose e-mail has an admitted domain, or whose sign-in has a
// claim with an admitted value.
import { z } from 'zod';

/** One entry of the setting OIDC_ADMITS: `@example.com`, or `groups=oneway`. */
export type Admitted = { domain: string } | { claim: string; value: string };

/**
 * The schema of the setting OIDC_ADMITS: entries separated by commas. A person who matches one of
 * the entries is admitted.
 */
export const admittedSchema = z.string().transform((list, context): Admitted[] =>
  list.split(',').flatMap((text) => {
    const one = admittedFrom(text.trim());
    if (one) return [one];
    context.addIssue({ code: 'custom', message: 'must be as @example.com or groups=oneway' });
    return [];
  }),
);

function admittedFrom(text: string): Admitted | null {
  const [, domain] = /^@([\w-]+(?:\.[\w-]+)+)$/.exec(text) ?? [];
  if (domain) return { domain: domain.toLowerCase() };
  const [, claim, value] = /^([\w:/.-]+)=(.+)$/.exec(text) ?? [];
  return claim && value ? { claim, value } : null;
}

type Known = { email: string; claims: Record<string, unknown> };

export const isAdmitted = (admits: Admitted[] | null, { email, claims }: Known): boolean =>
  admits === null ||
  admits.some((one) =>
    'domain' in one
      ? email.split('@').at(-1) === one.domain
      : [claims[one.claim] ?? []]
          .flat()
          .some((value) => value === one.value || JSON.stringify(value) === one.value),
  );
