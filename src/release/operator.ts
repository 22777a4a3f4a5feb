import { hostname, userInfo } from 'node:os';

/**
 * The operating system’s user and machine. Commands that must work before anyone has an account record this text in
 * place of a person’s e-mail.
 */
export const operator = () => `${userInfo().username}@${hostname()}`;
