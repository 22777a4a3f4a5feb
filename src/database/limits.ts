/** Ids in one MongoDB query. There are servers that search a list in `$in` once for every document that they find. */
export const limits = { idsPerQuery: 1000 };
