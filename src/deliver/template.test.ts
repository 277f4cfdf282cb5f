import { describe, expect, it } from 'vitest'
import { anAlert } from './message.fixture.ts'
import { TEMPLATE_FIELDS, templateOf } from './template.ts'

const faultOf = (text: string) => {
  try {
    templateOf(text, 'body')
  } catch (cause) {
    const { message, hint } = cause as { message: string; hint: string }
    return `${message} ${hint}`
  }
  return 'none'
}

describe('a template', () => {
  it('puts fields where they are named', () => {
    const text = '{{level}}: {{ entity.value }} ({{rule.title}}), {{events}} events{{assignee}}\n{{because}}'
    expect(templateOf(text, 'body')(anAlert())).toBe(
      'high: ana@example.com (Account admin granted), 2 events\nactionName is setAccountAdmin',
    )
  })

  it('makes no template of what a field holds', () => {
    const made = templateOf('{{title}} {{note}}', 'body')
    expect(made(anAlert({ title: '{{note}}', note: '$& {{title}}' }))).toBe('{{note}} $& {{title}}')
  })

  it('is one line as a title, and passes on nothing that acts on a screen', () => {
    const message = anAlert({ title: 'a\r\nb\u001b[2J\u202e', note: 'x\ny' })
    expect(templateOf('{{title}}\n  {{note}}', 'title')(message)).toBe('a\\r\\nb\\x1b[2J\\u202e x\\ny')
    expect(templateOf('{{note}}', 'body')(message)).toBe('x\ny')
  })

  it('knows every field that it says it knows', () => {
    for (const field of TEMPLATE_FIELDS) expect(typeof templateOf(`{{${field}}}`, 'body')(anAlert())).toBe('string')
  })

  it.each([
    ['{{titel}}', 'body names the field titel, which messages do not have. Did you mean {{title}}?'],
    ['{{constructor}}', 'body names the field constructor, which messages do not have. Fields: action, '],
    ['{{}}', 'body names the field , which messages do not have.'],
    ['a {{title} b', 'The braces in body do not match. Write {{field}}, such as {{title}}.'],
    ['a }} b', 'The braces in body do not match.'],
  ])('%s is a fault', (text, fault) => expect(faultOf(text)).toContain(fault))

  it('may hold braces that are none of its own', () => {
    expect(templateOf('{a} { {{level}} }', 'body')(anAlert())).toBe('{a} { high }')
  })
})
