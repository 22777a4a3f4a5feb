// Builds the Express app: all middleware and all routes, in the order in which a request passes them.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { fileURLToPath } from 'node:url';
import { v7 as uuid } from 'uuid';
import express, {
  type ErrorRequestHandler,
  type Express,
  type Request,
  type RequestHandler,
} from 'express';
import { pinoHttp } from 'pino-http';
import { needAccount } from './account-moves/needs-account.ts';
import { needKey } from './api/reading.ts';
import { guard, isForPrograms, type ForPrograms } from './access/guard.ts';
import { withoutValues, type App } from './environments/app.ts';
import type { Redis } from './environments/redis.ts';
import { impatient } from './environments/impatient.ts';
import { openQueue } from './jobs/queue.ts';
import { answerSignedError } from './signed-api/answer.ts';
import { needHawk } from './signed-api/hawk.ts';
import { answerBridgeError } from './staging/bridge-routes.ts';
import { enterCopy, refuseOtherDatabase } from './staging/copy-guard.ts';
import { recover } from './writing/recovery.ts';
import { recognise } from './people/recognise.ts';
import { openSignIn } from './people/sign-in.ts';
import { routes } from './routes.ts';
import { tasks } from './tasks.ts';
import { refuseIncompatible, showUpdateApplication, showUpdating } from './web/gate.ts';
import { assets } from './web/assets.ts';
import { compressed } from './web/compressed.ts';
import { answerError, notFound } from './web/errors.ts';
import type { Body } from './web/form/body.ts';
import { Form } from './web/form/form.ts';
import { readJson } from './web/form/json.ts';
import { reader } from './web/form/read.ts';
import { readUpload } from './web/form/upload.ts';
import { refuseOtherMethods } from './web/methods.ts';
import { openMetrics } from './web/metrics.ts';
import { headers } from './web/security.ts';
import { keepOutOfCaches, sessions, trustOwnAddress } from './web/session.ts';
import { forgetSent, mayBring, refuseForged, saveFormOfRefused } from './web/saved-form.ts';
import { beginSaving, watchSilence } from './web/silence.ts';
import { viewAsPerson } from './web/viewer.ts';
import { visitors } from './web/visitor.ts';

const folder = (path: string) => fileURLToPath(new URL(`../${path}`, import.meta.url));

export function createApp(
  here: App,
  client: Redis,
  line = openQueue(here, client, tasks),
): Express {
  const redis = impatient(client);
  const app = express();
  app.set('views', folder('views'));
  app.set('view engine', 'ejs');
  app.set('trust proxy', here.settings.session.trustProxy);
  app.set('query parser', 'simple');
  app.disable('x-powered-by');
  if (here.settings.logLevel !== 'silent') app.enable('view cache');

  app.use(headers);
  app.use('/assets', compressed(), assets());
  const metrics = openMetrics(here);
  app.use(
    pinoHttp({
      logger: here.log,
      genReqId: requestId,
      wrapSerializers: false,
      serializers: { req: brief, res: outcome, err: withoutValues },
    }),
  );
  app.use(metrics.measure);
  app.use((_req, res, next) => {
    if (here.halt.signal.aborted) res.set('Connection', 'close');
    next();
  });
  app.use((req, _res, next) => {
    req.here = here;
    req.house = here;
    req.redis = redis;
    req.line = line;
    req.form = new Form();
    req.upload = null;
    next();
  });
  app.get('/metrics', metrics.show);
  // These two pages come before sessions and the check of the database version, because they must work without Redis
  // and MySQL.
  app.get('/updating', showUpdating);
  app.get('/update-application', showUpdateApplication);
  app.use(watchSilence(answerAny));
  app.use(visitors);
  app.use(trustOwnAddress, sessions(here, redis), keepOutOfCaches);
  // Compression comes after the sessions, so that a page is complete before its session is stored.
  // In the other order, a session that cannot be stored would cut the page off.
  app.use(compressed());
  const signIn = openSignIn(here, redis);
  const all = routes(signIn);
  app.use('/api', refuseOtherMethods(all));
  app.use(refuseIncompatible);
  app.use(recognise);
  app.use(viewAsPerson);

  const admitProgram = programsAdmitted(here, redis);
  const enter = enterCopy((copy) =>
    recover({ here: copy, there: null, lease: here.settings.lease.milliseconds, log: here.log }),
  );
  for (const { method, path, allow, body, handler, servesCopies } of all) {
    if (isForPrograms(allow)) {
      app[method](path, ...admitProgram[allow](body), handler);
      continue;
    }
    const entered = servesCopies ? [enter] : [];
    const ofOne = servesCopies ? [refuseOtherDatabase] : [];
    // A form is parsed only after the access check, so that a refused request costs little.
    const read =
      method === 'post'
        ? [
            body.kind === 'upload' ? readUpload : reader(body, mayBring),
            refuseForged,
            ...ofOne,
            forgetSent,
            beginSaving,
          ]
        : [];
    const first =
      method === 'post' && allow !== 'anyone'
        ? [saveFormOfRefused(signIn.limits.kept, body, allow)]
        : [];
    app[method](path, ...entered, ...first, guard(allow), ...read, handler);
  }
  app.use(answerBridgeError);
  app.use(answerSignedError);
  app.use(notFound);
  app.use(answerError);
  return app;
}

/**
 * Returns the middleware that authenticates each kind of calling program and parses its body. These
 * routes check no CSRF token, because a browser never sends the credentials of a program by itself.
 */
function programsAdmitted(
  here: App,
  redis: Redis,
): Record<ForPrograms, (body: Body) => RequestHandler[]> {
  const admitApp = needKey(here, redis);
  const admitAccount = needAccount(here, redis);
  const admitClient = needHawk(here, redis);
  return {
    app: () => [admitApp],
    account: ({ kind }) => [admitAccount, ...(kind === 'json' ? [readJson, beginSaving] : [])],
    hawk: (body) => [admitClient(body)],
    // Another server of Oneway sends its token (the bridge token) in the request body, so the
    // handler of the route checks the token.
    bridge: () => [readBridge],
  };
}

const readBridge = express.json({ limit: '64kb', type: 'application/json' });

/**
 * Answers an error. The signed API has its own error format; all other routes use answerError().
 */
const answerAny: ErrorRequestHandler = (error, req, res, next) =>
  answerSignedError(error, req, res, (other) => void answerError(other, req, res, next));

/**
 * Returns the id of a request for the log. If a proxy sent an id, that id is used, so that the logs
 * of the proxy and of this server show the same id.
 */
function requestId(req: IncomingMessage, res: ServerResponse): string {
  const given = String(req.headers['x-request-id'] ?? '');
  const id = /^[\w-]{8,64}$/.test(given) ? given : uuid();
  res.setHeader('X-Request-Id', id);
  return id;
}

/** A response is logged with its status only, because its headers contain cookies. */
const outcome = ({ statusCode }: { statusCode: number }) => ({ status: statusCode });

/**
 * A request is logged with its id, method and path only. Headers, cookies and query values can
 * contain secrets.
 */
const brief = ({ id, method, originalUrl }: Request) => ({
  id,
  method,
  path: originalUrl.split('?')[0],
});
