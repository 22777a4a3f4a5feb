// The kinds of transfer, and what a step does to a row.

/**
 * A save is a write whose destination is its own environment; so is each part of a copy-down, and what is
 * brought back.
 */
export type Kind = 'transfer' | 'undo' | 'bring-back' | 'save' | 'copy-down';

/** What a person sent from a sheet, to be found under Transfers. */
export const sent: Kind[] = ['transfer', 'undo', 'bring-back'];

export const isSent = ({ kind }: { kind: Kind }) => sent.includes(kind);

export type Action = 'create' | 'update' | 'remove' | 'same';
