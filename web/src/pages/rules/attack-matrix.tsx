/** MITRE ATT&CK: which techniques rules look for, and which of them were seen. */
import { Link } from 'wouter'
import type { Coverage } from '../../../../src/serve/shapes/rules.ts'
import { Panel } from '../../parts/panel.tsx'
import { Plain } from '../../parts/plain.tsx'
import { Empty } from '../../parts/state-of.tsx'
import { numberOf } from '../../times.ts'

type Tactic = Coverage['tactics'][number]
type Technique = Tactic['techniques'][number]

/** A column a tactic; the more rules look for a technique, the stronger its colour; what fired is marked. */
export function AttackMatrix({ coverage }: { readonly coverage: Coverage }) {
  const tactics = coverage.tactics.filter(({ techniques }) => techniques.length > 0)
  const techniques = new Set(tactics.flatMap((tactic) => tactic.techniques.map(({ id }) => id)))
  const { covered, known } = coverage.actions
  return (
    <Panel
      title="ATT&CK"
      note={
        <>
          {numberOf(techniques.size)} techniques of {numberOf(tactics.length)} tactics; {numberOf(covered)} of{' '}
          {numberOf(known)} known actions are looked at by rules
        </>
      }
      actions={<Key />}
      flush
    >
      {tactics.length === 0 ? (
        <Empty title="No rule names a technique" />
      ) : (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
        <section className="matrix" tabIndex={0} aria-label="Techniques by tactic">
          {tactics.map((tactic) => (
            <Column key={tactic.id} tactic={tactic} />
          ))}
        </section>
      )}
    </Panel>
  )
}

function Key() {
  return (
    <ul className="matrix-key" aria-hidden="true">
      <li>
        <span className="cell-1" /> a rule
      </li>
      <li>
        <span className="cell-3" /> many
      </li>
      <li>
        <span className="cell-1 fired" /> fired, how often
      </li>
    </ul>
  )
}

function Column({ tactic }: { readonly tactic: Tactic }) {
  const rules = tactic.techniques.reduce((sum, technique) => sum + technique.rules, 0)
  return (
    <div className="matrix-column">
      <h3>
        <Plain text={tactic.name} />
        <span>{numberOf(tactic.techniques.length)}</span>
        <span className="unseen-caption">techniques, {rules} rules</span>
      </h3>
      <ul>
        {tactic.techniques.map((technique) => (
          <li key={technique.id}>
            <Cell technique={technique} />
          </li>
        ))}
      </ul>
    </div>
  )
}

const shadeOf = (rules: number): number => (rules >= 6 ? 3 : rules >= 3 ? 2 : 1)

function Cell({ technique }: { readonly technique: Technique }) {
  const { id, name, rules, fired } = technique
  return (
    <Link
      className={`matrix-cell cell-${shadeOf(rules)} ${fired > 0 ? 'fired' : ''}`}
      href={`/rules?${new URLSearchParams({ technique: id }).toString()}`}
    >
      <span className="matrix-name">
        <Plain text={name === '' ? id : name} />
      </span>
      <span className="matrix-numbers">
        <span>{id}</span>
        <span>
          {numberOf(rules)} {rules === 1 ? 'rule' : 'rules'}
          {fired > 0 ? `, ${numberOf(fired)}×` : ''}
        </span>
      </span>
    </Link>
  )
}
