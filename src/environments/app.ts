// Opens the environment in which this process runs: its databases, its neighbouring environments, and what is allowed
// in it.
import { pino, type Logger } from 'pino';
import { limits } from '../database/limits.ts';
import { isUnwilling } from '../database/unwillingness.ts';
import type { Settings } from '../settings.ts';
import type { StorageAddress } from '../storage/address.ts';
import { cachedCompatibility, type CachedCompatibility } from '../version/compatibility.ts';
import { connectDatabases, usualSize, type Connected, type DatabaseAddresses } from './connect.ts';
import type { OpenEnvironments } from './opened.ts';
import { Shared } from './shared.ts';
import { logRefusals, logTraces } from './debug-log.ts';
import { rulesOf, type EnvironmentName, type EnvironmentSetup } from './rules.ts';
import type { Environment } from './environment.ts';
import { NotFound } from '../problems.ts';
import { openObjects } from '../storage/open.ts';

export type App = Environment & {
  settings: Settings;
  /** The environment that rows are sent to; null in production and development. */
  destination: Environment | null;
  /** Production’s databases, whose rows a refresh copies to this environment; null when they are not configured. */
  source: Environment | null;
  /**
   * The databases that are open as environments although no setting names them, such as staging databases made from
   * backups. They are opened by the name of the database.
   */
  opened: OpenEnvironments;
  setup: EnvironmentSetup;
  /**
   * Checks whether program and database have the same version; reads the database at most every two
   * seconds.
   */
  compatibility: CachedCompatibility;
  log: Logger;
  /** Aborted when the process shuts down, so that background loops stop and event streams close. */
  halt: AbortController;
  close(): Promise<void>;
};

export function openApp(settings: Settings): App {
  limits.idsPerQuery = settings.idsPerQuery;
  const closers: (() => Promise<void>)[] = [];
  const log = pino({
    level: settings.logLevel,
    base: { environment: settings.environment },
    serializers: { err: withoutValues },
  });
  const isTraced = log.isLevelEnabled('debug');
  if (isTraced) closers.push(logTraces(log));
  closers.push(logRefusals(log));
  const { stores } = settings.storage;
  const connect = (
    name: EnvironmentName,
    at: DatabaseAddresses,
    address: StorageAddress,
  ): Environment => {
    const { close, ...databases } = connectDatabases(at, { ...usualSize, isTraced });
    const storage = openObjects(address);
    closers.push(close, async () => storage.close());
    return {
      name,
      rules: rulesOf(name),
      ...databases,
      storage,
      credentialsKeys: null,
      notifiesIndexer: false,
      sendsMail: false,
    };
  };
  const { environment, destination, source } = settings;
  const { next } = rulesOf(environment);
  const own = connect(environment, settings, stores.own);
  const pools = new Shared<Connected>(settings.openEnvironments);
  closers.push(() => pools.close());
  const opened: OpenEnvironments = {
    own: settings,
    reserved: [settings, destination, source].filter((one) => one !== null),
    storage: own.storage,
    isTraced,
    pools,
  };
  return {
    ...own,
    credentialsKeys: settings.credentialsKeys,
    notifiesIndexer: settings.indexer !== null,
    sendsMail: settings.messages.mail !== null,
    settings,
    destination: destination && next ? connect(next, destination, stores.destination) : null,
    source: source && connect('production', source, stores.source),
    opened,
    setup: {
      rules: rulesOf(environment),
      isStagingAlways: settings.isStagingAlways,
      hasDestination: destination !== null,
      hasSource: source !== null,
    },
    compatibility: cachedCompatibility(own.documents, settings.supportedVersion),
    halt: new AbortController(),
    log,
    close: async () => {
      await Promise.all(closers.map((close) => close()));
    },
  };
}

/**
 * Makes an App for another environment, such as a staging database made from a backup. In the returned App no rows can
 * be transferred to another environment or copied from production. The caller closes the environment.
 */
export const appOn = (here: App, environment: Environment): App => ({
  ...here,
  ...environment,
  destination: null,
  source: null,
  setup: {
    rules: environment.rules,
    isStagingAlways: false,
    hasDestination: false,
    hasSource: false,
  },
  compatibility: cachedCompatibility(environment.documents, here.settings.supportedVersion),
  close: async () => {},
});

/**
 * Formats an error for the log. Database errors contain values of rows, and drivers attach the
 * whole statement, so both are left out.
 */
export function withoutValues(error: unknown) {
  if (!(error instanceof Error)) return { type: typeof error };
  const { code, errno, sqlMessage, errmsg, keyValue } = error as Error & Record<string, unknown>;
  const isFromDatabase = [sqlMessage, errmsg, keyValue].some((one) => one !== undefined);
  // An error about the server itself contains no values, and its message helps to repair the server.
  const isQuoting = isFromDatabase && !isUnwilling(error);
  return {
    type: error.name,
    ...(code === undefined ? {} : { code }),
    ...(errno === undefined ? {} : { errno }),
    message: isQuoting ? 'a database refused a statement' : error.message,
    stack: error.stack?.slice(Math.max(0, error.stack.indexOf('\n    at '))),
  };
}

export function destinationOf({ rules, destination }: App): Environment {
  if (!destination) throw new NotFound(`Nothing is transferred out of ${rules.inText}.`);
  return destination;
}
