/** Tags of rules that name tactics and techniques of MITRE ATT&CK, Enterprise matrix. */

/** The version that tags are of. In it Defense Evasion is two tactics, and T1562 is T1685 and T1686. */
export const ATTACK_VERSION = '19'

/** Tactics in the order of the matrix. */
export const TACTICS = [
  'reconnaissance',
  'resource-development',
  'initial-access',
  'execution',
  'persistence',
  'privilege-escalation',
  'stealth',
  'defense-impairment',
  'credential-access',
  'discovery',
  'lateral-movement',
  'collection',
  'command-and-control',
  'exfiltration',
  'impact',
] as const

/** Withdrawn techniques and tactics, and what stands for them now. */
const WITHDRAWN: readonly (readonly [pattern: RegExp, instead: string])[] = [
  [/^t1562(\.|$)/, 't1685 (tools) or t1686 (firewalls)'],
  [/^defense[-_]evasion$/, 'stealth or defense-impairment'],
]

const isTactic = (name: string): boolean => (TACTICS as readonly string[]).includes(name)

/** What the ATT&CK tags of a rule say. */
export interface AttackTags {
  readonly tactics: readonly string[]
  /** Such as `T1078.004`. */
  readonly techniques: readonly string[]
}

const words = (tags: readonly string[]): string[] =>
  tags.filter((tag) => tag.startsWith('attack.')).map((tag) => tag.slice('attack.'.length))

/** Numbers that techniques of Enterprise have: they are given in order, from T1001 on. A newer version may go on a little beyond. */
const FIRST_NUMBER = 1001
const BEYOND_NUMBER = 1700

const isTechnique = (word: string): boolean => /^t\d{4}(\.\d{3})?$/.test(word)

function isNumbered(technique: string): boolean {
  const number = Number(technique.slice(1, 5))
  return number >= FIRST_NUMBER && number < BEYOND_NUMBER
}

/** Tactics and techniques among tags; groups and software are left out. */
export const attackTags = (tags: readonly string[]): AttackTags => ({
  tactics: words(tags).filter(isTactic),
  techniques: words(tags)
    .filter(isTechnique)
    .map((word) => word.toUpperCase()),
})

/** A tag that is not as it should be, and what to write. */
export interface TagFault {
  readonly severity: 'error' | 'warning'
  readonly tag: string
  readonly message: string
  readonly hint: string
}

/** What is wrong with the ATT&CK tags of a rule. */
export function tagFaults(tags: readonly string[]): TagFault[] {
  const faults = words(tags).flatMap((word): TagFault[] => {
    const tag = `attack.${word}`
    const instead = WITHDRAWN.find(([pattern]) => pattern.test(word))?.[1]
    if (instead !== undefined) {
      return [
        {
          severity: 'error',
          tag,
          message: `${tag} is not in ATT&CK ${ATTACK_VERSION}.`,
          hint: `It is ${instead} now.`,
        },
      ]
    }
    if (isTechnique(word) && !isNumbered(word)) {
      const message = `${tag} is no technique of ATT&CK ${ATTACK_VERSION}: those of the Enterprise matrix are numbered from T${FIRST_NUMBER} to below T${BEYOND_NUMBER}.`
      return [{ severity: 'warning', tag, message, hint: 'Look its number up at attack.mitre.org.' }]
    }
    if (isTactic(word) || isTechnique(word) || /^[gs]\d{4}$/.test(word)) return []
    const hint = `Write attack.t1078 or attack.t1078.004; the tactics are ${TACTICS.join(', ')}.`
    return [{ severity: 'error', tag, message: `${tag} is no tactic and no technique.`, hint }]
  })
  const { tactics, techniques } = attackTags(tags)
  const [technique] = techniques
  if (faults.length > 0 || technique === undefined || tactics.length > 0) return faults
  const tag = `attack.${technique.toLowerCase()}`
  return [
    {
      severity: 'error',
      tag,
      message: `${tag} stands without its tactic.`,
      hint: 'Add a tag such as attack.persistence.',
    },
  ]
}
