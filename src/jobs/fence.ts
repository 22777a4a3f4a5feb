import { sql } from '../database/sql.ts';
import type { Job } from './jobs.ts';

/**
 * An SQL condition that matches the record of a job only while `attempt` is still the job’s current attempt. A worker
 * that lost the job to another worker therefore changes nothing.
 */
export const mine = ({ id, attempt }: Pick<Job, 'id' | 'attempt'>) =>
  sql`id = ${id} and attempt = ${attempt} and state = 'running'`;
