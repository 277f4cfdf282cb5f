/** What an export format is: one SQL SELECT over a relation of events, and how DuckDB writes its rows. */

/** One way of writing events for another system. All of its work is SQL; no event passes through JavaScript. */
export interface ExportFormat {
  /** As typed after `--format`. */
  readonly name: string
  /** File extension without the dot and without `.gz`. */
  readonly extension: string
  /** One sentence for `--help` and the reference page. */
  readonly doc: string
  /**
   * `lines`: {@link select} yields one non-null VARCHAR column `line` without line breaks, so the same rows can be
   * sent to a log collector one by one. `rows`: it yields typed columns that only {@link copyOptions} turns into bytes.
   */
  readonly shape: 'lines' | 'rows'
  /** True if the file may be compressed as a whole with gzip; false for formats that compress inside. */
  readonly gzip: boolean
  /**
   * A SELECT over `relation`, which is SQL that can stand after FROM and has the columns of `EVENT_COLUMNS`. It makes
   * exactly one row per event and never fails on what an event holds.
   *
   * @param also columns of the relation that stand beside the format's own, before them
   */
  select(relation: string, also?: readonly string[]): string
  /** Options of `COPY … TO`, without parentheses and compression. */
  readonly copyOptions: string
  /** Options for what follows in the same stream, where a beginning has something that may not come twice: a header. */
  readonly continued?: string
  /** The same rows in other clothes, chosen by the extension of the file asked for. */
  readonly variants?: readonly ExportVariant[]
}

/** Another container for the rows of a format. */
export interface ExportVariant {
  /** Extensions that choose it, without dots; the first is the usual one. */
  readonly extensions: readonly string[]
  readonly gzip: boolean
  readonly copyOptions: string
}

/**
 * COPY options that write the column `line` as it is, one a line. The CSV writer with no quote character changes
 * nothing; a line format therefore must escape its own line breaks.
 */
export const RAW_LINES = "FORMAT csv, HEADER false, QUOTE '', ESCAPE '', DELIMITER ''"
