// Problems with the shape: columns, lengths, local values, images, host names.
import { columnOf, fieldEntries, keyText, labelOf, type Entity } from '../../catalog/entity.ts';
import { entityNamed } from '../../catalog/index.ts';
import { rulesOf } from '../../environments/rules.ts';
import { localValue, type Choices } from '../choices.ts';
import type { Column, Facts } from '../facts.ts';
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
      for (const step of steps.filter((one) => one.entity === name)) {
        problems.push(...tooLong(facts, entity, step));
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

function tooLong(facts: Facts, entity: Entity, step: PlannedStep): Problem[] {
  const columns = facts.columns.get(entity.table);
  return fieldEntries(entity).flatMap(([field, definition]) => {
    const column = columnOf(field, definition);
    const max = column ? columns?.get(column)?.maxLength : undefined;
    const value = step.after?.[field];
    const length = typeof value === 'string' ? [...value].length : 0;
    if (!max || length <= max) return [];
    const message = `${describe(step)}: ${labelOf(entity, field)} has ${length} characters; ${rulesOf(facts.to).inText} has room for ${max}.`;
    const solutions = [{ kind: 'edit' as const, key: keyOf(step) }];
    return [{ reason: 'value-too-long' as const, row: keyOf(step), message, solutions }];
  });
}

/** A typed value for a local field does not fit. */
export function localValues(choices: Choices, steps: PlannedStep[]): Problem[] {
  return steps.flatMap((step) => {
    const entity = entityNamed(step.entity);
    return fieldEntries(entity).flatMap(([name, { local }]): Problem[] => {
      const typed = step.before === null ? choices.locals[keyText(step)] : undefined;
      const { error } = local ? localValue(entity, name, typed) : { error: null };
      const message = `${describe(step)}: ${error}`;
      return error ? [{ reason: 'local-value', row: keyOf(step), message, solutions: [] }] : [];
    });
  });
}

export function images({ missingImages }: Facts, steps: PlannedStep[]): Problem[] {
  return steps.flatMap((step) =>
    imagesOf(step).flatMap(({ label, name }) => {
      if (!missingImages.has(name)) return [];
      const message = `${describe(step)}: the ${label.toLowerCase()} is not in this environment's storage. Upload it again.`;
      const solutions = [{ kind: 'edit' as const, key: keyOf(step) }];
      return [{ reason: 'image-missing' as const, row: keyOf(step), message, solutions }];
    }),
  );
}

export function hostNames({ hostHere }: Facts, steps: PlannedStep[]): Problem[] {
  if (!hostHere) return [];
  return steps.flatMap((step) => {
    const entity = entityNamed(step.entity);
    return fieldEntries(entity).flatMap(([field, { local }]) => {
      const value = step.after?.[field];
      if (local || typeof value !== 'string' || !value.includes(hostHere)) return [];
      const message = `${describe(step)}: ${labelOf(entity, field)} contains this environment's own address (${hostHere}).`;
      const solutions = [{ kind: 'edit' as const, key: keyOf(step) }];
      return [{ reason: 'host-name' as const, row: keyOf(step), message, solutions }];
    });
  });
}
