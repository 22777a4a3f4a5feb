import { Problem } from '../problems.ts';

/**
 * Thrown when one Oneway server refuses a request of another. `code` is for the program that sent
 * the request; the message is a sentence for its users.
 */
export class BridgeProblem extends Problem {
  readonly code: string;

  constructor(status: number, code: string, message: string) {
    super(status, message);
    this.code = code;
  }
}
