// Formats a wave (a set of accounts that are migrated in the background) for pages. Pure functions.
import type { Wave, WaveHead, WaveState } from './waves.ts';

const looks: Record<WaveState, { text: string; icon: string }> = {
  running: { text: 'Running', icon: 'loader' },
  paused: { text: 'Paused', icon: 'circle-pause' },
  done: { text: 'Done', icon: 'circle-check' },
};

/** Formats a wave of account migrations without the counts of its accounts. */
export const waveHeadView = <T extends WaveHead>(wave: T) => ({
  ...wave,
  look: looks[wave.state],
  href: `/account-moves/waves/${wave.id}`,
});

export const waveView = (wave: Wave) => ({
  ...waveHeadView(wave),
  /**
   * How many accounts need no more work of the wave: done, failed, unknown to the older system, or
   * taken out of the wave.
   */
  ended: wave.done + wave.failed + wave.unknown + wave.taken,
});
