/** A verification in words: what is wrong first, then what was checked, what was not, and what to ask about. */
import { jsonText, printable, printableLines } from '../core/printable.ts'
import type { Checked, Finding, ProofReport, Report } from '../seal/verify.ts'

/** What was verified, and the outcome. */
export interface Verified {
  readonly path: string
  readonly what: 'home' | 'period' | 'proof'
  readonly report: Report | ProofReport
}

/** So many findings are worth reading on a terminal; --json has more. */
const SHOWN_FINDINGS = 20

/** The report as one JSON object. */
export const verifiedJson = ({ path, what, report }: Verified): string => `${jsonText({ path, what, ...report })}\n`

/** The report for people. */
export function verifiedText({ path, what, report }: Verified): string {
  return [
    ...headLines(path, what, report),
    ...findingLines(report),
    ...('proven' in report && report.proven ? provenLines(report.proven) : []),
    ...section('Checked', checkedLines(report.checked)),
    ...section('Told by the log, to be asked about', report.statements),
    ...section('Not checked', report.notChecked),
    ...verdict(what, report),
  ]
    .map((line) => `${line}\n`)
    .join('')
}

function headLines(path: string, what: string, { log }: Report): string[] {
  const lines = [`${what[0]?.toUpperCase()}${what.slice(1)} ${printable(path)}`]
  if (log === undefined) return lines
  const newest = log.newest === undefined ? '' : `, newest of ${log.newest}`
  return [
    ...lines,
    `  log     ${printable(log.origin)}, ${count(log.size, 'leaf', 'leaves')}${newest}`,
    `  root    ${log.root}`,
    ...log.signedBy.map((key) => `  key     ${printable(key)}`),
  ]
}

function findingLines({ findings, findingCount }: Report): string[] {
  const [first, ...rest] = findings
  if (first === undefined) return []
  const shown = rest.slice(0, SHOWN_FINDINGS - 1)
  const left = findingCount - 1 - shown.length
  return [
    '',
    'The first bad thing:',
    ...findingText(first),
    ...(shown.length === 0 ? [] : ['', 'And then:', ...shown.flatMap(findingText)]),
    ...(left > 0 ? [`  … and ${left} more (--json)`] : []),
  ]
}

const findingText = ({ kind, where, what }: Finding): string[] => [
  `  ${kind.toUpperCase().padEnd(13)} ${printable(where)}`,
  `                ${printable(what)}`,
]

function provenLines(proven: NonNullable<ProofReport['proven']>): string[] {
  const { table, file, position, leaf, sealed, values } = proven
  const told = Object.entries(values).filter((pair): pair is [string, string] => pair[1] !== null)
  const width = Math.max(...told.map(([name]) => name.length))
  return [
    '',
    `Proven: this row stood in the table ${printable(table)} when leaf ${leaf} was sealed, by its own word at ${sealed},`,
    `as row ${position} of ${printable(file)}:`,
    ...told.map(([name, value]) => {
      const [first = '', ...more] = printableLines(valueText(name, value)).split('\n')
      return [
        `  ${printable(name).padEnd(width)}  ${first}`,
        ...more.map((line) => `  ${' '.repeat(width)}  ${line}`),
      ].join('\n')
    }),
  ]
}

/** Times are sealed as microseconds since 1970. */
function valueText(name: string, value: string): string {
  if (!name.endsWith('_time') || !/^\d{1,15}\d{3}$/.test(value)) return value
  const iso = new Date(Number(value.slice(0, -3))).toISOString()
  return `${iso.slice(0, -1)}${value.slice(-3)}Z`
}

const section = (title: string, lines: readonly string[]): string[] =>
  lines.length === 0 ? [] : ['', `${title}:`, ...lines.map((line) => `  - ${printable(line)}`)]

function checkedLines(checked: Checked): string[] {
  const { leaves, tiles, checkpoints, cosignatures, timestamps, manifests, records, versions, files, bytes, events } =
    checked
  const { rawObjects, rawBytes, rowRoots, proofs } = checked
  const lines: [number, string][] = [
    [
      leaves,
      `${count(leaves, 'leaf', 'leaves')}, hashed up to the signed root${tiles > 0 ? `; ${count(tiles, 'tile')}` : ''}`,
    ],
    [
      checkpoints,
      `${count(checkpoints, 'checkpoint')} with ${count(cosignatures, 'cosignature')} of witnesses you named`,
    ],
    [timestamps, `${count(timestamps, 'timestamp')}`],
    [manifests, `${count(manifests, 'manifest')} with ${count(records, 'record')}`],
    [versions, `${count(versions, 'version')} of tables`],
    [files, `${count(files, 'file')} of tables and batches, ${size(bytes)}; ${count(events, 'event')} in them`],
    [rowRoots, `the rows of ${count(rowRoots, 'file')}, one by one`],
    [rawObjects, `${count(rawObjects, 'received object')}, ${size(rawBytes)} as stored`],
    [proofs, `${count(proofs, 'proof')}`],
  ]
  return lines.filter(([number]) => number > 0).map(([, line]) => line)
}

function verdict(what: Verified['what'], { ok, findingCount }: Report): string[] {
  if (!ok) return ['', `${count(findingCount, 'finding')}: this is not what was sealed.`]
  const good =
    what === 'proof' ? 'The proof holds.' : 'Nothing is changed, missing or out of order, as far as was checked.'
  return ['', good]
}

const count = (number: number, one: string, many = `${one}s`): string =>
  `${number.toLocaleString('en-US')} ${number === 1 ? one : many}`

function size(bytes: number): string {
  if (bytes < 1e6) return `${(bytes / 1e3).toFixed(1)} kB`
  return bytes < 1e9 ? `${(bytes / 1e6).toFixed(1)} MB` : `${(bytes / 1e9).toFixed(2)} GB`
}
