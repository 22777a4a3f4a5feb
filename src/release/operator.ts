import { hostname, userInfo } from 'node:os';

/** The user of the operating system, for commands that must work before anyone has an account. */
export const operator = () => `${userInfo().username}@${hostname()}`;
