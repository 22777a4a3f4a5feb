/** The most ids in one MongoDB query: some servers search the list of `$in` again for each document. */
export const limits = { idsPerQuery: 1000 };
