// Sends pages: renders a view and inserts the result into the layout that all pages share.
import type { Response } from 'express';
import { asset } from './assets.ts';

export type LayoutLocals = {
  title: string;
  theme: string;
  environment: string;
  /** The menu, header and warnings around the page; null for a page that has no menu and needs no session. */
  shell: object | null;
};

/** Renders a view, inserts the result into the layout, and sends the page. */
export async function sendPage(
  res: Response,
  view: string,
  locals: LayoutLocals & Record<string, unknown>,
) {
  const body = await rendered(res, view, locals);
  res.send(await rendered(res, 'web/layout', { ...locals, asset, body }));
}

const rendered = (res: Response, view: string, locals: object) =>
  new Promise<string>((resolve, reject) => {
    res.render(view, locals, (error: Error | null, html?: string) =>
      error ? reject(error) : resolve(html ?? ''),
    );
  });
