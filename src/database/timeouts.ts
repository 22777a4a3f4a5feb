// How long a server may be silent before it counts as gone. Tests make it short.
export const timeouts = { statement: 60_000 };
