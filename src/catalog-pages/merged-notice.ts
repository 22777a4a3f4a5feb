// Builds the message to a user whose save kept what other users changed in other fields meanwhile.
import type { Merged } from '../editing/planned-save.ts';
import { personName } from '../web/format.ts';

/** Returns a message such as `Kept in “Visit”: Message, changed by Ed meanwhile.` */
export const mergedNotice = ({ title, fields, by }: Merged): string =>
  `Kept in “${title}”: ${fields.join(', ')}, changed by ${by.map(personName).join(', ')} meanwhile.`;
