// The package dynalite contains no TypeScript types, so this file declares them.
declare module 'dynalite' {
  import type { Server } from 'node:http';

  /** `path`: the folder that keeps the records on disk; without it they are in memory. */
  export default function dynalite(options: { path?: string; createTableMs: number }): Server;
}
