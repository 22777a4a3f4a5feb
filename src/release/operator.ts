import { hostname, userInfo } from 'node:os';

/** Whoever administers the machine: for what must work before anybody has an account. */
export const operator = () => `${userInfo().username}@${hostname()}`;
