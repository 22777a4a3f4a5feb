// Milliseconds that a server may be silent before it counts as gone. Tests shorten it.
export const timeouts = { statement: 60_000 };
