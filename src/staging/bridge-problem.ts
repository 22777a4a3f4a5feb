import { Problem } from '../problems.ts';

/** A refusal between two servers: a code for the program, and words for its people. */
export class BridgeProblem extends Problem {
  readonly code: string;

  constructor(status: number, code: string, message: string) {
    super(status, message);
    this.code = code;
  }
}
