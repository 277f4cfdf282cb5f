/** Rows of any columns; only those in sight are drawn. */
import { useVirtualizer } from '@tanstack/react-virtual'
import { useRef } from 'react'
import type { SqlAnswer } from '../../../../src/serve/shapes/events.ts'
import { Plain } from '../../parts/plain.tsx'
import { textOfValue } from './files.ts'

const ROW_PX = 27

/** Longer values are cut in the table; files have them whole. */
const MOST_CHARS = 400

/** The rows of an answer. */
export function ResultTable({ answer: { columns, rows } }: { readonly answer: SqlAnswer }) {
  const scroller = useRef<HTMLElement>(null)
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => ROW_PX,
    overscan: 15,
  })
  const shown = virtual.getVirtualItems()
  const above = shown[0]?.start ?? 0
  const below = virtual.getTotalSize() - (shown.at(-1)?.end ?? 0)
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
    <section ref={scroller} className="sql-rows" tabIndex={0} aria-label="Rows">
      <table aria-rowcount={rows.length + 1}>
        <thead>
          <tr>
            {columns.map(({ name, type }, at) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: two columns may be called alike, and none changes its place
              <th key={at} scope="col" title={type}>
                <Plain text={name} />
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {above > 0 ? <Space height={above} columns={columns.length} /> : null}
          {shown.map(({ index }) => (
            <tr key={index} aria-rowindex={index + 2}>
              {columns.map((_, at) => (
                // biome-ignore lint/suspicious/noArrayIndexKey: as above
                <Cell key={at} value={rows[index]?.[at]} />
              ))}
            </tr>
          ))}
          {below > 0 ? <Space height={below} columns={columns.length} /> : null}
        </tbody>
      </table>
    </section>
  )
}

const Space = ({ height, columns }: { readonly height: number; readonly columns: number }) => (
  <tr>
    <td colSpan={columns} style={{ height, padding: 0 }} />
  </tr>
)

function Cell({ value }: { readonly value: unknown }) {
  if (value === null || value === undefined) {
    return (
      <td>
        <span className="none">null</span>
      </td>
    )
  }
  const text = textOfValue(value)
  return (
    <td className={typeof value === 'number' ? 'sql-number' : undefined}>
      <Plain text={text.length > MOST_CHARS ? `${text.slice(0, MOST_CHARS)}…` : text} />
    </td>
  )
}
