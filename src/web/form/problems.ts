import { Problem } from '../../problems.ts';
import type { FormBody } from './body.ts';

/** The chunks of a request body, whose bytes are counted while they arrive. */
export type Counted = AsyncGenerator<Buffer, void>;

export type TooLarge = (body: FormBody) => Problem;

export const incomplete = () =>
  new Problem(400, 'The form did not arrive as a whole. Go back and send it again.');
