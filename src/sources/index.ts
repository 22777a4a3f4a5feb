// The kinds of data sources by name. The kind of a data source says how the publisher’s list of files is read.
import { ckan } from './ckan.ts';
import { htmlIndex } from './html-index.ts';
import { jsonIndex } from './json-index.ts';
import type { Kind } from './kind.ts';

export const kinds = { 'json-index': jsonIndex, 'html-index': htmlIndex, ckan } satisfies Record<
  string,
  Kind
>;
export type KindName = keyof typeof kinds;

export const kindNames = Object.keys(kinds) as KindName[];
export const isKind = (name: string): name is KindName => Object.hasOwn(kinds, name);
