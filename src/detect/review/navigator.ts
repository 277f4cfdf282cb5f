/** Coverage as a layer of the ATT&CK Navigator, format 4.5 (LAYERFORMATv4_5 of mitre-attack/attack-navigator). */
import { ATTACK_VERSION } from './attack.ts'
import type { Coverage } from './coverage.ts'

/** So many titles of rules are worth reading in a box beside the matrix. */
const TITLES_SHOWN = 12

/** From few rules to many. */
const COLOURS = ['#e7f0fa', '#6aa6d8', '#08519c'] as const

/** The score of a technique is the number of rules that look for it. */
export function navigatorLayer({ techniques, rules }: Coverage, name: string): Readonly<Record<string, unknown>> {
  const most = Math.max(1, ...techniques.map((technique) => technique.rules.length))
  const parents = new Set(techniques.flatMap(({ id }) => (id.includes('.') ? [id.slice(0, id.indexOf('.'))] : [])))
  const own = new Set(techniques.map(({ id }) => id))
  const opened = [...parents]
    .filter((id) => !own.has(id))
    .map((techniqueID) => ({ techniqueID, showSubtechniques: true }))
  return {
    name,
    versions: { attack: ATTACK_VERSION, navigator: '5.1.0', layer: '4.5' },
    domain: 'enterprise-attack',
    description: `${rules.length} rules over audit events of Databricks look for ${techniques.length} techniques. The score is the number of rules.`,
    sorting: 3,
    layout: { layout: 'side', showID: true, showName: true, expandedSubtechniques: 'annotated' },
    hideDisabled: false,
    techniques: [
      ...techniques.map((technique) => ({
        techniqueID: technique.id,
        score: technique.rules.length,
        comment: titles(technique.rules.map(({ rule }) => rule.meta.title)),
        enabled: true,
        showSubtechniques: parents.has(technique.id),
      })),
      ...opened,
    ],
    gradient: { colors: COLOURS, minValue: 0, maxValue: most },
    metadata: [{ name: 'rules', value: String(rules.length) }],
  }
}

const titles = (all: readonly string[]): string => {
  const rest = all.length - TITLES_SHOWN
  return [...all.slice(0, TITLES_SHOWN), ...(rest > 0 ? [`and ${rest} more`] : [])].join('\n')
}
