// A web page that stands in for the phone app of a shop owner. The page asks Oneway for the account, starts the
// migration, polls, and shows the inbox as it fills. As in the phone app, calls to Oneway’s API carry the owner’s
// token.
import { escaped } from '../provider-page.ts';

export type PhoneApp = {
  /** Calls Oneway’s API; returns the HTTP status and the JSON body. */
  call(
    account: string,
    method: 'GET' | 'POST',
    path: string,
  ): Promise<{ status: number; body: unknown }>;
};

export const phoneApp = (
  oneway: string,
  tokenOf: (account: string) => Promise<string>,
): PhoneApp => ({
  call: async (account, method, path) => {
    const answer = await fetch(`${oneway}/api/v1${path}`, {
      method,
      headers: {
        Authorization: `Bearer ${await tokenOf(account)}`,
        'Content-Type': 'application/json',
      },
      ...(method === 'POST' && { body: JSON.stringify({ account_id: account }) }),
    });
    return { status: answer.status, body: await answer.json().catch(() => null) };
  },
});

const style = `body { max-width: 30rem; margin: 1.5rem auto; padding: 0 1rem; font: 16px/1.5 system-ui, sans-serif; }
    h1 { font-size: 1.3rem; } li { overflow-wrap: anywhere; } [hidden] { display: none; }
    .bar { height: .5rem; border: 1px solid; } .bar i { display: block; height: 100%; background: currentcolor; width: 0; }
    #inbox li { border-top: 1px solid; padding: .5rem 0; list-style: none; } #inbox { padding: 0; }
    button { font: inherit; padding: .4rem .8rem; }`;

const page = (title: string, body: string) => `<!doctype html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <meta name="color-scheme" content="light dark">
  <title>${escaped(title)}</title>
  <style>
    ${style}
  </style>
</head>
<body>
<main>
${body}
</main>
</body>
</html>
`;

/**
 * The home page: lists every account with a link to its app, and with buttons to migrate the
 * account or to repair its records.
 */
export const accountsPage = (accounts: { id: string; name: string; isOdd: boolean }[]) =>
  page(
    'Conversations',
    `  <h1>Conversations</h1>
  <p>An invented older system. Its accounts move into Oneway; open the app of one to watch its inbox fill. Or let
  Conversations drive a migration itself, in two parts.</p>
  <ul>
    ${accounts.map(lineOf).join('\n    ')}
  </ul>`,
  );

/** The accounts that have a dump (export) in Oneway’s object storage, below `dumps/<id>`. */
export const dumped = ['riverside-books'];

/**
 * The page that lists the requests of Conversations to Oneway about an account, with their answers.
 */
export const drivingPage = (account: string, lines: string[]) =>
  page(
    `Driving ${account}`,
    `  <h1>Conversations drives ${escaped(account)}</h1>
  <ol>
    ${lines.map((line) => `<li>${escaped(line)}</li>`).join('\n    ')}
  </ol>
  <p><a href="">Reload</a> · <a href="/">All accounts</a></p>`,
  );

const lineOf = ({ id, name, isOdd }: { id: string; name: string; isOdd: boolean }) =>
  `<li><a href="/app/${encodeURIComponent(id)}">${escaped(name)}</a> (${escaped(id)})
    <form method="post" action="/driving?account=${encodeURIComponent(id)}"><button>Drive from the store</button>
    ${dumped.includes(id) ? '<button name="dump">Drive from its dump</button>' : ''}</form>${
      isOdd
        ? ` <form method="post" action="/mending?account=${encodeURIComponent(id)}"><button>Mend its broken records and its media host</button></form>`
        : ''
    }</li>`;

/** The page that stands in for the phone app of one account. */
export const appPage = (account: string, name: string) =>
  page(
    `${name}: inbox`,
    `  <h1>${escaped(name)}</h1>
  <p id="status" role="status">Opening …</p>
  <div class="bar"><i id="bar"></i></div>
  <details><summary>What the app was told</summary><ol id="log"></ol></details>
  <h2>Inbox</h2>
  <ul id="inbox"></ul>
  <p><a href="/">All accounts</a></p>
  <script>
    const account = ${JSON.stringify(account)};
    const at = (id) => document.getElementById(id);
    const texts = {
      not_started: 'Your messages will be moved now.', not_needed: 'There is nothing to move.',
      migrating: 'Your messages are being moved …', 'channels-only': 'Your inbox is open. Messages arrive …',
      'recent-messages-only': 'Your recent messages are here. Older ones arrive …',
      completed: 'All messages are here.', failed: 'Moving stopped. What arrived is here.',
    };
    let seen = '';
    async function ask(path, method = 'GET') {
      const answer = await fetch('/app/' + encodeURIComponent(account) + path, { method });
      return answer.json();
    }
    async function showInbox() {
      const { body } = await ask('/threads');
      at('inbox').replaceChildren(...(body?.items ?? []).map((thread) => {
        const line = document.createElement('li');
        line.textContent = (thread.title || 'Thread ' + thread.id) + ' – ' + thread.customer;
        return line;
      }));
    }
    async function poll() {
      const { status, body } = await ask('/account');
      const move = body?.account ?? body?.items?.[0] ?? body;
      if (status !== 200 || !move?.migration_status) {
        at('status').textContent = 'The server does not answer. Trying again …';
        return setTimeout(poll, 5000);
      }
      const { migration_status: now, counts, percent, poll_after_ms: after } = move;
      const line = now + ': ' + counts.messages + ' messages, ' + counts.attachments + ' attachments';
      at('status').textContent = texts[now] ?? now;
      at('bar').style.width = (percent ?? (now === 'completed' ? 100 : 0)) + '%';
      if (line !== seen) at('log').append(Object.assign(document.createElement('li'), { textContent: line }));
      seen = line;
      if (now === 'not_started') { await ask('/start', 'POST'); return setTimeout(poll, 200); }
      if (!['not_needed', 'migrating'].includes(now)) await showInbox();
      if (after !== null) setTimeout(poll, Math.min(after, 1000));
    }
    poll();
  </script>`,
  );
