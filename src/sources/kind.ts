// What a kind of source is: how the index of a publisher is asked for the list of its files.
import type { z } from 'zod';
import type { Http } from './http.ts';

/**
 * A file that a source lists. `url`: empty when its entry has none. `size` and `etag`: as the index says; undefined
 * when it does not.
 */
export type ListedFile = { name: string; url: string; size?: number; etag?: string };

/** A field of the form for the options of a kind. */
type OptionField = { name: string; label: string; hint: string; initial: string };

/** The address and the options of a source, as its kind needs them. */
type Indexed<Options> = { url: string; options: Options };

export type Kind<Options = object> = {
  label: string;
  /** What the form says about the address. */
  urlHint: string;
  fields: OptionField[];
  options: z.ZodType<Options>;
  /**
   * Yields the files that the index lists.
   * @throws FetchFailure when the index cannot be fetched, or is not of this kind
   */
  list: (source: Indexed<Options>, http: Http) => AsyncIterable<ListedFile>;
};

/** The kind with its options checked: stored options are parsed before the index is asked. */
export const kind = <Options extends object>(one: Kind<Options>): Kind => ({
  ...one,
  list: ({ url, options }, http) => one.list({ url, options: one.options.parse(options) }, http),
});
