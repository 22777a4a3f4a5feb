// dynalite has no types of its own.
declare module 'dynalite' {
  import type { Server } from 'node:http';

  /** `path`: keeps the records on the disk. */
  export default function dynalite(options: { path?: string; createTableMs: number }): Server;
}
