// Reads from the settings where messages are sent: the mail server, webhooks and Slack channels.

export type Mail = { url: string; from: string };
export type Webhook = { url: string; secret: string };

export type Endpoints = {
  mail: Mail | null;
  /** Webhooks from the settings, by name; `indexer` is the search indexer. */
  webhooks: Record<string, Webhook>;
  /** Slack’s incoming webhooks, by name. */
  slack: Record<string, string>;
};

/**
 * The environment variables that configure messages. The names of webhooks and Slack channels are
 * part of their variables’ names.
 */
export const messageVariables = [
  'SMTP_URL',
  'MAIL_FROM',
  'INDEXER_URL',
  'INDEXER_SECRET',
  /^WEBHOOK_[A-Z0-9_]+_(URL|SECRET)$/,
  /^SLACK_[A-Z0-9_]+_URL$/,
];

/**
 * Environment variables, such as `WEBHOOK_MOBILE_APP_URL` for the URL of the webhook `mobile-app`.
 */
type Variables = Record<string, string | undefined>;

export const endpointsFrom = (variables: Variables): Endpoints => ({
  mail: mailFrom(variables),
  webhooks: Object.fromEntries(
    webhookNames(variables).map((name) => [
      nameOf(name),
      {
        url: variables[`${name}_URL`] ?? '',
        secret: variables[`${name}_SECRET`] ?? '',
      },
    ]),
  ),
  slack: Object.fromEntries(
    slackNames(variables).map((name) => [nameOf(name), variables[`${name}_URL`] ?? '']),
  ),
});

function mailFrom({ SMTP_URL: url, MAIL_FROM: from }: Variables): Mail | null {
  return url && from ? { url, from } : null;
}

/** The prefixes of each webhook’s variables, such as `WEBHOOK_MOBILE_APP` or `INDEXER`. */
const webhookNames = (variables: Variables) =>
  namesIn(variables, /^(INDEXER|WEBHOOK_[A-Z0-9_]+)_(?:URL|SECRET)$/);
const slackNames = (variables: Variables) => namesIn(variables, /^(SLACK_[A-Z0-9_]+)_URL$/);

function namesIn(variables: Variables, pattern: RegExp): string[] {
  const given = Object.keys(variables).filter((key) => variables[key]);
  return [...new Set(given.flatMap((key) => pattern.exec(key)?.[1] ?? []))];
}

const nameOf = (name: string) =>
  name
    .replace(/^(WEBHOOK|SLACK)_/, '')
    .toLowerCase()
    .replaceAll('_', '-');

/**
 * Lists errors in the settings of messages. The errors do not repeat URLs, which may be secrets.
 */
export function wrongEndpoints(variables: Variables): string[] {
  const wrong: string[] = [];
  const value = (key: string) => variables[key] ?? '';
  if ((value('SMTP_URL') === '') !== (value('MAIL_FROM') === '')) {
    wrong.push('SMTP_URL and MAIL_FROM: give both or none');
  }
  const webhooks = webhookNames(variables).filter((name) => name !== 'INDEXER');
  for (const name of [...webhooks, ...slackNames(variables)]) {
    if (!isWebAddress(value(`${name}_URL`))) wrong.push(`${name}_URL: must be https://…`);
  }
  for (const name of webhooks) {
    if (value(`${name}_SECRET`).length < 32) {
      wrong.push(`${name}_SECRET: must have at least 32 characters`);
    }
  }
  if (webhooks.includes('WEBHOOK_INDEXER')) {
    wrong.push('WEBHOOK_INDEXER_URL: the search indexer has INDEXER_URL; choose another name');
  }
  return wrong;
}

const isWebAddress = (url: string) =>
  URL.canParse(url) && ['http:', 'https:'].includes(new URL(url).protocol);
