// Finds the browser of the browser tests. This file is apart from browser.ts, because bin/test needs no other part of it.
import { spawnSync } from 'node:child_process';

/** The browser that bin/test installs if there is none. It needs a third less CPU time than the whole of Chromium. */
export const HEADLESS_SHELL = 'chromium-headless-shell';

/** Returns the path of the browser; empty if none is installed. */
export function findBrowser(): string {
  const programs = [HEADLESS_SHELL, 'chromium', 'google-chrome'];
  const command = programs.map((program) => `command -v ${program}`).join(' || ');
  return spawnSync('sh', ['-c', command], { encoding: 'utf8' }).stdout.trim();
}
