// Describes each request to the store as lines of text, so that the patterns of faults can match requests.
type Key = Record<string, { S?: string }>;
type Keys = Record<string, { Keys?: Key[] }>;

export type StoreRequest = {
  operation: string;
  body: {
    TableName?: string;
    Key?: Key;
    RequestItems?: Keys;
    ProjectionExpression?: string;
    ExclusiveStartKey?: Key;
    ExpressionAttributeValues?: Key;
  };
};

const textsOf = (key: Key = {}) => Object.values(key).flatMap(({ S }) => S ?? []);

/**
 * Returns a request as lines: `GetItem messages a-1 <position>`, `Query messages a-1 (after
 * <position>)`, or a line for each key of a batch.
 */
export function linesOf({ operation, body }: StoreRequest): string[] {
  if (body.RequestItems) {
    return Object.entries(body.RequestItems).flatMap(([table, { Keys = [] }]) =>
      Keys.map((key) => [operation, table, ...keyOf(key)].join(' ')),
    );
  }
  const isKeysOnly = operation === 'Query' && body.ProjectionExpression !== undefined;
  const [account = ''] = textsOf(body.ExpressionAttributeValues);
  // The key after which a query continues is in brackets. Otherwise a fault for one record would also match the query
  // that continues after this record.
  const after = keyOf(body.ExclusiveStartKey).slice(1);
  const key = body.Key ? keyOf(body.Key) : [account, ...after.map((one) => `(after ${one})`)];
  return [[`${operation}${isKeysOnly ? 'Keys' : ''}`, body.TableName, ...key].join(' ')];
}

const keyOf = (key: Key = {}) => {
  const { account_id: account, ...range } = key;
  return [...textsOf(account && { account }), ...textsOf(range)];
};

/** Returns one line for each record in the answer to a query for whole records; no lines for any other request. */
export function recordLines({ operation, body }: StoreRequest, answer: Buffer): string[] {
  if (operation !== 'Query' || body.ProjectionExpression !== undefined) return [];
  const { Items = [] } = JSON.parse(answer.toString()) as { Items?: Key[] };
  return Items.map((item) => {
    const range = item['position']?.S ?? item['id']?.S ?? '';
    return `Query ${body.TableName} ${item['account_id']?.S} ${range}`;
  });
}

/**
 * Splits a batch request by keys. `kept`: the request without the keys that match; `left`: the keys that match, which
 * the store answers as unprocessed.
 */
export function withoutKeys({ operation, body }: StoreRequest, match: RegExp) {
  const isLeft = (table: string, key: Key) =>
    match.test([operation, table, ...keyOf(key)].join(' '));
  const parts = (wanted: (table: string, key: Key) => boolean): Keys =>
    Object.fromEntries(
      Object.entries(body.RequestItems ?? {})
        .map(([table, { Keys = [], ...rest }]): [string, { Keys: Key[] }] => [
          table,
          { ...rest, Keys: Keys.filter((key) => wanted(table, key)) },
        ])
        .filter(([, { Keys }]) => Keys.length > 0),
    );
  return {
    kept: { ...body, RequestItems: parts((table, key) => !isLeft(table, key)) },
    left: parts(isLeft),
  };
}
