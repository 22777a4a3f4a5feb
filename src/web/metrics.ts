// Metrics for monitoring: request durations, and counts of pending, running and failed work.
import type { NextFunction, Request, Response } from 'express';
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import { refusalCounts, refusalKinds } from '../access/refusals.ts';
import { select, sql, type Statement } from '../database/sql.ts';
import type { App } from '../environments/app.ts';
import { ladder } from '../environments/rules.ts';
import { Problem } from '../problems.ts';
import { instantsAhead } from '../state/instants-ahead.ts';
import { isSecret } from './sealed.ts';

/** The states of a transfer that has not ended. */
const unended = ['planned', 'claimed', 'applying', 'committed', 'rolling_back', 'needs_attention'];

/**
 * The metrics that are counted by a SQL query whenever the metrics are read. Each has a name, a
 * help text, a label, the possible values of the label, and the query.
 */
const counted: [name: string, help: string, label: string, known: string[], question: Statement][] =
  [
    [
      'oneway_transfers',
      'Transfers of this journal that have not ended or need attention, by state.',
      'state',
      unended,
      sql`select state as label, count(*) as number from transfer
         where state in (${unended}) group by state`,
    ],
    [
      'oneway_claims',
      'Rows of this environment that are held, by the environment that holds them.',
      'origin',
      [...ladder],
      sql`select origin as label,
                cast(sum(coalesce(last_id, row_id) - row_id + 1) as unsigned) as number
           from claim group by origin`,
    ],
    [
      'oneway_jobs',
      'Jobs that wait, run or failed within a day, by state.',
      'state',
      ['waiting', 'running', 'failed'],
      sql`select state as label, count(*) as number from job
         where state in ('waiting', 'running')
            or (state = 'failed' and ended_at > utc_timestamp() - interval 1 day)
         group by state`,
    ],
    [
      'oneway_outbox',
      'Messages to other systems that are not acknowledged, by state.',
      'state',
      ['pending', 'failed'],
      sql`select state as label, count(*) as number from outbox where state <> 'acknowledged' group by state`,
    ],
  ];

export function openMetrics(here: App) {
  const { sql: on, name: environment, settings } = here;
  const registry = new Registry();
  registry.setDefaultLabels({ environment });
  collectDefaultMetrics({ register: registry });
  const requests = new Histogram({
    name: 'http_request_duration_seconds',
    help: 'How long requests took, by route.',
    labelNames: ['method', 'route', 'status'],
    buckets: [0.01, 0.03, 0.1, 0.3, 1, 3, 10],
    registers: [registry],
  });
  for (const [metric, help, name, known, question] of counted) {
    const gauge = new Gauge({
      name: metric,
      help,
      labelNames: [name],
      registers: [],
      async collect() {
        // If the database does not respond, these counts are left out. The check /readyz reports
        // the reason.
        this.reset();
        const lines = await select<{ label: string; number: number }>(on, question).catch(
          () => null,
        );
        if (lines === null) return;
        // Reports a count of zero, too, because a missing metric would look like a broken query.
        for (const value of known) this.set({ [name]: value }, 0);
        for (const { label, number } of lines) this.set({ [name]: label }, number);
      },
    });
    registry.registerMetric(gauge);
  }

  const refusals = new Counter({
    name: 'oneway_refusals_total',
    help: 'Sign-ins and keys that were refused.',
    labelNames: ['kind'],
    registers: [],
    collect() {
      this.reset();
      for (const kind of refusalKinds) this.inc({ kind }, refusalCounts(here).get(kind) ?? 0);
    },
  });
  registry.registerMetric(refusals);
  registry.registerMetric(aheadGauge(here));

  const measure = (req: Request, res: Response, next: NextFunction) => {
    const end = requests.startTimer({ method: req.method });
    res.once('finish', () => {
      // Uses the route with its placeholders (`/catalog/:entity/:id`) as the label, because the
      // path itself would create one metric for each row.
      const { path = 'other' } = (req.route ?? {}) as { path?: string };
      end({ route: path, status: res.statusCode });
    });
    next();
  };

  const show = async (req: Request, res: Response) => {
    const { metricsToken } = settings;
    if (metricsToken !== null && !isSecret(req.get('Authorization'), `Bearer ${metricsToken}`)) {
      throw new Problem(401, 'Send METRICS_TOKEN as a bearer token.');
    }
    res.type(registry.contentType).send(await registry.metrics());
  };
  return { measure, show };
}

/**
 * Counts rows whose `modified_at` is later than the clock of their database. If a database does not
 * respond, the counts are left out.
 */
const aheadGauge = (place: App) =>
  new Gauge({
    name: 'oneway_instants_ahead',
    help: 'Rows, documents and tombstones of this environment, and its clock line, that are ahead of its clock.',
    labelNames: ['kind'],
    registers: [],
    async collect() {
      this.reset();
      const found = await instantsAhead(place).catch(() => null);
      for (const [kind, number] of Object.entries(found?.numbers ?? {})) this.set({ kind }, number);
    },
  });
