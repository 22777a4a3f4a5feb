import { Problem } from '../problems.ts';

/** The error when one server refuses what another one asks: a code for the program, and a sentence for its people. */
export class BridgeProblem extends Problem {
  readonly code: string;

  constructor(status: number, code: string, message: string) {
    super(status, message);
    this.code = code;
  }
}
