// The page that lists backups, with the button that takes a backup.
import type { Request, Response } from 'express';
import * as jobs from '../jobs/jobs.ts';
import { jobView } from '../jobs/view.ts';
import { Problem } from '../problems.ts';
import { bytes, plural } from '../web/format.ts';
import { flash, page } from '../web/pages.ts';
import { accountOf } from '../web/request.ts';
import { BACKUP, requestBackup, withBackups } from './job.ts';
import { instantOf } from './manifest.ts';
import { listBackups, type ListedBackup } from './list.ts';

export async function index(req: Request, res: Response) {
  const { client } = req.here.settings.backups;
  const running = await jobs.active(req.here.sql, BACKUP);
  const { backups, problem } = client === null ? none : await listed(req, client);
  await page(req, res, 'backups/list', {
    title: 'Backups',
    crumbs: [{ text: 'Backups' }],
    client,
    isEncrypted: req.here.settings.backups.recipient !== null,
    running: running ? jobView(running) : null,
    failed: await newestFailure(req),
    backups: backups.map(shown),
    problem,
  });
}

export async function start(req: Request, res: Response) {
  const { job, isNew } = await requestBackup(req.here, accountOf(req).email);
  if (isNew) await req.line.push(job);
  else flash(req, 'A backup is being taken already: this is the job.');
  res.redirect(303, `/jobs/${job.number}`);
}

type Found = { backups: ListedBackup[]; problem: string | null };
const none: Found = { backups: [], problem: null };

/**
 * Lists the backups for the page. If the backup store does not answer, returns the reason instead,
 * so that the page can still show its other parts.
 */
const listed = (req: Request, client: string): Promise<Found> =>
  withBackups(req.here, (store) => listBackups(store, client)).then(
    (backups) => ({ backups, problem: null }),
    (error: unknown) => {
      if (error instanceof Problem) return { backups: [], problem: error.message };
      throw error;
    },
  );

async function newestFailure(req: Request) {
  const [newest] = await jobs.newest(req.here.sql, BACKUP);
  return newest?.state === 'failed' ? jobView(newest) : null;
}

const shown = ({ time, rows, bytes: size, isEncrypted, version }: ListedBackup) => ({
  time,
  at: instantOf(time).toISOString(),
  rowsText: plural(rows, { one: 'row', many: 'rows' }),
  size: bytes(size),
  isEncrypted,
  version,
});
