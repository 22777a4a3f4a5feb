// The answer to an order of another server, at the address that it gave.
import type { Send } from './channel.ts';
import { post } from './post.ts';

/** 404: nobody waits for it there. */
export const callback: Send = async ({ recipient, body }) => {
  const reply = await post(recipient, body);
  return reply.answer.startsWith('HTTP 404') ? { ...reply, outcome: 'refused' } : reply;
};
