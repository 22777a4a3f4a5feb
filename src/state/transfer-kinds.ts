// The kinds of transfer, and the actions of their steps on rows.

/** A save, a part of a refresh and a restore write into this environment itself. */
export type TransferKind = 'transfer' | 'undo' | 'restore' | 'save' | 'refresh';

/** The kinds that a person sends from a transfer sheet, listed under Transfers. */
export const sentKinds: TransferKind[] = ['transfer', 'undo', 'restore'];

export const isSent = ({ kind }: { kind: TransferKind }) => sentKinds.includes(kind);

export type StepAction = 'create' | 'update' | 'remove' | 'same';
