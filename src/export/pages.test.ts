import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { cef } from './formats/cef.ts'
import { OCSF_CLASSES, OCSF_RULES, type OcsfClass, type OcsfRule, OTHER_ACTIVITY } from './ocsf-classes.ts'
import { FORMATS } from './registry.ts'
import { SEVERITY_LADDER } from './severity.ts'
import { UAM_VERBS } from './uam-words.ts'

const page = readFileSync(new URL('../../docs/reference/exports.md', import.meta.url), 'utf8')

/** Rows of the table under a heading, cell by cell. */
function tableUnder(heading: string): string[][] {
  const section = page.split(`\n### ${heading}\n`)[1]?.split('\n#')[0] ?? ''
  const rows = section.split('\n').filter((line) => line.startsWith('| '))
  return rows.slice(2).map((row) =>
    row
      .slice(2, -2)
      .split(' | ')
      .map((cell) => cell.trim()),
  )
}

const words = (list: readonly string[] | undefined): string => (list === undefined ? 'any' : list.join(', '))

const NEEDS = {
  target: 'a target',
  user_privilege: 'a person or service principal, and privileges',
  group_privilege: 'a group, and privileges',
  query: 'a query',
} as const

function ruleRow({ to, activity, categories, verbs, targets, actions, needs }: OcsfRule): string[] {
  const { uid, caption, activities }: OcsfClass = OCSF_CLASSES[to]
  const name = activity === OTHER_ACTIVITY ? 'Other' : activities[activity]
  const verb = actions === undefined ? words(verbs) : `action ${actions.join(', ')}`
  return [
    `${uid} ${caption}`,
    `${activity} ${name}`,
    words(categories),
    verb,
    words(targets),
    needs === undefined ? '' : NEEDS[needs],
  ]
}

it('shows the rules that choose the OCSF class', () => {
  expect(tableUnder('Which class')).toEqual(OCSF_RULES.map(ruleRow))
})

it('shows the severity ladder', () => {
  expect(tableUnder('Severity')).toEqual(
    SEVERITY_LADDER.map(({ ocsf, caption, cef: number, doc }) => [`${ocsf} ${caption}`, String(number), doc]),
  )
})

it('shows the UAM words for every verb', () => {
  expect(tableUnder('Actions')).toEqual(
    Object.entries(UAM_VERBS).map(([verb, [action, happened]]) => [`\`${verb}\``, action, happened]),
  )
})

it('shows every format and every CEF key', () => {
  expect(tableUnder('Formats').map(([name]) => name)).toEqual(FORMATS.map(({ name }) => `\`${name}\``))
  const keys = [...cef.select('events').matchAll(/' (?:\w+Label=[^=]* )?(\w+)='/g)].map((match) => match[1])
  expect(keys.length).toBeGreaterThan(20)
  expect(tableUnder('Keys').map(([name]) => name)).toEqual(keys.map((key) => `\`${key}\``))
})
