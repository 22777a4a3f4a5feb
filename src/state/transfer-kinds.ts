// The kinds of transfer, and the actions of their steps on rows.

/**
 * The kinds of transfer. `transfer` and `undo` write at the destination; all other kinds write into the environment
 * that runs them. `restore` fetches rows from production, `takeover` fetches rows from the destination, and `undo-here`
 * undoes one of these two.
 */
export type TransferKind =
  'transfer' | 'undo' | 'restore' | 'takeover' | 'undo-here' | 'save' | 'refresh';

/** The kinds that write at the destination. */
export const kindsThere: TransferKind[] = ['transfer', 'undo'];
/** The kinds that write into the environment that runs them. */
export const kindsHere: TransferKind[] = ['save', 'restore', 'takeover', 'undo-here', 'refresh'];

/** Whether a transfer or a sheet writes at the destination, and not into the environment that runs it. */
export const writesThere = ({ kind }: { kind: TransferKind }) => kindsThere.includes(kind);

/** The kinds of transfer that a person sends from a sheet. The page *Transfers* lists them. */
export const sentKinds: TransferKind[] = ['transfer', 'undo', 'restore', 'takeover', 'undo-here'];

export const isSent = ({ kind }: { kind: TransferKind }) => sentKinds.includes(kind);

/** The kinds that undo an earlier transfer, at the destination or here. */
export const undoKinds: TransferKind[] = ['undo', 'undo-here'];

export const isUndo = ({ kind }: { kind: TransferKind }) => undoKinds.includes(kind);

export type StepAction = 'create' | 'update' | 'remove' | 'same';
