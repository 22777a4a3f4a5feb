import { escaped } from './provider-page.ts';

export type Mail = { at: Date; from: string; to: string; subject: string; text: string };

/** The only page of the demo’s mailbox: every e-mail, newest first. */
export const mailboxPage = (mails: Mail[]) => `<!doctype html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <meta name="color-scheme" content="light dark">
  <title>Mailbox of the demo (${mails.length})</title>
  <style>
    body { max-width: 44rem; margin: 2rem auto; padding: 0 1rem; font: 16px/1.5 system-ui, sans-serif; }
    article { border-top: 1px solid; padding: 1rem 0; }
    h2 { margin: 0; font-size: 1.1rem; }
    p { margin: 0; }
    pre { margin: .75rem 0 0; font: inherit; white-space: pre-wrap; overflow-wrap: anywhere; }
  </style>
</head>
<body>
<main>
  <h1>Mailbox</h1>
  <p>Every e-mail that the demo's three environments sent since it was started. Reload the page for newer ones.</p>
  ${mails.length === 0 ? '<p><strong>No mail yet.</strong></p>' : mails.map(articleOf).join('\n  ')}
</main>
</body>
</html>
`;

const articleOf = ({ at, from, to, subject, text }: Mail) => `<article>
    <h2>${escaped(subject)}</h2>
    <p>To ${escaped(to)}, from ${escaped(from)}, <time datetime="${at.toISOString()}">${at.toUTCString()}</time></p>
    <pre>${withLinks(escaped(text.trimEnd()))}</pre>
  </article>`;

const withLinks = (html: string) =>
  html.replaceAll(/https?:\/\/[^\s<]+/g, (url) => `<a href="${url}">${url}</a>`);
