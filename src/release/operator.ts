import { hostname, userInfo } from 'node:os';

/**
 * The operating system’s user and machine. Commands that must work before anyone has an account
 * record them as the person.
 */
export const operator = () => `${userInfo().username}@${hostname()}`;
