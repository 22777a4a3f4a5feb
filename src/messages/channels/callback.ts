// Sends the result of a staging job, such as a finished staging database, to the server that ordered it, at the
// callback URL that this server gave.
import type { Send } from './channel.ts';
import { post } from './post.ts';

/**
 * Posts a result. Status 404 means that the server no longer waits for the result, so it is not
 * sent again.
 */
export const callback: Send = async ({ recipient, body }) => {
  const reply = await post(recipient, body);
  return reply.answer.startsWith('HTTP 404') ? { ...reply, outcome: 'refused' } : reply;
};
