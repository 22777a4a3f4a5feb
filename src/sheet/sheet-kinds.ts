// The kinds of sheets: what is done with the rows of a selection.

/** For each kind of sheet: its URL, the URL that it posts to, and its wording. */
export const sheetKinds = {
  transfer: {
    path: '/selections',
    send: '/transfers',
    verb: 'Transfer',
    done: 'transferred',
    preposition: 'to',
    icon: 'arrow-right',
    nameLabel: 'Name of this transfer',
  },
  undo: {
    path: '/undos',
    send: '/undos',
    verb: 'Undo',
    done: 'undone',
    preposition: 'in',
    icon: 'undo-2',
    nameLabel: 'Name',
  },
  restore: {
    path: '/restores',
    send: '/restores',
    verb: 'Restore',
    done: 'restored',
    preposition: 'into',
    icon: 'arrow-right',
    nameLabel: 'Name',
  },
  takeover: {
    path: '/takeovers',
    send: '/takeovers',
    verb: 'Take over',
    done: 'taken over',
    preposition: 'into',
    icon: 'arrow-right',
    nameLabel: 'Name',
  },
  'undo-here': {
    path: '/undos-here',
    send: '/undos-here',
    verb: 'Undo',
    done: 'undone',
    preposition: 'in',
    icon: 'undo-2',
    nameLabel: 'Name',
  },
} as const;
