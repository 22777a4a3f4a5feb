// Checks the name and the e-mail of a new person.
import { z } from 'zod';
import { requiredLine } from '../typed-text.ts';

export const newPerson = z.object({
  name: requiredLine('Enter a name', 100),
  email: z
    .string()
    .trim()
    .toLowerCase()
    .pipe(
      z
        .email('Enter an e-mail address, such as ana@example.com')
        .max(190, 'E-mail must be 190 characters or fewer'),
    ),
});
