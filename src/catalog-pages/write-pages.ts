// What the handlers of pages need to write rows.
import type { Request } from 'express';
import { flash } from '../web/pages.ts';
import type { WriteContext } from '../writing/changes.ts';
import { storedNotice } from './stored-notice.ts';

/**
 * Returns what a handler needs to write a row. `saved` shows a message on the next page, which
 * names the fields that the database stored differently than sent.
 */
export function writesOf(req: Request): WriteContext & { saved: (text: string) => void } {
  const { here } = req;
  const notices: string[] = [];
  return {
    here,
    lease: here.settings.lease.milliseconds,
    onStoredDifferently: (steps) => notices.push(...steps.map(storedNotice)),
    saved: (text) => flash(req, [text, ...notices].join(' ')),
  };
}
