import { describe, expect, it } from 'vitest'
import { loadPack } from '../pack/load.ts'
import { parseRules } from '../sigma/parse.ts'
import { itemsOf } from '../sigma/tree.ts'
import { itemInWords, linesText, ruleInWords, spanInWords } from './describe.ts'

/** The lines of a selection in words. */
function inWords(lines: string): string[] {
  const text = `title: R\nlogsource: { product: databricks }\ndetection:\n  s:\n    ${lines.replaceAll('\n', '\n    ')}\n  condition: s\n`
  const { rules, problems } = parseRules(text, 'r.yml', { placeholders: { names: ['a', 'b'] } })
  expect(problems).toEqual([])
  return rules.flatMap((rule) => (rule.kind === 'detection' ? itemsOf(rule.tree).map(itemInWords) : []))
}

describe('a line in words', () => {
  it.each([
    ['actionName: login', 'actionName is login'],
    ['actionName: [login, logout]', 'actionName is one of login, logout'],
    ['actionName|neq: login', 'actionName is not login'],
    ['actionName|neq: [login, logout]', 'actionName is none of login, logout'],
    ['actionName|startswith|neq: set', 'actionName does not fulfil: starts with set'],
    ["actionName: ''", 'actionName is empty'],
    ["actionName: 'a b'", 'actionName is "a b"'],
    ["actionName: 'set*Acl'", 'actionName is like set*Acl'],
    ['actionName|startswith: set', 'actionName starts with set'],
    ['actionName|endswith: [Acl, Admin]', 'actionName ends with Acl or ends with Admin'],
    ['actionName|contains|all: [Acl, set]', 'actionName contains Acl and contains set'],
    ['actionName|cased: Login', 'actionName is Login (case counts)'],
    ['actionName|expand: "%names%"', 'actionName is one of a, b'],
    ['actionName: null', 'actionName has no value'],
    ['actionName|exists: false', 'actionName is not there'],
    ['actionName|re: "^a+$"', 'actionName matches /^a+$/'],
    ['response.statusCode|gte: 400', 'response.statusCode is at least 400'],
    ['timestamp|hour: 3', 'timestamp by its hour is 3'],
    ['sourceIPAddress|cidr: 10.0.0.0/8', 'sourceIPAddress lies in 10.0.0.0/8'],
    ['sourceIPAddress|cidr: 2001:db8::/32', 'sourceIPAddress lies in 2001:db8::/32'],
    ['requestParams.a|fieldref: userIdentity.email', 'requestParams.a is the same as userIdentity.email'],
  ])('%s: %s', (line, words) => {
    expect(inWords(line)).toEqual([words])
  })

  it('counts what is too long to say', () => {
    const values = Array.from({ length: 20 }, (_, at) => `a${at}`)
    expect(inWords(`actionName: [${values.join(', ')}]`)[0]).toMatch(/^actionName is one of a0, .*a11 and 8 more$/)
  })
})

it('spans are told in the largest unit they are whole in', () => {
  expect([1, 90, 3600, 5400, 86_400, 1_209_600].map(spanInWords)).toEqual([
    '1 second',
    '90 seconds',
    '1 hour',
    '90 minutes',
    '1 day',
    '14 days',
  ])
})

it('every shipped rule can be told', async () => {
  const { rules } = await loadPack({ examples: false })
  const words = rules.map((rule) => linesText(ruleInWords(rule)))
  expect(words.filter((text) => text.trim() === '' || /undefined|\[object|NaN/.test(text))).toEqual([])
  expect(words.some((text) => text.startsWith('Within '))).toBe(true)
  expect(words.some((text) => text.startsWith('The first time that '))).toBe(true)
})
