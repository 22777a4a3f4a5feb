// The page where a person checks an uploaded data file before it is loaded: how the file is parsed, a preview of its
// rows, and the lines that are rejected.
import type { Request, Response } from 'express';
import { isLive } from '../jobs/jobs.ts';
import { Conflict, Invalid, NotFound, type FieldErrors } from '../problems.ts';
import { flash, orShowErrors, page } from '../web/pages.ts';
import { accountOf, numberOrNull } from '../web/request.ts';
import { isSameChoice, postedChoices } from './check-form.ts';
import { checkView } from './check-view.ts';
import { crumbOf, home, sendCsvHead } from './dataset-pages.ts';
import { mixedColumns } from './columns.ts';
import * as datasets from './datasets.ts';
import type { Dataset } from './datasets.ts';
import { examinedNow, type Examined } from './examination.ts';
import { waitShortly } from './progress.ts';
import { jobView } from '../jobs/view.ts';
import * as registry from './registry.ts';
import type { Datafile } from './registry.ts';
import { rejectsCsv } from './rejects.ts';
import * as reloading from './reloading.ts';
import * as uploads from './uploads.ts';
import * as versions from './versions.ts';
import { COLUMNS_SHOWN } from './wide.ts';

/** Returns the data file whose id is in the URL. */
export const addressedFile = (req: Request): Promise<Datafile> =>
  registry.known(req.here.sql, numberOrNull(req.params['id']) ?? 0);

export async function show(req: Request, res: Response) {
  await checkPage(req, res, await addressedFile(req), {});
}

async function checkPage(req: Request, res: Response, known: Datafile, errors: FieldErrors) {
  const { here } = req;
  const job = await waitShortly(here.sql, known.job);
  const file = await registry.known(here.sql, known.id);
  const dataset = await datasets.known(here.sql, file.dataset);
  const examined = await examinedNow(here.sql, file);
  // The parsing rules of the file are already confirmed, or the file is ignored: there is nothing
  // left to check, so the browser goes to the page of the file.
  if (file.reading !== null || file.state === 'ignored') {
    return res.redirect(303, `/datafiles/${file.id}`);
  }
  const others = await versions.filesBeside(here.sql, dataset, file.id);
  await page(req, res, 'datasets/check', {
    title: `Check ${file.file_name}`,
    crumbs: [home, crumbOf(dataset), { text: `Check ${file.file_name}` }],
    file,
    name: datasets.fullName(dataset),
    dataset,
    job: job && isLive(job) ? jobView(job) : null,
    check: examined && checkView(file, examined, registry.choicesOf(file)),
    mixed: examined && mixedIn(examined, dataset, others),
    upload: (await uploads.ofDatafile(here.sql, file.id)) ?? null,
    errors,
  });
}

/**
 * Handles a form in which a person changed how the file is parsed, for example its encoding. Requests a job that
 * examines the file again with these choices.
 */
export async function choose(req: Request, res: Response) {
  const file = await addressedFile(req);
  const chooseOnes = async () => {
    const examined = await needExamined(req, file);
    const choices = postedChoices(req.form, examined, registry.choicesOf(file));
    await redraw(req, file, choices);
    res.redirect(303, `/datafiles/${file.id}/check`);
  };
  await orShowErrors(res, chooseOnes, (errors) => checkPage(req, res, file, errors));
}

async function redraw(req: Request, file: Datafile, choices: ReturnType<typeof postedChoices>) {
  const by = accountOf(req).email;
  const job = await reloading.chooseReading(req.here, by, { file, choices });
  await req.line.push(job);
}

async function needExamined({ here }: Request, file: Datafile): Promise<Examined> {
  const examined = await examinedNow(here.sql, file);
  if (!examined) throw new Conflict('This file is being examined. Reload the page in a moment.');
  return examined;
}

/**
 * Loads the file as the page showed it. If the person changed a choice on the page, shows the new
 * preview first and loads nothing.
 */
export async function load(req: Request, res: Response) {
  const file = await addressedFile(req);
  const { here, form } = req;
  // The file is being loaded already, because the person clicked twice or used a second tab.
  if (file.reading !== null && file.state !== 'failed') return followLoad(req, res, file);
  const loadShown = async () => {
    const examined = await needExamined(req, file);
    const before = registry.choicesOf(file);
    refuseOtherPage(req, file);
    const choices = postedChoices(form, examined, before);
    if (!isSameChoice(choices, before)) {
      await redraw(req, file, choices);
      flash(req, 'You changed how the file is read: check the new preview, then load it.');
      return res.redirect(303, `/datafiles/${file.id}/check`);
    }
    refuseOpenQuestions(req, examined);
    const dataset = await datasets.known(here.sql, file.dataset);
    const others = await versions.filesBeside(here.sql, dataset, file.id);
    const mixed = mixedIn(examined, dataset, others);
    if (mixed !== null) throw new Invalid({ mixed });
    const job = await reloading.confirm(here, accountOf(req).email, {
      file,
      reading: examined.reading,
      acceptsColumns: examined.differing.length > 0,
    });
    await req.line.push(job);
    await followLoad(req, res, file);
  };
  await orShowErrors(res, loadShown, (errors) => checkPage(req, res, file, errors));
}

/**
 * Returns why the rows of a file cannot be added to the rows of the other files in its dataset, or
 * null if they can be added.
 */
const mixedIn = ({ differing }: Examined, dataset: Dataset, others: number): string | null =>
  differing.length > 0 && others > 0 ? mixedColumns(datasets.fullName(dataset), others) : null;

async function followLoad({ here }: Request, res: Response, file: Datafile) {
  const upload = await uploads.ofDatafile(here.sql, file.id);
  res.redirect(303, upload ? `/uploads/${upload.id}` : `/datafiles/${file.id}`);
}

/**
 * Refuses a form whose page was shown before the file was examined again: the person has not seen
 * the current preview.
 */
function refuseOtherPage({ form }: Request, file: Datafile) {
  if (form.raw('seen') === file.updated_timestamp) return;
  throw new Conflict(
    'This file was examined again after this page was shown. Nothing was loaded: reload the page and check it.',
  );
}

function refuseOpenQuestions({ form }: Request, { asks, counts, differing }: Examined) {
  const errors: FieldErrors = {};
  for (const { code, column } of asks.slice(0, COLUMNS_SHOWN)) {
    const name = code === 'encoding' ? 'encoding' : `question-${column}`;
    errors[name] = code === 'encoding' ? 'Choose the encoding' : `Choose the type of “${column}”`;
  }
  if (counts.rows === 0)
    errors['headerLine'] =
      'No line of the file becomes a row: choose another header line or delimiter';
  if (counts.rejects > 0 && form.text('acceptsRejects') !== 'yes') {
    errors['acceptsRejects'] =
      `Tick that ${counts.rejects} rejected lines are left out, or upload a corrected file`;
  }
  if (differing.length > 0 && form.text('acceptsColumns') !== 'yes') {
    errors['acceptsColumns'] =
      'Tick that the columns change, or upload a file with the former ones';
  }
  if (Object.keys(errors).length > 0) throw new Invalid(errors);
}

/**
 * Sends the rejected lines of a file as CSV: before the load, the lines that the examination
 * rejected; after the load, the lines that the load rejected.
 */
export async function rejects(req: Request, res: Response) {
  const file = await addressedFile(req);
  const csv = await rejectsCsv(req.here.sql, file);
  if (csv === null) throw new NotFound('No line of this file is rejected.');
  sendCsvHead(res, `rejected_lines_${file.id}`);
  res.send(csv);
}
