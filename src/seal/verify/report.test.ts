import { expect, it } from 'vitest'
import { Findings, MAX_FINDINGS } from './report.ts'

it('has the first in the order of the log, however many were found before it', () => {
  const findings = new Findings()
  for (let at = 0; at < 5 * MAX_FINDINGS; at++) findings.add('missing', `file ${at}`, 'It is missing.', 10 + at)
  findings.add('changed', 'the first', 'It was changed.', 1)
  findings.add('forked', 'the log', 'It is forked.')
  const report = findings.report()
  expect(report.findings.slice(0, 3).map(({ where }) => where)).toEqual(['the log', 'the first', 'file 0'])
  expect([report.findings.length, report.findingCount, report.ok]).toEqual([MAX_FINDINGS, 5 * MAX_FINDINGS + 2, false])
})

it('knows of every kind that was found, also of what is not kept', () => {
  const findings = new Findings()
  findings.add('gap', 'last', 'It is late.', 10 * MAX_FINDINGS)
  for (let at = 0; at < 3 * MAX_FINDINGS; at++) findings.add('missing', `file ${at}`, 'It is missing.', at)
  expect([findings.has('gap'), findings.has('changed')]).toEqual([true, false])
})
