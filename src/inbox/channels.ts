// The channels of an account through which messages arrive, such as WebChat. Channels are migrated from the older
// system Conversations; only WebChat can also be created by Oneway.
import { run, select, sql, type Queryable } from '../database/sql.ts';

export type Channel = {
  id: string;
  /** The id and the name of the brand that the channel belongs to; null when it has none. */
  brand_id: string | null;
  brand: string | null;
  kind: string;
  name: string;
  address: string;
  /**
   * The migration of the account that wrote the channel last (each run of a migration has a number); null for a channel
   * that Oneway created.
   */
  run: number | null;
};

/**
 * The id of the WebChat channel that Oneway creates. The colon keeps this id different from the ids of migrated
 * channels, which may be consecutive numbers.
 */
const WEBCHAT = 'here:webchat';

/** Lists the channels of an account, sorted by name. */
export const listChannels = (on: Queryable, account: number) =>
  select<Channel>(
    on,
    sql`select channel.id, channel.brand_id, brand.name as brand, channel.kind, channel.name,
               channel.address, channel.run
          from inbox_channel channel
          left join inbox_brand brand
            on brand.account_id = channel.account_id and brand.id = channel.brand_id
         where channel.account_id = ${account}
         order by channel.name, channel.id`,
  );

/**
 * Adds a WebChat channel to an account, unless the account already has a WebChat channel, migrated or created by
 * Oneway. Returns whether the channel was added. A later migration of the account does not change this channel.
 */
export async function addWebChat(on: Queryable, account: number): Promise<boolean> {
  const added = await run(
    on,
    sql`insert ignore into inbox_channel (account_id, id, kind, name, run)
        select id, ${WEBCHAT}, 'webchat', 'WebChat', null from inbox_account
         where id = ${account}
           and not exists (select 1 from inbox_channel
                            where account_id = ${account} and kind = 'webchat')`,
  );
  return added === 1;
}
