// The kinds of transfer, and what a step does to a row.

/**
 * A save is a write whose destination is its own environment; so is each part of a refresh, and what is
 * brought back.
 */
export type TransferKind = 'transfer' | 'undo' | 'restore' | 'save' | 'refresh';

/** What a person sent from a sheet, to be found under Transfers. */
export const sentKinds: TransferKind[] = ['transfer', 'undo', 'restore'];

export const isSent = ({ kind }: { kind: TransferKind }) => sentKinds.includes(kind);

export type StepAction = 'create' | 'update' | 'remove' | 'same';
