// Every page is a view inside one layout.
import type { Response } from 'express';

export type LayoutLocals = {
  title: string;
  theme: string;
  environment: string;
  /** What surrounds the page: the menu and the bars; null for a page without menu and session. */
  shell: object | null;
};

/** Renders a view, puts it into the layout, and sends both. */
export async function sendPage(
  res: Response,
  view: string,
  locals: LayoutLocals & Record<string, unknown>,
) {
  const body = await rendered(res, view, locals);
  res.send(await rendered(res, 'web/layout', { ...locals, body }));
}

const rendered = (res: Response, view: string, locals: object) =>
  new Promise<string>((resolve, reject) => {
    res.render(view, locals, (error: Error | null, html?: string) =>
      error ? reject(error) : resolve(html ?? ''),
    );
  });
