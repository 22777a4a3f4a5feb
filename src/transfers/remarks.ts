// What the page of a transfer says about rows that the destination stored differently than sent, or whose timestamp
// lay in the future.
import { labelOf } from '../catalog/entity.ts';
import { entityNamed } from '../catalog/index.ts';
import * as journal from '../writing/journal.ts';

/** Returns the outcome of a row, with the fields that were stored differently: `stored differently there: Text` */
export function outcomeText(step: journal.WrittenStep): string | null {
  if (step.outcome !== journal.STORED_DIFFERENTLY) return step.outcome;
  return `stored differently there: ${storedText(step)}`;
}

function storedText({ entity: name, after, remark }: journal.WrittenStep): string {
  if (after === null) return 'it is still there';
  if (!remark?.stored) return 'it is not there';
  const entity = entityNamed(name);
  return remark.differing
    .filter((field) => field in entity.fields)
    .map((field) => labelOf(entity, field))
    .join(', ');
}

/** Returns sentences about the timestamp of a row at the destination, if it is not the time of the transfer. */
export function timeRemarks({ remark }: journal.WrittenStep): string[] {
  const texts: string[] = [];
  if (remark?.differing.includes(journal.INSTANT)) {
    texts.push('its modified_at there is not the time of this transfer');
  }
  if (remark?.ahead) {
    const was = `its modified_at there was ${timeText(remark.ahead.instant)}, ahead of the clock`;
    texts.push(
      remark.ahead.isLast
        ? `${was}, and no later one can be stored: it has the present time, which an app may not notice`
        : `${was}: it is one millisecond later, for this row only`,
    );
  }
  return texts;
}

/** Formats a timestamp as `2099-01-01 00:00:00 UTC`. */
const timeText = (iso: string) => `${iso.slice(0, iso.indexOf('T') + 9).replace('T', ' ')} UTC`;

/** Returns the rows that the destination stored differently than they were sent; null when there are none. */
export function notAsSent(steps: journal.WrittenStep[]) {
  const written = steps.filter(({ action }) => action !== 'same');
  const differing = written.filter(({ outcome }) => outcome === journal.STORED_DIFFERENTLY);
  if (differing.length === 0) return null;
  return { steps: differing, text: journal.notAsSentText(differing.length, written.length) };
}
