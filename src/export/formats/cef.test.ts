import { isIPv4, isIPv6 } from 'node:net'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { Engine } from '../../engine/duckdb.ts'
import { exportFormatSuite } from '../contract.suite.ts'
import { AWKWARD, event, ROWS, tableOfEvents } from '../rows.fixture.ts'
import { cef } from './cef.ts'

exportFormatSuite(cef)

let engine: Engine
beforeAll(async () => {
  engine = await Engine.open()
  await tableOfEvents(engine, 'events', ROWS)
})
afterAll(() => engine.close())

interface CefEvent {
  readonly header: readonly string[]
  readonly extension: Readonly<Record<string, string>>
}

/** A reader of its own: the header split at bare pipes, the extension at keys before a bare equals sign. */
function parseCef(line: string): CefEvent {
  const header: string[] = []
  let field = ''
  let at = 0
  for (; header.length < 7; at += 1) {
    const char = line[at]
    if (char === undefined) throw new Error('the header has an end too early')
    if (char === '\\') {
      at += 1
      if (line[at] !== '\\' && line[at] !== '|') throw new Error(`\\${line[at]} is no escape in a header`)
      field += line[at]
    } else if (char === '|') {
      header.push(field)
      field = ''
    } else field += char
  }
  const text = line.slice(at)
  const keys = [...text.matchAll(/(?:^| )([A-Za-z0-9]+)=/g)]
  const extension = keys.map((match, index) => {
    const value = text.slice(match.index + match[0].length, keys[index + 1]?.index)
    if (/[=]/.test(value.replaceAll(/\\./g, ''))) throw new Error(`a bare = in ${value}`)
    const plain = value.replaceAll(/\\(.)/g, (_, char: string) => {
      const found = { n: '\n', r: '\r', '\\': '\\', '=': '=' }[char]
      if (found === undefined) throw new Error(`\\${char} is no escape in an extension`)
      return found
    })
    return [match[1] as string, plain] as const
  })
  return { header, extension: Object.fromEntries(extension) }
}

async function lines(table = 'events'): Promise<CefEvent[]> {
  const rows = await engine.rows<{ line: string }>(cef.select(table))
  return rows.map(({ line }) => parseCef(line))
}

/** Control characters but line breaks become spaces. */
const shown = (text: string) => text.replaceAll(/[\u0000-\u0009\u000b\u000c\u000e-\u001f\u007f]/g, ' ')

it('has the seven header fields, a known vendor and a severity from 0 to 10', async () => {
  for (const { header } of await lines()) {
    expect(header).toHaveLength(7)
    expect(header.slice(0, 4)).toEqual(['CEF:0', 'Databricks', 'Audit Log', '2.0'])
    expect(Number(header[6])).toBeGreaterThanOrEqual(0)
    expect(Number(header[6])).toBeLessThanOrEqual(10)
  }
})

it('parses back to what the event says', async () => {
  const [first] = await lines()
  expect(first).toEqual({
    header: [
      'CEF:0',
      'Databricks',
      'Audit Log',
      '2.0',
      'accounts.samlLogin',
      'samlLogin on user alice@example.com',
      '2',
    ],
    extension: {
      rt: '1772600767089',
      externalId: ROWS[0]?.event_id,
      cat: 'authentication',
      act: 'samlLogin',
      outcome: 'success',
      reason: '200',
      suser: 'alice@example.com',
      suid: '7001',
      duser: 'alice@example.com',
      src: '203.0.113.7',
      requestClientApplication: 'Mozilla/5.0 (X11; Linux x86_64)',
      deviceExternalId: '1234567890123456',
      cs1Label: 'Service',
      cs1: 'accounts',
      cs2Label: 'Account',
      cs2: '77636e6d-ac57-484f-9302-f7922285b9a5',
      cs3Label: 'Target',
      cs3: 'user alice@example.com',
      cs4Label: 'Session',
      cs4: '6f1b5f6e-8f4e-4b64-9d3e-1f2f3a4b5c6d',
      cs5Label: 'Request parameters',
      cs5: '{"user":"alice@example.com","authentication_method":"BROWSER_BYO_IDP_SAML"}',
      cn1Label: 'Status code',
      cn1: '200',
    },
  })
})

it('escapes what could be taken for the format, in header and extension', async () => {
  const awkward = (await lines()).find(({ extension }) => extension.cs6 === shown(AWKWARD))
  expect(awkward?.extension).toMatchObject({
    suser: shown(AWKWARD),
    reason: shown(AWKWARD),
    msg: shown(AWKWARD),
    cs3: `${shown(AWKWARD)} ${shown(AWKWARD)}`,
  })
  expect(JSON.parse(awkward?.extension.cs5 ?? '')).toEqual({ [AWKWARD]: AWKWARD, empty: '', missing: null })
  const flat = shown(AWKWARD).replaceAll(/[\r\n]/g, ' ')
  expect(awkward?.header[4]).toBe(`${flat}.${flat}`)
})

it('cannot be made to forge another key or another event by what stands in a log', async () => {
  await tableOfEvents(engine, 'forged', [
    event({ service: 's', action: 'a', user_agent: 'x act=delete suser=root\nCEF:0|a|b|c|d|e|9|', targets: null }),
    event({ service: 's|9|', action: 'a\nCEF:0|x', user_agent: '\\', targets: null }),
  ])
  const [first, second] = await lines('forged')
  expect(first?.extension).toMatchObject({ act: 'a', suser: 'alice@example.com' })
  expect(second?.header[4]).toBe('s|9|.a CEF:0|x')
})

it('puts IPv4 into src, IPv6 into c6a2 and what is neither nowhere', async () => {
  for (const { extension } of await lines()) {
    if (extension.src !== undefined) expect(isIPv4(extension.src)).toBe(true)
    if (extension.c6a2 !== undefined) {
      expect(isIPv6(extension.c6a2)).toBe(true)
      expect(extension.c6a2Label).toBe('Source IPv6 Address')
    }
  }
  const found = (await lines()).map(({ extension }) => extension)
  expect(found.filter((each) => each.c6a2 !== undefined)).toHaveLength(1)
  expect(found.filter((each) => each.src !== undefined).length).toBeGreaterThan(10)
})

it('rates refusals and changes of permissions and logging above the ordinary', async () => {
  await tableOfEvents(engine, 'rated', [
    event({ action: 'a', key_event: 'logging_configuration', verb: 'update' }),
    event({ action: 'b', key_event: 'role_permission_update', verb: 'grant' }),
    event({ action: 'c', status: 'UNAUTHORIZED', category: 'secret' }),
    event({ action: 'd', status: 'UNAUTHORIZED', category: 'job' }),
    event({ action: 'e', status: 'FAILURE', category: 'authentication' }),
    event({ action: 'f', key_event: 'job_execution' }),
    event({ action: 'g', status: null }),
    event({ action: 'h', key_event: 'role_permission_update', status: 'FAILURE' }),
  ])
  const rated = (await lines('rated')).map(({ header, extension }) => `${extension.act}${header[6]}`)
  expect(rated.sort()).toEqual(['a8', 'b6', 'c6', 'd4', 'e4', 'f2', 'g2', 'h4'])
})

it('keeps to the lengths of the dictionary', async () => {
  await tableOfEvents(engine, 'long', [
    event({
      service: 's'.repeat(9000),
      action: 'a'.repeat(9000),
      user_agent: 'u'.repeat(9000),
      error_message: 'e'.repeat(9000),
      request_params: { p: 'p'.repeat(9000) },
    }),
  ])
  const [long] = await lines('long')
  expect(long?.header[4]).toHaveLength(1023)
  expect(long?.header[5]).toHaveLength(512)
  expect(long?.extension.act).toHaveLength(63)
  expect(long?.extension.msg).toHaveLength(1023)
  expect(long?.extension.cs5).toHaveLength(4000)
})
