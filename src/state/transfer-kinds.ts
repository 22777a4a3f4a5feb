// The kinds of transfer, and the actions of their steps on rows.

/** The kinds of transfer. `save`, `refresh` and `restore` write into this environment itself. */
export type TransferKind = 'transfer' | 'undo' | 'restore' | 'save' | 'refresh';

/** The kinds that a person sends from a transfer sheet; the page *Transfers* lists them. */
export const sentKinds: TransferKind[] = ['transfer', 'undo', 'restore'];

export const isSent = ({ kind }: { kind: TransferKind }) => sentKinds.includes(kind);

export type StepAction = 'create' | 'update' | 'remove' | 'same';
