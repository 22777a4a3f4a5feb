import { sql } from '../database/sql.ts';
import type { Job } from './jobs.ts';

/** The job, as long as this attempt is under way. */
export const mine = ({ id, attempt }: Pick<Job, 'id' | 'attempt'>) =>
  sql`id = ${id} and attempt = ${attempt} and state = 'running'`;
