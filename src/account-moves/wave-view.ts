// Formats a wave for pages. Pure functions.
import type { Wave, WaveHead, WaveState } from './waves.ts';

const looks: Record<WaveState, { text: string; icon: string }> = {
  running: { text: 'Running', icon: 'loader' },
  paused: { text: 'Paused', icon: 'circle-pause' },
  done: { text: 'Done', icon: 'circle-check' },
};

/** Formats a wave without the counts of its accounts. */
export const waveHeadView = <T extends WaveHead>(wave: T) => ({
  ...wave,
  look: looks[wave.state],
  href: `/account-moves/waves/${wave.id}`,
});

export const waveView = (wave: Wave) => ({
  ...waveHeadView(wave),
  /** How many accounts the wave is finished with, whatever the outcome was. */
  ended: wave.done + wave.failed + wave.unknown + wave.taken,
});
