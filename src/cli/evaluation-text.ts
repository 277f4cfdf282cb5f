/** An evaluation for people: how much a day asks for attention, what each rule was right about, which attacks were told of. */
import { headLines, layTable, rowLine } from '../ask/table.ts'
import { printable } from '../core/printable.ts'
import type { Evaluation } from '../detect/evaluate/evaluate.ts'
import type { LevelCount, RuleVerdict, ScenarioVerdict } from '../detect/evaluate/verdict.ts'
import { isNoticed } from '../detect/evaluate/verdict.ts'

/** What of an evaluation is shown. */
export interface EvaluationView {
  /** Findings a day on no attack that are too many. */
  readonly most: number
  /** Rules that found nothing, too. */
  readonly all: boolean
}

/** Findings a day on no attack, at levels that ask for attention. */
export const noiseOf = ({ levels, days }: Pick<Evaluation, 'levels' | 'days'>): number =>
  levels.filter(({ level }) => isNoticed(level)).reduce((sum, { wrong }) => sum + wrong, 0) / Math.max(1, days)

/** All of it as text. */
export function evaluationText(evaluation: Evaluation, { most, all }: EvaluationView): string {
  const { rules, scenarios, leftOut, problems } = evaluation
  const shown = rules.filter(({ findings, expected }) => all || findings > 0 || expected > 0)
  const parts = [
    head(evaluation),
    section('Findings by level', levelRows(evaluation), ['level', 'findings', 'on no attack', 'a day']),
    `on no attack at medium or above: ${figure(noiseOf(evaluation))} a day, of ${most} at most${busiestText(evaluation)}`,
    section(`Rules that found something or should have (of ${rules.length})`, shown.map(ruleRow), [
      'rule',
      'level',
      'findings',
      'right',
      'wrong',
      'precision',
      'attacks told',
      'recall',
    ]),
    wrongText(evaluation),
    scenarios.length === 0
      ? 'No attacks are labelled.'
      : section(attackHead(scenarios), scenarios.map(scenarioRow), ['attack', 'told', 'by', 'silent']),
    ...leftOut.map(
      ({ title, reason, message }) => `warning: ${printable(`${title} was left out (${reason}): ${message}`)}`,
    ),
    ...problems.map(({ message, place }) => `warning: ${printable(`${place.file}: ${message}`)}`),
  ]
  return `${parts.filter((part) => part !== '').join('\n\n')}\n`
}

const count = (value: number): string => value.toLocaleString('en-US')
const figure = (value: number): string => value.toFixed(2)
const percent = (value: number | null): string => (value === null ? '' : `${Math.round(value * 100)} %`)

const head = ({ events, days, warmUpDays, attackEvents, scenarios, rules, seconds }: Evaluation): string =>
  `${count(events)} events over ${days} ${days === 1 ? 'day' : 'days'}${warmUpDays > 0 ? ` after ${warmUpDays} to learn` : ''}, ${count(attackEvents)} of them in ${scenarios.length} attacks; ` +
  `${rules.length} rules in ${seconds.detect.toFixed(1)} s`

const attackHead = (scenarios: readonly ScenarioVerdict[]): string =>
  `Attacks: ${scenarios.filter(({ isDetected }) => isDetected).length} of ${scenarios.length} told of`

const levelRows = ({ levels, days }: Evaluation): string[][] =>
  levels
    .toReversed()
    .map(({ level, findings, wrong }: LevelCount) => [
      level,
      count(findings),
      count(wrong),
      figure(wrong / Math.max(1, days)),
    ])

const ruleRow = ({ name, level, findings, right, wrong, precision, expected, told, recall }: RuleVerdict): string[] => [
  name,
  level,
  count(findings),
  count(right),
  count(wrong),
  percent(precision),
  expected === 0 ? '' : `${told} of ${expected}`,
  percent(recall),
]

const scenarioRow = ({ id, isDetected, by, silent, also }: ScenarioVerdict): string[] => [
  id,
  isDetected ? 'yes' : 'NO',
  by.length > 0 ? by.join(', ') : also.map((name) => `(${name})`).join(', '),
  silent.join(', '),
]

/** What rules that ask for attention said of nothing. */
function wrongText({ rules, examples }: Evaluation): string {
  const noisy = rules.filter(({ level, wrong }) => isNoticed(level) && wrong > 0)
  if (noisy.length === 0) return ''
  const lines = noisy.flatMap(({ key, name, wrong }) => [
    `  ${name} (${wrong})`,
    ...(examples[key] ?? []).map((text) => `    ${printable(text)}`),
  ])
  return `On no attack, at medium or above\n${lines.join('\n')}`
}

function section(title: string, rows: readonly (readonly string[])[], names: readonly string[]): string {
  const numeric = ['findings', 'right', 'wrong', 'on no attack', 'a day', 'precision', 'recall']
  const layout = layTable(
    names.map((name) => ({ name, numeric: numeric.includes(name) })),
    rows,
  )
  const lines = rows.map((row) => rowLine(layout, row).trimEnd())
  return [title, headLines(layout).trimEnd(), ...lines].join('\n')
}

const busiestText = ({ busiest }: Pick<Evaluation, 'busiest'>): string =>
  busiest === undefined ? '' : `; ${busiest.wrong} on the busiest day, ${busiest.day}`
