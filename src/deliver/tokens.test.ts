import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { azureTokens, googleTokens } from './tokens.ts'

let home: string
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'bricktrail-tokens-'))
  // Stand-ins for the clients: what they do with an account is theirs; which calls of theirs are made, and what of their errors is told, is ours.
  await pack(
    '@azure/identity',
    `export class DefaultAzureCredential {
       async getToken(scopes) {
         if (scopes[0] === 'none') return null
         if (scopes[0] === 'bad') throw new Error('No credential.\\nTried EnvironmentCredential with hunter2')
         return { token: 'for ' + scopes.join(' ') }
       }
     }`,
  )
  await pack(
    'google-auth-library',
    `export class GoogleAuth {
       constructor({ scopes }) { this.scopes = scopes }
       async getAccessToken() { return this.scopes[0] === 'none' ? null : 'for ' + this.scopes.join(' ') }
     }`,
  )
})
afterAll(() => rm(home, { recursive: true, force: true }))

async function pack(name: string, code: string): Promise<void> {
  const folder = join(home, 'node_modules', name)
  await mkdir(folder, { recursive: true })
  await writeFile(join(folder, 'package.json'), JSON.stringify({ name, type: 'module', exports: './index.js' }))
  await writeFile(join(folder, 'index.js'), code)
}

const wish = (...scopes: string[]) => ({ token: undefined, scopes, kind: 'test' })
const context = () => ({ folder: home, secret: () => '' })

describe('a token', () => {
  it('of Entra is asked for with its scope', async () => {
    const token = await azureTokens(wish('https://monitor.azure.com/.default'), context())
    expect(await token()).toBe('for https://monitor.azure.com/.default')
  })

  it('of Google is asked for with its scopes', async () => {
    expect(await (await googleTokens(wish('one', 'two'), context()))()).toBe('for one two')
  })

  it('that is not given is told in a line, without the ways that were tried', async () => {
    const told = { code: 'BAD_HOME', message: 'Microsoft Entra gave no token: No credential.' }
    await expect((await azureTokens(wish('bad'), context()))()).rejects.toMatchObject(told)
    await expect((await azureTokens(wish('none'), context()))()).rejects.toMatchObject({ code: 'BAD_HOME' })
    await expect((await googleTokens(wish('none'), context()))()).rejects.toMatchObject({ code: 'BAD_HOME' })
  })

  it('of a reference is looked up for each request, and needs no client', async () => {
    const values = ['first', 'second', 'third']
    const reading = { folder: '/nowhere', secret: () => values.shift() ?? '' }
    const token = await azureTokens({ ...wish('any'), token: 'file:/token' }, reading)
    expect([await token(), await token()]).toEqual(['second', 'third'])
  })
})
