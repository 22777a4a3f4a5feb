// Recovery resumes the transfers of workers that died, when a program starts and every few seconds. It raises the fence
// (number) of the transfer, so that a worker that was only suspended can write nothing any more, and then follows the
// steps in the journal (the record of each transfer).
import type { Environment } from '../environments/environment.ts';
import { collection } from '../rows/mongo.ts';
import { isDocument } from '../catalog/entity.ts';
import { catalog } from '../catalog/index.ts';
import { willPass } from '../database/transient-errors.ts';
import { isUnwilling } from '../database/unwillingness.ts';
import { readVersion } from '../version/metadata.ts';
import { reasonOf } from '../environments/unreachable.ts';
import * as claims from './claims.ts';
import * as journal from './journal.ts';
import { OutcomePending } from './work.ts';
import { runTransfer } from './run-transfer.ts';

type Log = { info(data: object, message: string): void; warn(data: object, message: string): void };
export type RecoveryContext = {
  here: Environment;
  there: Environment | null;
  lease: number;
  log: Log;
};

/**
 * Resumes every transfer whose worker died, and returns how many transfers ended. Saves in this
 * environment are resumed even while the destination does not answer.
 */
export async function recover(recovering: RecoveryContext): Promise<number> {
  const orphans = await journal.orphans(recovering.here);
  const isOwn = ({ destination }: journal.Transfer) => destination === recovering.here.name;
  const ended = await Promise.all([
    recoverInTurn(recovering, orphans.filter(isOwn)),
    recoverInTurn(
      recovering,
      orphans.filter((one) => !isOwn(one)),
    ),
  ]);
  return ended.reduce((total, one) => total + one, 0);
}

async function recoverInTurn(
  { here, there, lease, log }: RecoveryContext,
  orphans: journal.Transfer[],
) {
  let ended = 0;
  for (const orphan of orphans) {
    const target = orphan.destination === here.name ? here : there;
    const isFree = target !== null && (await mayContinue(target, orphan));
    const taken = isFree ? await journal.takeOver(here, orphan, lease) : null;
    if (taken && target) {
      try {
        await claims.endWriter(target.sql, taken);
        await runTransfer(here, target, taken, lease);
        ended += 1;
        log.info({ transfer: taken.number, state: taken.state }, 'transfer recovered');
      } catch (error) {
        if (!(error instanceof OutcomePending)) await escalateOrRelease(here, taken, error);
        log.warn({ transfer: taken.number, err: error }, 'transfer not recovered yet');
      }
    }
  }
  return ended;
}

/**
 * Whether a transfer may be resumed now. While a database is being migrated to another version, only a transfer with
 * claimed rows may be resumed, because that migration waits until no row is claimed.
 */
async function mayContinue(target: Environment, orphan: journal.Transfer): Promise<boolean> {
  try {
    const version = await readVersion(target.documents);
    return !version?.isUpdating || (await claims.hasAny(target.sql, orphan.id));
  } catch (error) {
    if (isUnwilling(error)) return false;
    throw error;
  }
}

const TRIES = 5;

/**
 * Marks a transfer as needing attention if it has failed five times because of its own content.
 * Otherwise the next round of recovery tries again.
 */
async function escalateOrRelease(here: Environment, taken: journal.Transfer, error: unknown) {
  const message = reasonOf(error);
  const isHopeless =
    taken.fence > TRIES && !(error instanceof journal.FencedOff) && !willPass(error);
  const act = isHopeless
    ? journal.needAttention(here, taken, { reason: 'keeps-failing', row: null, message })
    : journal.endLease(here, taken);
  await act.catch(() => {
    // An error is ignored: the next round of recovery tries again.
  });
}

/** Removes the claims of transfers that have ended, in this environment and at the destination. */
export async function sweepClaims({ here, there }: RecoveryContext) {
  for (const stop of there ? [here, there] : [here]) {
    for (const { transfer: id } of await claims.originsWithClaims(stop.sql, here.name)) {
      await claims.releaseIfOver(here.sql, stop.sql, id);
    }
  }
}

/**
 * Deletes stubs (what is left of removed documents) after a day. Until then a stub stops a
 * suspended worker that resumes.
 */
async function sweepStubs(here: Environment) {
  const yesterday = new Date(Date.now() - 24 * 60 * 60 * 1000);
  for (const entity of catalog.filter(isDocument)) {
    await collection(here.documents, entity).deleteMany({ removed_at: { $lt: yesterday } });
  }
}

/**
 * Runs recovery at once and then repeatedly, with a pause of `every` milliseconds between two
 * rounds. The returned function stops recovery, and resolves when the current round has ended.
 */
export function startRecovery(recovering: RecoveryContext, every: number): () => Promise<void> {
  let isOn = true;
  let wake = () => {};
  const loop = async () => {
    for (let round = 0; isOn; round += 1) {
      await recover(recovering)
        .then(() => sweepClaims(recovering))
        .then(() => (round % 100 === 0 ? sweepStubs(recovering.here) : undefined))
        .catch((error: unknown) => recovering.log.warn({ err: error }, 'recovery will try again'));
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, every);
        wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  };
  const ended = loop();
  return async () => {
    isOn = false;
    wake();
    await ended;
  };
}
