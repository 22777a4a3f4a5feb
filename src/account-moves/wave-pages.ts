// Handlers of the pages of waves. A wave is a set of accounts that are migrated in the background.
import type { Request, Response } from 'express';
import { needMoves } from '../inbox/account-address.ts';
import { Conflict, NotFound, type FieldErrors } from '../problems.ts';
import { flash, orShowErrors, page } from '../web/pages.ts';
import { accountOf, numberOrNull } from '../web/request.ts';
import { groupTexts, moveGroups } from './move-view.ts';
import * as waves from './waves.ts';
import type { Wave, WaveHead } from './waves.ts';
import { waveView } from './wave-view.ts';

const home = { text: 'Account migrations', href: '/account-moves' };
const crumbs = [home, { text: 'Waves', href: '/account-moves/waves' }];
const AT_ONCE = '4';
const MOST_LISTED = 200;

export async function index(req: Request, res: Response) {
  needMoves(req.here);
  await page(req, res, 'account-moves/waves', {
    title: 'Waves',
    crumbs: [home, { text: 'Waves' }],
    waves: (await waves.listWaves(req.here.sql, MOST_LISTED)).map(waveView),
  });
}

export const showNew = (req: Request, res: Response) => formPage(req, res, {});

async function formPage(req: Request, res: Response, errors: FieldErrors) {
  needMoves(req.here);
  const { form } = req;
  await page(req, res, 'account-moves/wave-form', {
    title: 'Add wave',
    crumbs: [...crumbs, { text: 'Add wave' }],
    typed: {
      name: form.raw('name') ?? '',
      accounts: form.raw('accounts') ?? '',
      atOnce: form.raw('atOnce') ?? AT_ONCE,
    },
    errors,
  });
}

export async function add(req: Request, res: Response) {
  needMoves(req.here);
  const { form } = req;
  const addPosted = async () => {
    const { id } = await waves.addWave(req.here, {
      name: form.text('name'),
      accounts: form.text('accounts').split(/\r?\n|\r/),
      atOnce: /^\d{1,9}$/.test(form.text('atOnce')) ? Number(form.text('atOnce')) : Number.NaN,
      person: accountOf(req).email,
    });
    flash(req, 'Added. Its first accounts begin within some seconds.');
    res.redirect(303, `/account-moves/waves/${id}`);
  };
  await orShowErrors(res, addPosted, (errors) => formPage(req, res, errors));
}

const addressedId = (req: Request) => numberOrNull(req.params['id']) ?? 0;

async function addressedWave(req: Request): Promise<WaveHead> {
  needMoves(req.here);
  return foundWave(await waves.waveById(req.here.sql, addressedId(req)));
}

async function countedWave(req: Request): Promise<Wave> {
  needMoves(req.here);
  return foundWave(await waves.waveOf(req.here.sql, addressedId(req)));
}

function foundWave<T extends WaveHead>(wave: T | undefined): T {
  if (!wave) throw new NotFound('There is no such wave.');
  return wave;
}

export async function show(req: Request, res: Response) {
  const wave = await countedWave(req);
  await page(req, res, 'account-moves/wave', {
    title: `Wave ${wave.name}`,
    crumbs: [...crumbs, { text: wave.name }],
    wave: waveView(wave),
    tiles: moveGroups.map((group) => ({
      text: groupTexts[group],
      number: wave[group],
      href: `/account-moves?status=${group}&wave=${wave.id}#accounts`,
    })),
  });
}

/**
 * Shows the page that asks a person to confirm pausing a running wave or resuming a paused wave.
 */
export async function showStep(req: Request, res: Response) {
  const wave = await countedWave(req);
  if (wave.state === 'done') throw new Conflict('This wave is done: there is nothing to pause.');
  await page(req, res, 'account-moves/wave-step', {
    title: `${wave.state === 'paused' ? 'Resume' : 'Pause'} ${wave.name}`,
    crumbs: [...crumbs, { text: wave.name, href: `/account-moves/waves/${wave.id}` }],
    wave: waveView(wave),
  });
}

export async function pause(req: Request, res: Response) {
  const { id, name } = await addressedWave(req);
  await waves.pauseWave(req.here, id, accountOf(req).email);
  flash(req, `${name} is paused: its accounts stop at their next page.`);
  res.redirect(303, `/account-moves/waves/${id}`);
}

export async function resume(req: Request, res: Response) {
  const { id, name } = await addressedWave(req);
  await waves.resumeWave(req.here, id, accountOf(req).email);
  flash(req, `${name} goes on.`);
  res.redirect(303, `/account-moves/waves/${id}`);
}
