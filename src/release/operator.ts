import { hostname, userInfo } from 'node:os';

/** The name of the operating system’s user and machine, for commands that must work before anyone has an account. */
export const operator = () => `${userInfo().username}@${hostname()}`;
