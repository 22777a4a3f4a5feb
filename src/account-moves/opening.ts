// The first two stages of a migration run: brands and channels, then the recent messages. A person may be waiting for
// them.
import type { PoolConnection } from 'mysql2/promise';
import { failpoint } from '../database/failpoints.ts';
import { fromSqlInstant, run, sql } from '../database/sql.ts';
import { NotFound, Unavailable } from '../problems.ts';
import { channelsThere, accountThere } from './conversations.ts';
import { lettersOf, recordLetters, withoutKnown, type Letter } from './letters.ts';
import { giveWay } from './giving-way.ts';
import type { Move } from './moves.ts';
import { readPage } from './narrowing.ts';
import type { FoundPage } from './page-rows.ts';
import { writePages } from './page-writer.ts';
import { SourceFailed } from './reader.ts';
import { recentLimit, recentOf } from './recent.ts';
import { idIn, parseBrand, parseChannel, type Parsed } from './records.ts';
import { advance, checkpoint, own, RunFailed, type Run } from './run.ts';
import { upsertBrands, upsertChannels } from './upserts.ts';

/**
 * How many recent messages are read and stored at a time: fewer than in later stages, so that the first messages arrive
 * sooner.
 */
const PAGE = 250;

/**
 * Fetches the brands and channels of an account from the older system and stores them. Channels that the account
 * already has in Oneway are not removed.
 */
export async function moveChannels(at: Run) {
  const settings = at.here.settings.moves;
  if (!settings) throw new RunFailed('not-set', 'CONVERSATIONS_URL is not set here any more.');
  const there = await asked(accountThere(settings, at.externalId));
  if (!there) throw unknownThere();
  const { brands, channels } = await asked(channelsThere(settings, at.externalId));
  const letters: Letter[] = [];
  const known = <T>(
    items: unknown[],
    what: 'brand' | 'channel',
    parse: (item: unknown) => Parsed<T>,
  ) =>
    items.flatMap((item, index) => {
      const parsed = parse(item);
      if (parsed.fault === null) return [parsed.record];
      const cursor = idIn(item) ?? `number ${index + 1}`;
      letters.push(
        ...lettersOf(
          at,
          [{ cursor, item, reason: parsed.fault, cause: `unreadable-${what}` }],
          what,
        ),
      );
      return [];
    });
  const found = {
    brands: known(brands, 'brand', parseBrand),
    channels: known(channels, 'channel', parseChannel),
  };
  const fresh = await withoutKnown(at, letters);
  await failpoint('channels read');
  await advance(at, {
    from: 'channels',
    reaches: 'channels-only',
    change: sql`channels = ${found.channels.length}, expected_messages = ${there.messages},
                failed = failed + ${fresh.length}`,
    also: async (on) => {
      await upsertBrands(on, at, found.brands);
      await upsertChannels(on, at, found.channels);
      await recordLetters(on, at, fresh);
      if (fresh.length > 0) await noteRejected(on, at, fresh);
    },
  });
}

/**
 * Waits for an answer of the older system, from which the account is migrated. If the older system does not know the
 * account, the run fails. If no answer comes, the job is tried again later.
 */
const asked = <T>(answer: Promise<T>): Promise<T> =>
  answer.catch((error: unknown) => {
    if (error instanceof NotFound) throw unknownThere();
    if (error instanceof Unavailable) throw new SourceFailed('older-system', error.message);
    throw error;
  });

const unknownThere = () =>
  new RunFailed(
    'account-unknown',
    'The older system does not know this account any more. What arrived is kept.',
  );

/**
 * Records an error about brands and channels that could not be stored, so that it is reported. The
 * run goes on.
 */
const noteRejected = (on: PoolConnection, at: Run, letters: Letter[]) =>
  run(
    on,
    sql`update account_move
           set error_code = 'channels-rejected', error_at = utc_timestamp(3),
               error_message = ${`${letters.length} brands or channels cannot be stored: ${letters[0]?.reason ?? ''}`}
         where ${own(at)}`,
  );

/**
 * Reads the recent messages, newest first. The commit that ends this stage also calls `nextJob`, which requests the job
 * of the remaining stages.
 */
export async function moveRecent(at: Run, nextJob: (on: PoolConnection) => Promise<void>) {
  const move = await checkpoint(at);
  await writePages(at, recentPages(at, move), move);
  await advance(at, { from: 'recent', reaches: 'recent-messages-only', also: nextJob });
}

async function* recentPages(at: Run, move: Move): AsyncGenerator<FoundPage> {
  const most = at.here.settings.moves?.recent.messages ?? 0;
  const recent = { cutAt: fromSqlInstant(move.cut_at ?? ''), most };
  let after = move.position;
  let count = move.messages + move.failed;
  let isOver = move.all_read === 1;
  for (;;) {
    const limit = isOver ? 0 : recentLimit(count, recent, PAGE);
    if (limit === 0) return;
    await giveWay(at);
    const found = await readPage(at.reader, { after, limit });
    const { items, next, isLast } = recentOf(found, { after, read: count, ...recent });
    // Ignore unreadable records that are older than the last recent message: the next stage reads them again, and makes
    // dead letters of them.
    const lost = found.lost.filter(
      ({ cursor }) => next === found.next || move.reader === 'dump' || cursor > (next ?? ''),
    );
    count += items.length + lost.length;
    after = next;
    isOver = isLast;
    const isEnd = found.next === null && items.length === found.items.length;
    yield { items, lost, next, isEnd };
  }
}
