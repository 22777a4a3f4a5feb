// Defines what a kind of data source is: a way to read a publisher’s index into a list of files.
import type { z } from 'zod';
import type { Http } from './http.ts';

/**
 * A file that a data source lists. `url` is empty if the index gives no URL for the file. `size` and `etag` are
 * undefined if the index does not give them.
 */
export type ListedFile = { name: string; url: string; size?: number; etag?: string };

/** A field in the form of a data source, for one option of the source’s kind. */
type OptionField = { name: string; label: string; hint: string; initial: string };

/** The parts of a data source that its kind needs: the URL of the index, and the options. */
type Indexed<Options> = { url: string; options: Options };

export type Kind<Options = object> = {
  label: string;
  /** The hint beside the URL field in the form of a data source. */
  urlHint: string;
  fields: OptionField[];
  options: z.ZodType<Options>;
  /**
   * Yields the files that the index lists.
   * @throws FetchFailure when the index cannot be fetched, or has another format than the kind
   * expects
   */
  list: (source: Indexed<Options>, http: Http) => AsyncIterable<ListedFile>;
};

/**
 * Creates a kind of data source whose `list` validates the stored options before it requests the index.
 */
export const kind = <Options extends object>(one: Kind<Options>): Kind => ({
  ...one,
  list: ({ url, options }, http) => one.list({ url, options: one.options.parse(options) }, http),
});
