// Problems with values that the destination cannot store: missing columns, too long texts, invalid values, images.
import {
  columnOf,
  fieldEntries,
  hasLocalFields,
  keyText,
  labelOf,
  type Entity,
} from '../../catalog/entity.ts';
import { textOf } from '../../catalog/fields.ts';
import { misfitsOf, misfitText, type Misfit } from '../../catalog/misfits.ts';
import { entityNamed } from '../../catalog/index.ts';
import { rulesOf } from '../../environments/rules.ts';
import { localValue, type Choices } from '../choices.ts';
import type { Column } from '../../rows/table-columns.ts';
import type { Facts } from '../facts.ts';
import type { PlannedStep } from '../planned-step.ts';
import { imagesOf } from '../images.ts';
import { describe, keyOf, type Problem } from '../problem.ts';

export function shape(facts: Facts, steps: PlannedStep[]): Problem[] {
  const problems: Problem[] = [];
  for (const name of new Set(steps.map((step) => step.entity))) {
    const entity = entityNamed(name);
    const columns = facts.columns.get(entity.table);
    if (columns) {
      problems.push(...columnProblems(facts, entity, columns));
      const limits = limitsOf(entity, columns);
      const narrow = new Map(narrowColumns(columns).map((one) => [one.column, one.charset]));
      for (const step of steps.filter((one) => one.entity === name)) {
        problems.push(...tooLong(facts, entity, step, limits));
        if (narrow.size > 0) problems.push(...unstorable(facts, entity, step, narrow));
      }
    }
  }
  return problems;
}

export function columnProblems(
  facts: Pick<Facts, 'to'>,
  entity: Entity,
  columns: Map<string, Column>,
): Problem[] {
  const place = rulesOf(facts.to).inText;
  const known = new Map(
    fieldEntries(entity).flatMap(([field, definition]) => {
      const column = columnOf(field, definition);
      return column && !definition.local ? [[column, labelOf(entity, field)] as const] : [];
    }),
  );
  const own = new Set([
    ...fieldEntries(entity).map(([field, one]) => columnOf(field, one)),
    'id',
    'modified_at',
  ]);
  const missing = [...known].filter(([column]) => !columns.has(column));
  const unknown = [...columns].filter(([column, { isRequired }]) => isRequired && !own.has(column));
  const solutions = [{ kind: 'engineer' as const }];
  return [
    ...missing.map(([column, label]) => ({
      reason: 'column-missing' as const,
      row: null,
      message: `${entity.label.many} in ${place} have no “${label}” yet (column ${column} of ${entity.table}). Its database has to be updated first.`,
      solutions,
    })),
    ...unknown.map(([column]) => ({
      reason: 'column-unknown' as const,
      row: null,
      message: `${entity.label.many} in ${place} need a value for ${column}, which is not known here. This database has to be updated first.`,
      solutions,
    })),
  ];
}

/** How many characters a column of the destination has room for. */
type Limit = { field: string; max: number };

const limitsOf = (entity: Entity, columns: Map<string, Column>): Limit[] =>
  fieldEntries(entity).flatMap(([field, definition]) => {
    const column = columnOf(field, definition);
    const max = column && columns.get(column)?.maxLength;
    return max ? [{ field, max }] : [];
  });

function tooLong(facts: Facts, entity: Entity, step: PlannedStep, limits: Limit[]): Problem[] {
  return limits.flatMap(({ field, max }) => {
    const value = step.after?.[field];
    // A text has at least as many UTF-16 units as characters, and counting the characters takes longer.
    if (typeof value !== 'string' || value.length <= max) return [];
    const { length } = [...value];
    if (length <= max) return [];
    const message = `${describe(step)}: ${labelOf(entity, field)} has ${length} characters; ${rulesOf(facts.to).inText} has room for ${max}.`;
    const solutions = [{ kind: 'edit' as const, key: keyOf(step) }];
    return [{ reason: 'value-too-long' as const, row: keyOf(step), message, solutions }];
  });
}

/** Returns the text columns of a table that cannot store every Unicode character. */
export const narrowColumns = (
  columns: Map<string, Column>,
): { column: string; charset: string }[] =>
  [...columns].flatMap(([column, { charset }]) =>
    charset === null || charset === 'utf8mb4' ? [] : [{ column, charset }],
  );

/**
 * Reports texts that contain a character which the column at the destination cannot store. `narrow`: the character sets
 * of such columns.
 */
function unstorable(
  facts: Facts,
  entity: Entity,
  step: PlannedStep,
  narrow: Map<string, string>,
): Problem[] {
  return fieldEntries(entity).flatMap(([field, definition]) => {
    const column = columnOf(field, definition) ?? '';
    const charset = narrow.get(column);
    const character = charset && [...textOf(step.after?.[field])].find(isOutside(charset));
    if (!character) return [];
    const message = `${describe(step)}: ${labelOf(entity, field)} contains “${character}”, which ${rulesOf(facts.to).inText} cannot store: column ${column} of ${entity.table} is ${charset}, not utf8mb4.`;
    const solutions = [{ kind: 'edit' as const, key: keyOf(step) }, { kind: 'engineer' as const }];
    return [{ reason: 'value-unstorable' as const, row: keyOf(step), message, solutions }];
  });
}

const isOutside =
  (charset: string) =>
  (character: string): boolean => {
    const code = character.codePointAt(0) ?? 0;
    if (/^(utf8(mb3)?|ucs2)$/.test(charset)) return code > 0xffff;
    if (charset === 'latin1') return code > 0xff && !WINDOWS_1252.includes(character);
    return !/^utf(16|16le|32)$/.test(charset) && code > 0x7f;
  };

/** Characters above U+00FF that MySQL’s character set latin1 can store, because it is in fact Windows-1252. */
const WINDOWS_1252 = '€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ';

/** Reports rows here that have an invalid value in a field that would be transferred. */
export function unfit(steps: PlannedStep[]): Problem[] {
  return steps.flatMap((step): Problem[] => {
    const own = step.pair?.here ?? null;
    const { fields } = entityNamed(step.entity);
    const travels = ({ field }: Misfit) =>
      fields[field]?.local === false && !step.excludedFields.includes(field);
    const wrong = misfitsOf(own).filter(travels);
    if (own === null || wrong.length === 0) return [];
    const message = `${misfitText(entityNamed(step.entity), own, wrong)}. Another program stored it so: edit the row and save it.`;
    const solutions = [{ kind: 'edit' as const, key: keyOf(step) }];
    return [{ reason: 'row-unfit', row: keyOf(step), message, solutions }];
  });
}

/** Reports typed values for environment-specific fields that are invalid. */
export function localValues(choices: Choices, steps: PlannedStep[]): Problem[] {
  return steps.flatMap((step) => {
    const entity = entityNamed(step.entity);
    if (step.before !== null || !hasLocalFields(entity)) return [];
    const typed = choices.locals[keyText(step)];
    return fieldEntries(entity).flatMap(([name, { local }]): Problem[] => {
      const { error } = local ? localValue(entity, name, typed) : { error: null };
      const message = `${describe(step)}: ${error}`;
      return error ? [{ reason: 'local-value', row: keyOf(step), message, solutions: [] }] : [];
    });
  });
}

export function images({ missingImages, from }: Facts, steps: PlannedStep[]) {
  return steps.flatMap((step) =>
    imagesOf(step).flatMap(({ label, name }): Problem[] => {
      if (!missingImages.has(name)) return [];
      const message = `${describe(step)}: the ${label.toLowerCase()} is not in the storage of ${rulesOf(from).inText}. Upload it again there.`;
      const solutions = [{ kind: 'edit' as const, key: keyOf(step) }];
      return [{ reason: 'image-missing', row: keyOf(step), message, solutions }];
    }),
  );
}
