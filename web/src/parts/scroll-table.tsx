/** A table that scrolls by itself where the page is too narrow for it, also by keyboard. */
import { Table } from '@mantine/core'
import type { ReactNode } from 'react'
import './scroll-table.css'

/** A column's heading; `wide` ones are left out where there is little room. */
export interface Column {
  readonly name: string
  readonly wide?: boolean
  /** Numbers stand at the right. */
  readonly number?: boolean
  /** The heading is for screen readers only, such as that of a column of buttons. */
  readonly silent?: boolean
}

/** A table with headings. Cells of wide columns take the class `wide-only`, those of numbers `number`. */
export function ScrollTable({
  label,
  columns,
  className = '',
  children,
}: {
  readonly label: string
  readonly columns: readonly Column[]
  readonly className?: string
  readonly children: ReactNode
}) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
    <section className={`scroll-table ${className}`} tabIndex={0} aria-label={`Table: ${label}`}>
      <Table highlightOnHover>
        <Table.Thead>
          <Table.Tr>
            {columns.map(({ name, wide, number, silent }) => (
              <Table.Th
                key={name}
                className={`${wide === true ? 'wide-only' : ''} ${number === true ? 'number' : ''}`}
                scope="col"
              >
                {silent === true ? <span className="unseen-caption">{name}</span> : name}
              </Table.Th>
            ))}
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>{children}</Table.Tbody>
      </Table>
    </section>
  )
}
