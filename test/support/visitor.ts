// A small HTTP client that acts like a browser on several servers: it keeps the cookies of each server.

export type Answer = { status: number; url: string; location: string; text: string };
export type Visitor = {
  /** Sends one request without following a redirect. */
  get(url: string, headers?: Record<string, string>): Promise<Answer>;
  /** Opens a page and follows all redirects. */
  open(url: string): Promise<Answer>;
  /** Posts the sign-in form of a page with the typed values. */
  send(page: Answer, typed: Record<string, string>): Promise<Answer>;
  follow(answer: Answer): Promise<Answer>;
  cookie(url: string, name: string): string;
};

export function visitor(): Visitor {
  const jars = new Map<string, Map<string, string>>();

  const ask = async (url: string, init: RequestInit = {}): Promise<Answer> => {
    const { origin } = new URL(url);
    const jar = jars.get(origin) ?? new Map<string, string>();
    jars.set(origin, jar);
    const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join('; ');
    const headers = { ...init.headers, cookie };
    const answer = await fetch(url, { ...init, headers, redirect: 'manual' });
    for (const line of answer.headers.getSetCookie()) keep(jar, line);
    const location = answer.headers.get('location') ?? '';
    return {
      status: answer.status,
      url,
      location: location === '' ? '' : new URL(location, url).href,
      text: await answer.text(),
    };
  };

  const get: Visitor['get'] = (url, headers = {}) => ask(url, { headers });
  const follow: Visitor['follow'] = async (answer) => {
    let last = answer;
    for (let hop = 0; last.location !== ''; hop += 1) {
      if (hop === 20) throw new Error(`in circles at ${last.location}`);
      last = await get(last.location);
    }
    return last;
  };
  return {
    get,
    follow,
    cookie: (url, name) => jars.get(new URL(url).origin)?.get(name) ?? '',
    open: async (url) => follow(await get(url)),
    send: async (page, typed) => {
      const action = /<form[^>]*action="(\/sign-[^"]+)"/.exec(page.text)?.[1];
      const csrf = /name="csrf" value="([^"]+)"/.exec(page.text)?.[1] ?? '';
      const body = new URLSearchParams({ ...typed, csrf });
      const headers = { 'Sec-Fetch-Site': 'same-origin' };
      return ask(new URL(action ?? '', page.url).href, { method: 'POST', body, headers });
    },
  };
}

function keep(jar: Map<string, string>, line: string) {
  const [pair = '', ...rest] = line.split('; ');
  const [name = '', ...value] = pair.split('=');
  const expires = rest.find((one) => one.toLowerCase().startsWith('expires='))?.slice(8);
  const isOver = expires !== undefined && new Date(expires) < new Date();
  if (isOver) jar.delete(name);
  else jar.set(name, value.join('='));
}
