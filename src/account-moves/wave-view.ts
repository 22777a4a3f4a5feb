// A wave as pages show it. Pure functions.
import type { Wave, WaveHead, WaveState } from './waves.ts';

const looks: Record<WaveState, { text: string; icon: string }> = {
  running: { text: 'Running', icon: 'loader' },
  paused: { text: 'Paused', icon: 'circle-pause' },
  done: { text: 'Done', icon: 'circle-check' },
};

/** A wave without its counts. */
export const waveHeadView = <T extends WaveHead>(wave: T) => ({
  ...wave,
  look: looks[wave.state],
  href: `/account-moves/waves/${wave.id}`,
});

export const waveView = (wave: Wave) => ({
  ...waveHeadView(wave),
  /** Accounts that need nothing more of this wave. */
  ended: wave.done + wave.failed + wave.unknown + wave.taken,
});
