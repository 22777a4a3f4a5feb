// Keeps the sessions, codes and grants of the demo’s sign-in provider in memory, until its process ends.
import type { Adapter, AdapterFactory, AdapterPayload } from 'oidc-provider';

export function memory(): AdapterFactory {
  const kept = new Map<string, AdapterPayload>();
  return (model) => shelf(kept, model);
}

function shelf(kept: Map<string, AdapterPayload>, model: string): Adapter {
  const key = (id: string) => `${model}:${id}`;
  const findBy = async (property: 'uid' | 'userCode', value: string) =>
    [...kept].find(([one, { [property]: is }]) => one.startsWith(key('')) && is === value)?.[1];
  return {
    upsert: async (id, payload) => void kept.set(key(id), payload),
    find: async (id) => kept.get(key(id)),
    findByUid: (uid) => findBy('uid', uid),
    findByUserCode: (code) => findBy('userCode', code),
    consume: async (id) => {
      const payload = kept.get(key(id));
      if (payload) payload.consumed = Math.floor(Date.now() / 1000);
    },
    destroy: async (id) => void kept.delete(key(id)),
    // Deletes only those records of this adapter’s model that belong to the grant (what a client may do for a person).
    // The records of the model Interaction, which have another adapter, name the grant, too, but must stay.
    revokeByGrantId: async (grant) => {
      for (const [one, { grantId }] of kept) {
        if (one.startsWith(key('')) && grantId === grant) kept.delete(one);
      }
    },
  };
}
