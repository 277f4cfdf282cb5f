import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Engine } from '../engine/duckdb.ts'
import { lit } from '../engine/sql.ts'
import { hasSecretSql, redactionsSql, SECRET_KINDS, scrubSql } from './scrub.ts'

let engine: Engine
beforeAll(async () => {
  engine = await Engine.open({ threads: 1 })
})
afterAll(() => engine.close())

/** Built from parts, so that no scanner takes this file for a leak. */
const made = (...parts: readonly string[]): string => parts.join('')
const HEX = '0123456789abcdef'.repeat(2)
const ALNUM = 'Zx9'.repeat(20)
const BASE64 = 'q/8+Zx1'.repeat(12)
const PEM = made('-----BEGIN RSA ', 'PRIVATE KEY-----\\nMIIEow\\n-----END RSA ', 'PRIVATE KEY-----')

/** For each kind texts that hold a secret of it, as [before, secret, after]: only the middle must go. */
const SECRETS: Readonly<Record<string, readonly (readonly [string, string, string])[]>> = {
  databricks_token: [
    ['token = "', made('da', 'pi', HEX), '"'],
    ['PWD:', made('da', 'pi', HEX, '-3'), ' x'],
    ['', made('do', 'se', HEX), ''],
    ['', made('ds', 'api', HEX), ''],
    ['', made('dk', 'ea', HEX), ''],
  ],
  jwt: [['', made('ey', 'JhbGciOiJSUzI1NiJ9.', 'ey', 'JzdWIiOiJyb3NhIn0.', ALNUM), ' end']],
  aws_access_key: [['id ', made('AK', 'IA', 'QWERTYUIOPASDFGH'), ';']],
  aws_secret_key: [
    ['aws_secret_access_key = ', BASE64.slice(0, 40), '\n'],
    ['"spark.hadoop.fs.s3a.secret.key":"', BASE64.slice(0, 40), '"'],
    ['fs.s3n.awsSecretAccessKey ', BASE64.slice(0, 40), ' x'],
  ],
  azure_account_key: [
    ['AccountName=lake;AccountKey=', `${BASE64}==`, ';EndpointSuffix=core.windows.net'],
    ['\\"fs.azure.account.key.lake.dfs.core.windows.net\\":\\"', `${BASE64}==`, '\\"'],
    ['SharedAccessKey=', `${BASE64}=`, ''],
  ],
  azure_client_secret: [['secret is ', made('aB3', '8', 'Q~', ALNUM.slice(0, 34)), ' now']],
  azure_sas: [
    ['https://lake.blob.core.windows.net/c?sv=2024&sig=', made(ALNUM.slice(0, 40), '%3D'), '&se=2030'],
    ['https://x/y?sv=1\\u0026sig=', ALNUM.slice(0, 40), '"'],
  ],
  private_key: [['{"private_key":"', PEM, '"}']],
  gcp_api_key: [['key ', made('AI', 'za', ALNUM.slice(0, 35)), '']],
  github_token: [
    ['', made('gh', 'p_', ALNUM.slice(0, 36)), ''],
    ['', made('github', '_pat_', ALNUM), ''],
  ],
  gitlab_token: [['', made('gl', 'pat-', ALNUM.slice(0, 20)), '']],
  slack_token: [['', made('xo', 'xb-', '123456789012-abc'), '']],
  url_password: [['jdbc:postgresql://loader:', 'hunter22', '@db.example.com/x']],
  aws_signature: [['https://b.s3.amazonaws.com/k?X-Amz-Signature=', HEX + HEX, '&x=1']],
  huggingface_token: [['', made('h', 'f_', ALNUM.slice(0, 34)), '']],
  ai_key: [['key ', made('s', 'k-', ALNUM.slice(0, 30)), '']],
  sql_password: [
    ["CREATE USER x PASSWORD '", 'hunter22', "'"],
    ["identified by '", 'hunter 22', "'"],
  ],
  bearer: [['Authorization: Bearer ', ALNUM.slice(0, 30), '']],
  password: [
    ['Server=x;Password=', 'hunter22', ';Encrypt=true'],
    ['{\\"password\\": \\"', 'hunter22', '\\"}'],
    ["client_secret: '", 'abcdef', "'"],
    ['fs.azure.account.oauth2.client.secret=', 'abcdef', ' x'],
    ['api_key=', 'abcdef', ''],
    ['API-KEY\t= ', 'abcdef', ''],
    ['access_token=', 'abcdef', '&x=1'],
    ['refreshToken: ', 'abcdef', ''],
  ],
}

const HARMLESS = [
  'daphne dapi dapi123 dapifffff',
  made('da', 'pi', 'not-hexadecimal-at-all-0123456789ab'),
  made('x', 'AKIA', 'QWERTYUIOPASDFGH'),
  'eyJ is how JSON begins in base64',
  'the password is stored elsewhere',
  'SELECT password_hash, api_key_id FROM main.crm.users WHERE pwd_age > 30',
  '{"password":"{{secrets/prod/warehouse}}"}',
  'https://db.example.com:443/path@2x.png?signature=1',
  'abfss://container@lake.dfs.core.windows.net/path',
  'mailto:rosa@example.com; see https://example.com/a:b',
  'Bearer of news',
  'tokenId=4d1f tokenExpirationTime=1735689600000 secretScope=prod key=warehouse-login',
  '-----BEGIN CERTIFICATE-----MIIB-----END CERTIFICATE-----',
  'sig=short aiza ghp_short xoxo',
  '',
]

const scrub = async (text: string): Promise<{ scrubbed: string; marks: number; has: boolean }> =>
  engine.row(`SELECT ${scrubSql('t')} AS scrubbed, ${redactionsSql(scrubSql('t'))}::INTEGER AS marks, ${hasSecretSql('t')} AS has
    FROM (SELECT ${lit(text)} AS t)`)

describe('a secret', () => {
  it.each(Object.entries(SECRETS).flatMap(([kind, cases]) => cases.map((each, place) => ({ kind, place, each }))))(
    'of kind $kind is taken out, and nothing else ($place)',
    async ({ kind, each: [before, secret, after] }) => {
      expect(await scrub(`${before}${secret}${after}`)).toEqual({
        scrubbed: `${before}[redacted:${kind}]${after}`,
        marks: 1,
        has: true,
      })
    },
  )

  it('of every kind is tried here', () => {
    expect(Object.keys(SECRETS).sort()).toEqual([...new Set(SECRET_KINDS.map(({ kind }) => kind))].sort())
  })

  it('is taken out as often as it stands there', async () => {
    const token = made('da', 'pi', HEX)
    const got = await scrub(`${token} ${token},"${token}"`)
    expect(got.scrubbed).toBe('[redacted:databricks_token] [redacted:databricks_token],"[redacted:databricks_token]"')
    expect(got.marks).toBe(3)
  })

  it('is found beside others of other kinds', async () => {
    const all = Object.values(SECRETS).flatMap((cases) =>
      cases.map(([before, secret, after]) => before + secret + after),
    )
    const got = await scrub(all.join('\n'))
    for (const [, secret] of Object.values(SECRETS).flat()) expect(got.scrubbed).not.toContain(secret)
    expect(got.marks).toBe(all.length)
  })

  it('scrubbed once leaves nothing to scrub', async () => {
    const all = Object.values(SECRETS).flatMap((cases) => cases.map((parts) => parts.join('')))
    const once = await scrub(all.join('\n'))
    expect((await scrub(once.scrubbed)).scrubbed).toBe(once.scrubbed)
  })
})

describe('what only looks like a secret', () => {
  it.each(HARMLESS)('stays: %s', async (text) => {
    expect(await scrub(text)).toEqual({ scrubbed: text, marks: 0, has: false })
  })
})

describe('the quick search', () => {
  const noise = fc.string({ unit: fc.constantFrom(...'aeyJdpi:/@.=;&?"\\ \nKEY19~_-é漢'), maxLength: 40 })
  const planted = fc.constantFrom(
    ...Object.values(SECRETS)
      .flat()
      .map(([before, secret, after]) => before + secret + after),
  )

  it('never misses what a pattern would take out', async () => {
    const texts = fc.sample(
      fc.array(fc.oneof(noise, planted), { minLength: 1, maxLength: 6 }).map((parts) => parts.join(' ')),
      { numRuns: 3000, seed: 7 },
    )
    await engine.tableOf(
      'planted',
      texts.map((text) => ({ text })),
      ['text'],
    )
    const counts = await engine.row<{ changed: string; missed: string; found: string }>(`
      SELECT count(*) FILTER (after <> text) AS changed, count(*) FILTER (after <> text AND NOT has) AS missed,
        count(*) FILTER (has) AS found
      FROM (SELECT text, ${scrubSql('text')} AS after, ${hasSecretSql('text')} AS has FROM planted)`)
    expect(Number(counts.changed)).toBeGreaterThan(1000)
    expect(counts.missed).toBe('0')
    expect(counts.found).toBe(counts.changed)
  })

  it('knows every name that announces a secret', async () => {
    const names = [
      'password',
      'userPwd',
      'client_secret',
      'secretValue',
      'string_value',
      'tokenValue',
      'token',
      'apiKey',
    ]
    const texts = [...names, 'private_key', 'personal_access_token'].map((name) => `a\x1f1\x1e${name}\x1fabc`)
    const inside = ['access_token', 'api-key', 'client.secret'].map((name) => `{\\"${name}\\": \\"abcdefgh\\"}`)
    for (const text of [...texts, ...inside]) expect([text, (await scrub(text)).has]).toEqual([text, true])
    expect((await scrub('key\x1fetl/primary-key')).has).toBe(false)
  })

  it('says nothing of a text that is not there', async () => {
    expect(
      await engine.row(`SELECT ${hasSecretSql('NULL::VARCHAR')} IS TRUE AS has, ${scrubSql('NULL::VARCHAR')} AS t`),
    ).toEqual({
      has: false,
      t: null,
    })
  })
})
