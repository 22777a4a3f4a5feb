// Lists the source file of each command. A call loads only the file of its command, because loading all files takes
// longer than most commands take to run.
import type { Command } from 'commander';

type File = { words: string[]; load: () => Promise<(program: Command) => void> };

export const files: File[] = [
  {
    words: ['sign-in', 'sign-out', 'whoami', 'people', 'permissions'],
    load: async () => (await import('./accounts.ts')).addAccounts,
  },
  { words: ['credentials'], load: async () => (await import('./credentials.ts')).addCredentials },
  {
    words: ['status', 'list', 'show', 'diff'],
    load: async () => (await import('./rows.ts')).addRows,
  },
  {
    words: ['transfer', 'undo', 'transfers'],
    load: async () => (await import('./transfers.ts')).addTransfers,
  },
  {
    words: ['approvals', 'schedules'],
    load: async () => (await import('./later-transfers.ts')).addLaterTransfers,
  },
  { words: ['refresh', 'jobs'], load: async () => (await import('./jobs.ts')).addJobs },
  {
    words: ['release-check', 'reindex-report', 'revert'],
    load: async () => (await import('./release.ts')).addRelease,
  },
  { words: ['backup'], load: async () => (await import('./backups.ts')).addBackups },
  { words: ['sources'], load: async () => (await import('./sources.ts')).addSources },
  { words: ['staging'], load: async () => (await import('./staging.ts')).addStaging },
  { words: ['copies'], load: async () => (await import('./copies.ts')).addCopies },
  { words: ['datasets'], load: async () => (await import('./datasets.ts')).addDatasets },
  { words: ['datafiles'], load: async () => (await import('./datafiles.ts')).addDatafiles },
  { words: ['pipeline'], load: async () => (await import('./pipeline.ts')).addPipeline },
  { words: ['accounts'], load: async () => (await import('./account-moves.ts')).addAccountMoves },
  { words: ['waves'], load: async () => (await import('./waves.ts')).addWaves },
  { words: ['db', 'claims'], load: async () => (await import('./database.ts')).addDatabase },
];

/**
 * Returns the source files to load for a call: the file of the called command, or all files for help and for an unknown
 * command.
 */
export function filesFor(word: string | undefined): File[] {
  const its = files.filter(({ words }) => word !== undefined && words.includes(word));
  return its.length > 0 ? its : files;
}
