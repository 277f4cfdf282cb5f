/** Names and values, and JSON as a tree of text. */
import type { ReactNode } from 'react'
import { Plain } from './plain.tsx'

/** Rows of names and values; rows whose value is null or undefined are left out. */
export function KeyValue({ rows }: { readonly rows: readonly (readonly [string, ReactNode])[] }) {
  return (
    <dl className="key-value">
      {rows
        .filter(([, value]) => value !== null && value !== undefined)
        .map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
    </dl>
  )
}

/** Deeper than this a value is one line of JSON. */
const DEEPEST = 8

/** Longer lists are cut here, and say so. */
const MOST_ITEMS = 200

/** JSON as indented text, every part of it inert. */
export function JsonView({ value, label = 'JSON' }: { readonly value: unknown; readonly label?: string }) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
    <section className="json" tabIndex={0} aria-label={label}>
      <Node value={value} depth={0} />
    </section>
  )
}

function Node({ value, depth }: { readonly value: unknown; readonly depth: number }): ReactNode {
  if (value === null || value === undefined) return <span className="json-null">null</span>
  if (typeof value === 'string') return <Text text={value} />
  if (typeof value !== 'object') return <span className="json-number">{String(value)}</span>
  const isList = Array.isArray(value)
  const entries = Object.entries(value)
  if (entries.length === 0) return <span className="json-null">{isList ? '[]' : '{}'}</span>
  if (depth >= DEEPEST) return <Plain text={JSON.stringify(value)} />
  return (
    <ul>
      {entries.slice(0, MOST_ITEMS).map(([name, each]) => (
        <li key={name}>
          <span className={isList ? 'json-null' : 'json-key'}>
            <Plain text={name} />
          </span>
          : <Node value={opened(each)} depth={depth + 1} />
        </li>
      ))}
      {entries.length > MOST_ITEMS ? <li className="json-null">… {entries.length - MOST_ITEMS} more</li> : null}
    </ul>
  )
}

const Text = ({ text }: { readonly text: string }) => (
  <span className="json-string">
    <Plain text={text} keepLines />
  </span>
)

/** Logs like to hold JSON within text; it is shown as what it is. */
function opened(value: unknown): unknown {
  if (typeof value !== 'string' || !/^\s*[[{]/.test(value) || value.length > 200_000) return value
  try {
    const parsed: unknown = JSON.parse(value)
    return typeof parsed === 'object' && parsed !== null ? parsed : value
  } catch {
    return value
  }
}
