import { sql } from '../database/sql.ts';
import type { Job } from './jobs.ts';

/** An SQL condition that matches a job only while this attempt is its current one. */
export const mine = ({ id, attempt }: Pick<Job, 'id' | 'attempt'>) =>
  sql`id = ${id} and attempt = ${attempt} and state = 'running'`;
