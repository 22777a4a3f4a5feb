// The kinds of transfer, and the actions of their steps on rows.

/**
 * The kinds of transfer. Transfers of the kinds `save`, `refresh` and `restore` write into the
 * environment that runs them.
 */
export type TransferKind = 'transfer' | 'undo' | 'restore' | 'save' | 'refresh';

/** The kinds of transfer that a person sends from a sheet. The page *Transfers* lists them. */
export const sentKinds: TransferKind[] = ['transfer', 'undo', 'restore'];

export const isSent = ({ kind }: { kind: TransferKind }) => sentKinds.includes(kind);

export type StepAction = 'create' | 'update' | 'remove' | 'same';
