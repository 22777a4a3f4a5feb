// The kinds of transfer, and what a step does to a row.

/** The destination of a save, of each part of a refresh and of a restore is the environment itself. */
export type TransferKind = 'transfer' | 'undo' | 'restore' | 'save' | 'refresh';

/** Kinds that a person sends from a sheet, listed under Transfers. */
export const sentKinds: TransferKind[] = ['transfer', 'undo', 'restore'];

export const isSent = ({ kind }: { kind: TransferKind }) => sentKinds.includes(kind);

export type StepAction = 'create' | 'update' | 'remove' | 'same';
