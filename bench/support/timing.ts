// Times work in rounds. Oneway and its peers (programs that people would use instead) are timed in the same rounds.
import { performance } from 'node:perf_hooks';

/** Scales the size of every benchmark down, to try a benchmark out: `BENCH_SCALE=0.01 npm run bench`. */
const scale = Number(process.env['BENCH_SCALE'] ?? 1);
export const sized = (rows: number) => Math.max(1, Math.round(rows * scale));
export const ROUNDS = Number(process.env['BENCH_ROUNDS'] ?? 3);

/** The milliseconds of every round, by the name of the timed work. */
export type Rounds = Record<string, number[]>;

export class Clock {
  readonly rounds: Rounds = {};

  async time<T>(what: string, work: () => Promise<T>): Promise<T> {
    const begun = performance.now();
    const answer = await work();
    const taken = performance.now() - begun;
    (this.rounds[what] ??= []).push(Math.round(taken * 100) / 100);
    console.log(`  ${what}: ${Math.round(taken)} ms`);
    return answer;
  }

  median(what: string): number {
    return median(this.rounds[what] ?? []);
  }

  /** Returns how many times as long `what` took as `than`, from the medians of all rounds. */
  ratio(what: string, than: string): number {
    return this.median(what) / this.median(than);
  }

  /**
   * Returns how many times as long `what` took as `than`, as the median of the ratios of all
   * rounds. This ratio stays right when the machine becomes slower or faster between two rounds.
   */
  pairRatio(what: string, than: string): number {
    const others = this.rounds[than] ?? [];
    return median(
      (this.rounds[what] ?? []).map((taken, round) => taken / (others[round] ?? Number.NaN)),
    );
  }
}

export function median(values: number[]): number {
  const sorted = values.toSorted((one, other) => one - other);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 0 ? ((sorted[middle - 1] ?? Number.NaN) + upper) / 2 : upper;
}
