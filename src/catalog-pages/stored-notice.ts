// Builds the message to a user when the database stored a saved row differently than typed.
import { fieldEntries, labelOf } from '../catalog/entity.ts';
import { entityNamed } from '../catalog/index.ts';
import { formatValue } from '../web/format.ts';
import type { WrittenStep } from '../writing/journal.ts';

/** Returns a message such as `The database stored it differently: Text is “HELLO”, not “Hello”.` */
export function storedNotice({ entity: name, title, after, remark }: WrittenStep): string {
  const entity = entityNamed(name);
  const stored = remark?.stored;
  if (after === null) return `The database did not remove “${title}”.`;
  if (!stored) return `The database did not keep “${title}”.`;
  const fields = fieldEntries(entity)
    .filter(([field]) => remark.differing.includes(field))
    .map(([field, definition]) => {
      const [now, sent] = [stored, after].map((row) => brief(formatValue(definition, row[field])));
      return `${labelOf(entity, field)} is “${now}”, not “${sent}”`;
    });
  return `The database stored it differently: ${fields.join('; ')}.`;
}

/** Shortens a long value, because the message has little room. */
const brief = (text: string) => (text.length > 60 ? `${text.slice(0, 60)}…` : text);
