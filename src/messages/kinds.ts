// The kinds of message that people get: what has happened, who gets the message, and whether it is also sent by e-mail.
// The page My account and docs/messages.md must list exactly these kinds.

export type MessageKind = {
  label: string;
  /** What has happened, as a sentence. */
  what: string;
  /** Who gets the message, as a sentence. */
  who: string;
  /**
   * Whether messages of this kind are also sent by e-mail, unless the person has chosen otherwise. `never`: messages of
   * this kind appear only in the app.
   */
  email: 'on' | 'off' | 'never';
  /** Only people with this permission get messages of this kind. */
  permission?: string;
};

const kinds = {
  'adoption.lapsed': {
    label: 'My changes can no longer be transferred',
    what: 'Engineering saved a row with pending changes of mine, so a product manager must adopt it first.',
    who: 'Everyone who had changed or adopted these pending rows, except the person who saved.',
    email: 'on',
  },
  'edit.overtaken': {
    label: 'My edit was overwritten',
    what: 'A save, a transfer, a refresh, a restore or a takeover replaced values that I saved last, or deleted the row.',
    who: 'The person who saved the row last, except the person who replaced it.',
    email: 'on',
  },
  'rows.undone': {
    label: 'My rows were undone',
    what: 'Rows that I sent or changed were undone at their destination.',
    who: 'The sender of the transfer and the people who changed its rows last, except the person who undid them.',
    email: 'on',
  },
  'transfer.failed': {
    label: 'My transfer failed',
    what: 'A transfer or an undo that I started was refused or rolled back.',
    who: 'The person who started it.',
    email: 'on',
  },
  'transfer.needs-attention': {
    label: 'A transfer needs attention',
    what: 'A transfer can neither be finished nor rolled back until a person decides.',
    who: 'The person who started it, and everyone on call.',
    email: 'on',
  },
  'transfer.stored-differently': {
    label: 'My rows are not as sent',
    what: 'The destination stored rows differently than I sent them.',
    who: 'The person who sent or saved the rows.',
    email: 'on',
  },
  'save.failed': {
    label: 'My queued save failed',
    what: 'A save that was queued while a database did not answer could not be completed.',
    who: 'The person who saved.',
    email: 'on',
  },
  'rows.arrived': {
    label: 'My rows arrived',
    what: 'Somebody transferred rows that I changed, so they can be tested at the destination.',
    who: 'The people who changed the rows last, except the sender.',
    email: 'off',
  },
  'transfer.by-on-call': {
    label: 'Someone on call undid a transfer',
    what: 'Someone on call undid a transfer that another person had sent.',
    who: 'All product managers, except the person on call.',
    email: 'off',
    permission: 'product_manager',
  },
  'transfer.approval-asked': {
    label: 'A transfer waits for my approval',
    what: 'Another product manager asks me to approve a transfer.',
    who: 'All product managers, except the person who asked.',
    email: 'on',
    permission: 'product_manager',
  },
  'transfer.approved': {
    label: 'My transfer was approved',
    what: 'Another product manager approved a transfer that I asked for, and it was sent.',
    who: 'The person who asked.',
    email: 'never',
  },
  'transfer.approval-refused': {
    label: 'My transfer was not approved',
    what: 'Another product manager refused a transfer that I asked for.',
    who: 'The person who asked.',
    email: 'on',
  },
  'transfer.approval-overtaken': {
    label: 'My request for approval was overtaken',
    what: 'Something changed after I had asked for approval, so the transfer was not sent.',
    who: 'The person who asked.',
    email: 'on',
  },
  'schedule.stopped': {
    label: 'A scheduled transfer was not sent',
    what: 'A transfer that I scheduled could not be sent at its time.',
    who: 'The person who scheduled it or, if their account is closed, all product managers.',
    email: 'on',
  },
  'schedule.changed': {
    label: 'My schedule was changed',
    what: 'Another person changed or cancelled a transfer that I had scheduled.',
    who: 'The person who scheduled it.',
    email: 'on',
  },
  'schedule.sent': {
    label: 'A scheduled transfer was sent',
    what: 'A transfer that I scheduled was sent at its time.',
    who: 'The person who scheduled it.',
    email: 'on',
  },
  'staging-job.done': {
    label: 'My staging database is ready',
    what: 'A staging database that I ordered is ready.',
    who: 'The person who ordered it.',
    email: 'on',
  },
  'staging-job.failed': {
    label: 'My staging database could not be made',
    what: 'A staging database that I ordered could not be made.',
    who: 'The person who ordered it.',
    email: 'on',
  },
  'copy.ends-soon': {
    label: 'My staging database ends soon',
    what: 'A staging database that I ordered is dropped in two days unless it is kept longer.',
    who: 'The person who ordered it.',
    email: 'on',
  },
  'backup.test-failed': {
    label: 'A backup failed its restore test',
    what: 'A backup could not be restored as it should.',
    who: 'All administrators.',
    email: 'on',
    permission: 'administrator',
  },
  'source.files-failed': {
    label: 'Data files failed',
    what: 'A run of a source could not fetch or load files.',
    who: 'All data managers, except the person who started the run.',
    email: 'on',
    permission: 'data_manager',
  },
  'account-moves.failed': {
    label: 'Account migrations failed',
    what: 'Accounts could not be migrated.',
    who: 'Everyone who may migrate accounts.',
    email: 'never',
    permission: 'account_moves',
  },
  'message.failed': {
    label: 'A notification was given up',
    what: 'An e-mail, a webhook or a chat message was refused or never acknowledged.',
    who: 'All administrators.',
    email: 'never',
    permission: 'administrator',
  },
} as const satisfies Record<string, MessageKind>;

export type MessageEvent = keyof typeof kinds;

export const messageKinds: [MessageEvent, MessageKind][] = Object.entries(kinds) as [
  MessageEvent,
  MessageKind,
][];

/**
 * Finds the kind of message with this event name; undefined for a message that a person asked for, such as a test
 * e-mail.
 */
export const kindOf = (event: string): MessageKind | undefined =>
  messageKinds.find(([name]) => name === event)?.[1];

/** Whether messages of this kind are sent by e-mail to people who have not chosen. */
export const isEmailedByDefault = (event: string): boolean => kindOf(event)?.email !== 'off';
