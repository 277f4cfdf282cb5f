/** The questions a rule says to ask next, ready to be opened. */
import { Anchor } from '@mantine/core'
import { Link } from 'wouter'
import { Panel } from '../../parts/panel.tsx'
import { Plain } from '../../parts/plain.tsx'
import { Copy } from '../../parts/small.tsx'
import { useMay } from '../../queries/session.ts'
import { explorerUrl } from '../../url-state.ts'
import { sqlUrl } from './alert-links.ts'

/** A step of a runbook; of a rule it has no times yet. */
export interface Step {
  readonly title: string
  readonly sql: string | null
  readonly q: string | null
  readonly from?: string | null | undefined
  readonly to?: string | null | undefined
}

/** The steps of a runbook: a search opens in the explorer, a statement on the SQL page. */
export function Runbook({
  steps,
  note,
  filled = true,
}: {
  readonly steps: readonly Step[]
  readonly note?: string
  /** False where names and times are still to be put into the statements. */
  readonly filled?: boolean
}) {
  const maySql = useMay('sql:run')
  if (steps.length === 0) return null
  return (
    <Panel title="Runbook" {...(note === undefined ? {} : { note })}>
      <ol className="runbook">
        {steps.map(({ title, sql, q, from, to }) => (
          <li key={`${title} ${sql ?? ''}`}>
            <div className="runbook-top">
              <Plain text={title} />
              {q === null ? null : (
                <Anchor component={Link} href={explorerUrl(q, { from: from ?? null, to: to ?? null })}>
                  Open in the explorer
                </Anchor>
              )}
              {sql === null || !maySql || !filled ? null : (
                <Anchor component={Link} href={sqlUrl(sql)}>
                  Open as SQL
                </Anchor>
              )}
            </div>
            {sql === null ? null : (
              <details>
                <summary>Statement</summary>
                <div className="runbook-sql">
                  {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard */}
                  <pre tabIndex={0}>
                    <Plain text={sql} keepLines />
                  </pre>
                  <Copy text={sql} label="Copy the statement" />
                </div>
              </details>
            )}
          </li>
        ))}
      </ol>
    </Panel>
  )
}
