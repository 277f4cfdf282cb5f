/** Rules of Sigma by this project's SQL and by rsigma, an evaluator written by others: the same matches, but for what is listed. */

import { patternText } from '../../src/detect/sigma/pattern.ts'
import type { DetectionRule } from '../../src/detect/sigma/rule.ts'
import { type Item, itemsOf, type Test } from '../../src/detect/sigma/tree.ts'
import { compareByChance, compareKnown, compareRulesOf, type Difference } from './sigma/compare.ts'
import { rsigma } from './sigma/rsigma.ts'

const KNOWN: readonly Difference[] = [
  {
    detection: "s: ['20']",
    record: { a: 200 },
    ours: true,
    theirs: false,
    reason: 'keywords are looked for in the whole record, numbers too',
  },
  {
    detection: 's: { a: Σ }',
    record: { a: 'ς' },
    ours: true,
    theirs: false,
    reason: 'without case both small sigmas are the capital one',
  },
  {
    detection: "s: { 'a|lt': 30 }",
    record: { a: ' 20 ' },
    ours: true,
    theirs: false,
    reason: 'blanks around a number delivered as text do not count',
  },
  {
    detection: "s: { 'a|neq': x }",
    record: { b: 1 },
    ours: true,
    theirs: false,
    reason: 'neq is the opposite of the line without it, of an absent field too',
  },
  {
    detection: 's: { a: null }',
    record: { a: [] },
    ours: true,
    theirs: false,
    reason: 'a list without elements has no value',
  },
  {
    detection: "s: { 'a|exists': true }",
    record: { a: null },
    ours: true,
    theirs: false,
    reason: 'exists asks for the field, not for its value',
  },
  {
    detection: "s: { 'a|windash|contains': /p }",
    record: { a: 'x -p' },
    ours: true,
    theirs: false,
    reason: 'windash takes a slash for a dash as well as a dash for a slash',
  },
  {
    detection: "s: { '|all': [ab, cd] }",
    record: { a: 'ab', b: 'cd' },
    ours: true,
    theirs: false,
    reason: 'keywords under |all are looked for like others',
  },
  {
    detection: "s: { 'a|endswith': 'b*.txt' }",
    record: { a: 'a-b-c.txt' },
    ours: true,
    theirs: false,
    reason: 'wildcards within a value keep their meaning under endswith and its like',
  },
  {
    detection: "s: { 'a|base64offset|contains': abcde }",
    record: { a: 'YWJjZGXx' },
    ours: true,
    theirs: false,
    reason: 'the last character that is settled by the text alone is where the pattern ends',
  },
  {
    detection: "s: { 'a|windash|contains': 'a-p' }",
    record: { a: 'a/p' },
    ours: false,
    theirs: true,
    reason: 'a dash inside a word begins no flag',
  },
  {
    detection: "s: { a: 'x*y' }",
    record: { a: 'x\ny' },
    ours: true,
    theirs: false,
    reason: 'a wildcard stands for any text, line breaks too',
  },
  {
    detection: 's: { a: x }\n  condition: s AND s',
    record: { a: 'x' },
    ours: true,
    theirs: 'refused',
    reason: 'words of conditions are taken in capitals',
  },
]

/** Why rsigma reads a rule in another way; each of these has its line above. */
function readOtherwise({ tree }: DetectionRule): string | undefined {
  const items = itemsOf(tree)
  const says = (modifier: string) => items.some(({ key }) => key.includes(modifier))
  if (items.some(({ field, link, values }) => field === null && (link === 'all' || values.flat().some(isNumber))))
    return 'keywords of which all have to be there, or numbers'
  if (says('|windash')) return 'windash of a slash'
  if (says('|base64offset')) return 'the last characters of base64offset'
  return items.some(hasWildcardInside) ? 'a wildcard within contains, startswith or endswith' : undefined
}

const isNumber = (test: Test): boolean =>
  test.kind === 'number' || (test.kind === 'text' && /^\d+$/.test(patternText(test.pattern)))

const hasWildcardInside = ({ key, values }: Item): boolean =>
  /\|(contains|startswith|endswith)/.test(key) &&
  values
    .flat()
    .some(
      (test) => test.kind === 'text' && test.pattern.some(({ kind }, at) => kind === 'one' || isInner(kind, at, test)),
    )

const isInner = (kind: string, at: number, { pattern }: Extract<Test, { kind: 'text' }>): boolean =>
  kind === 'any' && at > 0 && at < pattern.length - 1

const peer = rsigma()
await compareByChance('rsigma', peer, {
  absent: true,
  nested: true,
  modifiers: ['contains', 'startswith', 'endswith', 're', 'cidr', 'exists', 'null', 'cased', 'contains|cased'],
})
await compareKnown('rsigma', peer, KNOWN)

/** A folder or .tar.gz of SigmaHQ's rules, which are not kept here. */
const { SIGMAHQ } = process.env
if (SIGMAHQ !== undefined && 'command' in peer) await compareRulesOf('rsigma', peer, SIGMAHQ, readOtherwise)
