/** Rules of Sigma by this project's SQL and by pySigma's SQLite backend, written by others: the same matches, but for what is listed. */
import { compareByChance, compareKnown, type Difference } from './sigma/compare.ts'
import { pysigma } from './sigma/pysigma.ts'

const KNOWN: readonly Difference[] = [
  {
    detection: "s: ['ab']",
    record: { a: 'xaby' },
    ours: true,
    theirs: 'refused',
    reason: 'keywords need a column of their own in SQLite',
  },
  {
    detection: 's: { a: É }',
    record: { a: 'é' },
    ours: true,
    theirs: false,
    reason: 'without case is for all letters; SQLite knows those of ASCII',
  },
  {
    detection: "s: { a: '20' }",
    record: { a: 20 },
    ours: true,
    theirs: false,
    reason: 'a number and the text of it are one value, since logs deliver both',
  },
  {
    detection: 's: { a: 20 }',
    record: { a: '20' },
    ours: true,
    theirs: false,
    reason: 'and the other way round',
  },
  {
    detection: "s: { 'a|lt': 30 }",
    record: { a: '20' },
    ours: true,
    theirs: false,
    reason: 'texts that are numbers are compared as numbers',
  },
  {
    detection: "s: { 'a|exists': true }",
    record: { a: null },
    ours: true,
    theirs: false,
    reason: 'exists asks for the field, not for its value',
  },
  {
    detection: "s: { 'a|week': 46 }",
    record: { a: '2026-11-14T13:45:10Z' },
    ours: true,
    theirs: false,
    reason: 'weeks are those of ISO 8601',
  },
  {
    detection: 's: { a: x }\n  condition: s AND s',
    record: { a: 'x' },
    ours: true,
    theirs: 'refused',
    reason: 'words of conditions are taken in capitals',
  },
]

const peer = pysigma()
// Columns of SQLite hold no lists, and no members of members.
await compareByChance('pySigma', peer, {
  absent: true,
  nested: false,
  modifiers: ['contains', 'startswith', 'endswith', 're', 'cidr', 'null'],
})
await compareKnown('pySigma', peer, KNOWN)
