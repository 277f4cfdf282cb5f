import { describe, expect, it } from 'vitest'
import { anAlert } from '../message.fixture.ts'
import { describeSink } from '../sink.suite.ts'
import { webRig } from '../web.fixture.ts'
import { wordsmith } from '../wording.ts'
import { jsmRequest } from './jsm.ts'

describeSink({
  kind: 'jsm',
  without: { 'refuse the second': 'one alert a request' },
  start: (manner) =>
    webRig(manner, {
      settings: (url) => ({
        section: { url, api_key: 'env:JSM', allow_private: true },
        secrets: { 'env:JSM': 'planted-api-key-of-an-integration' },
      }),
      keys: ({ body }) => [(JSON.parse(body) as { alias: string }).alias],
      replies: { take: () => ({ status: 202, body: '{"result":"Request will be processed","requestId":"r"}' }) },
    }),
})

const requestOf = (more: Parameters<typeof anAlert>[0] = {}, settings = {}) =>
  jsmRequest(wordsmith({})({ id: 'm-1', key: 'k', timeMs: 0, text: JSON.stringify(anAlert(more)) }), settings)

describe('an alert of Jira Service Management', () => {
  it('is created with its key as the alias', () => {
    const { path, body } = requestOf({}, { tags: ['soc'], responders: [{ type: 'team', name: 'SOC' }] })
    expect(path).toBe('')
    expect(body).toMatchObject({
      message: '[high] Account admin granted',
      alias: 'rule-1 ana@example.com',
      priority: 'P2',
      entity: 'ana@example.com',
      tags: ['soc', 'high', 'attack.t1098.003'],
      responders: [{ type: 'team', name: 'SOC' }],
      details: { 'actor.email': 'ana@example.com' },
    })
    expect(body.description).toContain('- actionName is setAccountAdmin')
  })

  it.each([
    ['acknowledged', '/a%2Fb%20%3Fc/acknowledge?identifierType=alias'],
    ['resolved', '/a%2Fb%20%3Fc/close?identifierType=alias'],
    ['reopened', ''],
    ['updated', ''],
  ] as const)('that was %s is found by its alias', (action, path) => {
    expect(requestOf({ action, dedupKey: 'a/b ?c' }).path).toBe(path)
  })

  it('keeps to the limits', () => {
    const long = 'x'.repeat(50_000)
    const { body: made } = requestOf({
      title: long,
      summary: long,
      note: long,
      assignee: long,
      dedupKey: long,
      entity: { field: 'actor.email', value: long },
      because: Array.from({ length: 999 }, () => long),
      tags: Array.from({ length: 99 }, (_, n) => `${n}${long}`),
    })
    const body = made as {
      message: string
      alias: string
      description: string
      entity: string
      tags: string[]
      details: object
    }
    expect(body.message.length).toBeLessThanOrEqual(130)
    expect(body.alias.length).toBeLessThanOrEqual(512)
    expect(body.description.length).toBeLessThanOrEqual(15_000)
    expect(body.description).toMatch(/message m-1$/)
    expect(body.entity.length).toBeLessThanOrEqual(512)
    expect(body.tags.length).toBe(20)
    expect(Math.max(...body.tags.map(({ length }) => length))).toBeLessThanOrEqual(50)
    expect(Object.entries(body.details).flat().join('').length).toBeLessThanOrEqual(8000)
  })
})
