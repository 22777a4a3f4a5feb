// Sends the result of a staging job (such as a finished staging database) to the server that ordered it, at the
// address that it gave.
import type { Send } from './channel.ts';
import { post } from './post.ts';

/** With status 404, the other server no longer waits for this result. */
export const callback: Send = async ({ recipient, body }) => {
  const reply = await post(recipient, body);
  return reply.answer.startsWith('HTTP 404') ? { ...reply, outcome: 'refused' } : reply;
};
