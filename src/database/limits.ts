/**
 * The maximum number of ids in one MongoDB query. Some servers search the whole `$in` list for each
 * document, so long lists are slow.
 */
export const limits = { idsPerQuery: 1000 };
