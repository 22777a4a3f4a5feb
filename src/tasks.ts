// Lists every kind of job, every schedule, and every chore. A chore is work that each process repeats by a timer,
// without a job.
import { z } from 'zod';
import type { Chore } from './jobs/chores.ts';
import * as jobs from './jobs/jobs.ts';
import { sweep, type JobQueue } from './jobs/queue.ts';
import { withDeadLetters } from './jobs/dead-letters.ts';
import { declaredFor, type Schedule, type Schedules } from './jobs/schedules.ts';
import { task } from './jobs/task.ts';
import type { Ticks } from './jobs/ticks.ts';
import * as inApp from './messages/channels/in-app.ts';
import { deliver } from './messages/delivery.ts';
import * as outbox from './messages/outbox.ts';
import { BACKUP, reportLocals as backupLocals, runBackup } from './backups/job.ts';
import {
  BULK,
  bulkInput,
  bulkReport,
  runBulkJob,
  unfinishedBulk,
} from './catalog-pages/bulk-job.ts';
import { compareAll, COMPARISON } from './comparison/job.ts';
import { CHECK_FILES, checkDatafiles } from './datasets/check-objects.ts';
import { EXAMINE, examineInput, runExamination } from './datasets/examination.ts';
import { followDatafiles } from './datasets/follow.ts';
import { LOAD, loadInput, runLoad } from './datasets/load.ts';
import { purgeVersions } from './datasets/purge.ts';
import { followMoves } from './account-moves/follow.ts';
import { moveTasks } from './account-moves/jobs.ts';
import { reportFailures } from './account-moves/report.ts';
import { advanceWaves } from './account-moves/wave-starts.ts';
import { runTransferJob } from './transfers/job.ts';
import { purgeExpired as purgeApprovals } from './transfers/approval-records.ts';
import { ATTEMPTS, runScheduled, SCHEDULED, startScheduled } from './transfers/scheduled-job.ts';
import { purgeExpired as purgeDrafts } from './sheet/kept-selections.ts';
import {
  followJobs as followPipelineJobs,
  pipelineInput,
  purgeEnded,
  runPipelineJob,
} from './pipeline/job.ts';
import { PIPELINE } from './pipeline/runs.ts';
import { sourceSchedules } from './sources/schedule.ts';
import { SOURCE_RUN, sourceRunInput, runSource } from './sources/run.ts';
import { BUILD } from './staging/accept.ts';
import { buildCopy, buildInput } from './staging/build.ts';
import { followJobs } from './staging/follow.ts';
import { endExpired } from './staging/keep.ts';
import { restoreTestInput, runRestoreTest } from './staging/restore-test.ts';
import { RESTORE_TEST } from './staging/restore-test-request.ts';
import { askAboutOrders } from './staging/run.ts';
import { UPDATE, updateCopy, updateInput } from './staging/update.ts';
import { sweepDaily } from './storage/sweep.ts';
import { runRefreshJob } from './refresh/job.ts';
import { reportLocals } from './refresh/report-view.ts';
import { forgetImages } from './writing/forget-images.ts';

export const tasks = withDeadLetters({
  refresh: task(z.object({ dryRun: z.boolean() }), {
    label: 'Refresh',
    attempts: 100,
    mayBeCancelled: true,
    mayBeRetried: true,
    run: runRefreshJob,
    outcome: { view: 'refresh/report', locals: reportLocals },
  }),
  comparison: task(z.object({ isFull: z.boolean().default(false) }), {
    label: 'Comparison',
    attempts: 20,
    mayBeCancelled: true,
    mayBeRetried: true,
    run: compareAll,
    outcome: { view: 'comparison/job-report', locals: () => ({}) },
  }),
  [BULK]: task(bulkInput, {
    label: 'Action for many rows',
    attempts: 20,
    mayBeCancelled: true,
    mayBeRetried: true,
    run: runBulkJob,
    outcome: {
      view: 'catalog-pages/bulk-report',
      locals: bulkReport,
      unfinished: unfinishedBulk,
    },
  }),
  backup: task(z.object({}), {
    label: 'Backup',
    attempts: 20,
    mayBeCancelled: true,
    mayBeRetried: true,
    concurrency: 1,
    run: runBackup,
    outcome: { view: 'backups/job-report', locals: backupLocals },
  }),
  [BUILD]: task(buildInput, {
    label: 'New staging database',
    attempts: 3,
    mayBeCancelled: true,
    run: buildCopy,
  }),
  [RESTORE_TEST]: task(restoreTestInput, {
    label: 'Restore test of backups',
    attempts: 3,
    mayBeCancelled: true,
    mayBeRetried: true,
    priority: 'low',
    concurrency: 1,
    run: runRestoreTest,
    outcome: { view: 'staging/restore-test', locals: (report) => ({ tested: [], ...report }) },
  }),
  [UPDATE]: task(updateInput, {
    label: 'Update of a staging database',
    attempts: 3,
    mayBeCancelled: false,
    run: updateCopy,
  }),
  [EXAMINE]: task(examineInput, {
    label: 'Examination of a data file',
    attempts: 5,
    mayBeCancelled: true,
    run: runExamination,
  }),
  [LOAD]: task(loadInput, {
    label: 'Loading of a data file',
    attempts: 20,
    mayBeCancelled: true,
    run: runLoad,
    outcome: { view: 'datasets/load-report', locals: (report) => report },
  }),
  [CHECK_FILES]: task(z.object({}), {
    label: 'Check of stored data files',
    attempts: 5,
    mayBeCancelled: true,
    mayBeRetried: true,
    priority: 'low',
    concurrency: 1,
    run: checkDatafiles,
    outcome: { view: 'datasets/check-report', locals: (report) => ({ wrong: [], ...report }) },
  }),
  [PIPELINE]: task(pipelineInput, {
    label: 'Pipeline',
    attempts: 50,
    mayBeCancelled: true,
    run: runPipelineJob,
  }),
  [SOURCE_RUN]: task(sourceRunInput, {
    label: 'Run of a source',
    attempts: 20,
    mayBeCancelled: true,
    mayBeRetried: true,
    priority: 'low',
    concurrency: 3,
    run: runSource,
    outcome: {
      view: 'sources/job-report',
      locals: (report, input) => ({ report, source: (input as { source: number }).source }),
    },
  }),
  ...moveTasks,
  [SCHEDULED]: task(z.object({ schedule: z.string() }), {
    label: 'Scheduled transfer',
    attempts: ATTEMPTS,
    mayBeCancelled: false,
    priority: 'high',
    run: runScheduled,
    outcome: {
      view: 'transfers/scheduled-report',
      locals: (report) => ({ transfer: null, problem: null, ...report }),
    },
  }),
  transfer: task(z.object({ transfer: z.string() }), {
    label: 'Transfer',
    attempts: 20,
    mayBeCancelled: false,
    priority: 'high',
    run: runTransferJob,
    outcome: { view: 'transfers/job-report', locals: (report) => ({ transfer: null, ...report }) },
  }),
});

/** The nightly schedules. `isFor` decides which environments have a schedule. */
const ownSchedules: Schedule[] = [
  {
    name: 'nightly-comparison',
    label: 'Nightly comparison with the destination',
    pattern: '0 3 * * *',
    timeZone: 'UTC',
    kind: COMPARISON,
    input: { isFull: false },
    onlyOne: COMPARISON,
    isFor: ({ destination }) => destination !== null,
  },
  {
    name: 'nightly-backup',
    label: 'Nightly backup',
    pattern: '0 2 * * *',
    timeZone: 'UTC',
    kind: BACKUP,
    input: {},
    onlyOne: BACKUP,
    isFor: ({ settings }) => settings.backups.client !== null,
  },
  {
    name: 'nightly-restore-test',
    label: 'Nightly restore test of backups',
    pattern: '0 4 * * *',
    timeZone: 'UTC',
    kind: RESTORE_TEST,
    input: { client: null },
    onlyOne: RESTORE_TEST,
    isFor: ({ settings }) => settings.copies !== null,
  },
  {
    name: 'nightly-datafile-check',
    label: 'Nightly check of stored data files',
    pattern: '0 5 * * *',
    timeZone: 'UTC',
    kind: CHECK_FILES,
    input: {},
    onlyOne: CHECK_FILES,
  },
];

/** Returns all schedules of an environment: the nightly schedules, and one schedule for each active data source. */
export const schedules: Schedules = async (here) => [
  ...declaredFor(here, ownSchedules),
  ...(await sourceSchedules(here)),
];

const HOUR = 60 * 60 * 1000;

/**
 * Lists the chores: work that every process repeats every few seconds or every hour, without a job.
 */
export const chores = (queue: JobQueue, ticks: Ticks): Chore[] => [
  { name: 'sweep of jobs', everyMs: 5000, run: (here) => sweep(here, queue) },
  { name: 'sweep of schedules', everyMs: 5000, run: () => ticks.sweep() },
  { name: 'outbox', everyMs: 2000, run: deliver },
  { name: 'staging orders', everyMs: 1000, run: askAboutOrders },
  { name: 'copies without a job', everyMs: 2000, run: followJobs },
  { name: 'data files without a job', everyMs: 2000, run: followDatafiles },
  { name: 'purge of dataset versions', everyMs: HOUR, run: purgeVersions },
  { name: 'pipeline runs without a job', everyMs: 5000, run: followPipelineJobs },
  { name: 'scheduled transfers', everyMs: 2000, run: startScheduled(queue) },
  { name: 'waves', everyMs: 2000, run: advanceWaves(queue) },
  { name: 'account migrations without a job', everyMs: 2000, run: followMoves },
  { name: 'report of failed account migrations', everyMs: 5000, run: reportFailures },
  { name: 'purge of pipeline pages', everyMs: HOUR, run: purgeEnded },
  { name: 'copies at their end', everyMs: HOUR, run: endExpired },
  { name: 'purge of expired jobs', everyMs: HOUR, run: jobs.purgeExpired },
  { name: 'images of the journal', everyMs: HOUR, run: forgetImages },
  { name: 'purge of decided approvals', everyMs: HOUR, run: purgeApprovals },
  { name: 'purge of drafts of selections', everyMs: HOUR, run: purgeDrafts },
  { name: 'purge of expired messages', everyMs: HOUR, run: inApp.purgeExpired },
  { name: 'sweep of storage', everyMs: HOUR, run: sweepDaily },
  { name: 'purge of the outbox', everyMs: HOUR, run: outbox.purgeExpired },
];
