// Collects what is wrong with the rows of one form, so that the form shows all of it at once.
import { Invalid, type FieldErrors } from '../problems.ts';
import { EditConflict, type RowConflict } from './planned-save.ts';

export class Findings {
  readonly errors: FieldErrors = {};
  readonly conflicts: RowConflict[] = [];

  /** Runs the check of one row. `ref`: the prefix of the row’s inputs in the form. */
  async collect<T>(ref: string, act: () => T | Promise<T>): Promise<T | null> {
    try {
      return await act();
    } catch (error) {
      if (error instanceof Invalid) this.add(ref, error.fields);
      else if (error instanceof EditConflict) {
        this.conflicts.push(...error.conflicts.map((one) => ({ ...one, ref })));
      } else throw error;
      return null;
    }
  }

  add(ref: string, errors: FieldErrors) {
    for (const [name, text] of Object.entries(errors)) this.errors[`${ref}${name}`] = text;
  }

  /** @throws Invalid or EditConflict if anything was found */
  refuse() {
    if (Object.keys(this.errors).length > 0) throw new Invalid(this.errors);
    if (this.conflicts.length > 0) throw new EditConflict(this.conflicts);
  }
}
