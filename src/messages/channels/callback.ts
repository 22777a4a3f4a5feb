// Sends the result of a job that makes or drops staging databases to the server from which a person requested the job,
// at the callback URL that this server gave.
import type { Send } from './channel.ts';
import { post } from './post.ts';

/**
 * Posts the result of a job that makes or drops staging databases. Status 404 means that the receiving server no longer
 * waits for the result, so the result is not sent again.
 */
export const callback: Send = async ({ recipient, body }) => {
  const reply = await post(recipient, body);
  return reply.answer.startsWith('HTTP 404') ? { ...reply, outcome: 'refused' } : reply;
};
