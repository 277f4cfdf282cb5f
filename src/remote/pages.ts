/** Lists of a server that come page by page. */
import type { AnswerStream } from '../engine/sandbox.ts'

/** What every page tells of the next. */
interface Page {
  readonly nextCursor: string | null
}

/** Rows of a page of an answer. */
const PAGE = 500

/** The pages, one after the other, as they are read. */
export async function* pagesOf<P extends Page>(ask: (cursor: string | undefined) => Promise<P>): AsyncGenerator<P> {
  for (let cursor: string | undefined; ; ) {
    const page = await ask(cursor)
    yield page
    if (page.nextCursor === null) return
    cursor = page.nextCursor
  }
}

/** What is made of the pages. */
export interface PagedRows<P extends Page> {
  readonly columns: AnswerStream['columns']
  /** Rows at most. */
  readonly limit: number
  ask(most: number, cursor: string | undefined): Promise<P>
  rowsOf(page: P): unknown[][]
}

/** The first rows, following cursors until there are enough. Nothing is asked before the first batch is read. */
export function pagedAnswer<P extends Page>({ columns, limit, ask, rowsOf }: PagedRows<P>): AnswerStream {
  const started = performance.now()
  let [hasMore, elapsedMs] = [false, 0]
  async function* batches() {
    let left = limit
    for await (const page of pagesOf((cursor) => ask(Math.min(left, PAGE), cursor))) {
      const rows = rowsOf(page)
      left -= rows.length
      hasMore = page.nextCursor !== null
      elapsedMs = performance.now() - started
      yield rows
      if (left <= 0) return
    }
  }
  return { columns, batches: batches(), truncated: () => hasMore, elapsedMs: () => Math.round(elapsedMs) }
}
