import { sql } from '../database/sql.ts';
import type { Job } from './jobs.ts';

/** An SQL condition that selects the job only as long as this attempt is the current one. */
export const mine = ({ id, attempt }: Pick<Job, 'id' | 'attempt'>) =>
  sql`id = ${id} and attempt = ${attempt} and state = 'running'`;
