/** Rules of Sigma by this project's SQL and by rsigma, an evaluator written by others: the same matches, but for what is listed. */
import { compareByChance, compareKnown, type Difference } from './sigma/compare.ts'
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

const peer = rsigma()
await compareByChance('rsigma', peer, {
  absent: true,
  nested: true,
  modifiers: ['contains', 'startswith', 'endswith', 're', 'cidr', 'exists', 'null', 'cased', 'contains|cased'],
})
await compareKnown('rsigma', peer, KNOWN)
