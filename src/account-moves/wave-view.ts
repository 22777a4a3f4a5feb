// A wave as pages show it. Pure functions.
import type { Wave, WaveState } from './waves.ts';

const looks: Record<WaveState, { text: string; icon: string }> = {
  running: { text: 'Running', icon: 'loader' },
  paused: { text: 'Paused', icon: 'circle-pause' },
  done: { text: 'Done', icon: 'circle-check' },
};

export const waveView = (wave: Wave) => ({
  ...wave,
  look: looks[wave.state],
  href: `/account-moves/waves/${wave.id}`,
  /** Accounts that need nothing more of this wave. */
  ended: wave.done + wave.failed + wave.taken,
});
