/** What holds for every route, told from the API's own description. */
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { homeAt } from '../core/home.ts'
import { catalogue } from '../normalise/catalogue/catalogue.ts'
import { apiDocument } from './api-document.ts'
import { type ApiDocument, routesOf } from './api-reference.ts'
import { apiPage } from './api-text.ts'
import { PERMISSIONS, type Permission } from './contract.ts'
import { OWN_ACTIONS } from './own-actions.ts'
import { openLakeReader } from './read/lake-reader.ts'
import { ROUTES } from './routes/registry.ts'
import { served } from './served.fixture.ts'
import type { Problem } from './shapes/page.ts'

/** Routes that ask nobody who they are, or ask by themselves. */
const PUBLIC = [
  'GET /auth/ways',
  'POST /auth/token',
  'GET /auth/link',
  'GET /auth/oidc/start',
  'GET /auth/oidc/callback',
  'POST /auth/signout',
  'GET /healthz',
  'GET /readyz',
  // Asked from this machine it needs nothing; its own tests hold the rest.
  'GET /metrics',
]

// Made before the tests are named: there is one for each route.
const folder = await mkdtemp(join(tmpdir(), 'api-'))
const home = homeAt(join(folder, 'home'))
await mkdir(home.root)
const lake = await openLakeReader(home, { memoryLimitMb: 200, threads: 1 })
const server = served(home, ROUTES, { lake })
afterAll(async () => {
  await server.close()
  await lake.close()
  await rm(folder, { recursive: true, force: true })
})

const routes = routesOf(apiDocument(server.app) as ApiDocument)
const guarded = routes.filter(({ method, path }) => !PUBLIC.includes(`${method} ${path}`))
const named = guarded.map((route) => [`${route.method} ${route.path}`, route] as const)

const filled = (path: string): string => path.replaceAll(/\{seq\}/g, '1').replaceAll(/\{\w+\}/g, 'abc')

describe('the API', () => {
  it('has the public routes that it should have, and no other', () => {
    const open = routes.map(({ method, path }) => `${method} ${path}`).filter((name) => PUBLIC.includes(name))
    expect(open.sort()).toEqual([...PUBLIC].sort())
    expect(guarded.length).toBeGreaterThan(25)
  })

  it('describes each route once, with a summary and a good answer', () => {
    const names = routes.map(({ method, path }) => `${method} ${path}`)
    expect(new Set(names).size).toBe(names.length)
    const silent = routes.filter(
      ({ summary, answers }) => summary === '' || !answers.some(({ status }) => status < '400'),
    )
    expect(silent.map(({ path }) => path)).toEqual([])
  })

  it.each(named)(
    '%s is behind a guard with a permission and an action of the catalogue',
    (_, { permission, action }) => {
      expect([...Object.keys(PERMISSIONS), 'any']).toContain(permission)
      expect(OWN_ACTIONS).toContain(action)
      const own = catalogue().filter(({ service }) => service === 'bricktrail')
      expect(own.map((entry) => entry.action)).toContain(action)
    },
  )

  it.each(named)('%s describes its refusals, with examples', (_, { answers }) => {
    const statuses = answers.map(({ status }) => status)
    for (const status of ['401', '403', '422', '429', '503']) expect(statuses).toContain(status)
    const bare = answers.filter(({ mediaType, example }) => mediaType?.includes('json') && example === undefined)
    expect(bare.map(({ status }) => status)).toEqual([])
  })

  it.each(named)('%s answers nobody without a token', async (_, { method, path }) => {
    const response = await server.fetch(filled(path), { method })
    expect(response.status).toBe(401)
    expect(response.headers.get('content-type')).toMatch(/^application\/problem\+json/)
    expect(await response.json()).toMatchObject({ code: 'UNAUTHENTICATED', status: 401 })
  })

  it.each(named.filter(([, { permission }]) => permission !== 'any'))(
    '%s answers nobody without its permission',
    async (_, { method, path, permission }) => {
      const scopes = (Object.keys(PERMISSIONS) as Permission[]).filter((each) => each !== permission)
      const headers = { authorization: `Bearer ${server.token({ role: 'admin', scopes })}` }
      const response = await server.fetch(filled(path), { method, headers })
      expect(response.status).toBe(403)
    },
  )

  it.each(routes.map((route) => [`${route.method} ${route.path}`, route] as const))(
    '%s refuses a parameter that it does not know, and names the one that was meant',
    async (name, { method, path, parameters }) => {
      const names = parameters.filter(({ where }) => where === 'query').map((each) => each.name)
      const meant = names[0] ?? 'from'
      const json = method === 'GET' ? {} : { json: {} }
      const answer = await server.fetch(`${filled(path)}?${meant}x=1`, { as: 'admin', method, ...json })
      // What a provider adds is its own.
      if (name === 'GET /auth/oidc/callback') return expect(answer.status).toBe(404)
      expect(answer.status).toBe(422)
      const problem = (await answer.json()) as Problem
      expect(problem).toMatchObject({ code: 'BAD_ARGUMENT', errors: [{ in: 'query', name: `${meant}x` }] })
      expect(problem.errors?.[0]?.message.includes(`Did you mean ${meant}?`)).toBe(names.length > 0)
    },
  )

  const withBodies = Object.entries(
    server.app.getOpenAPI31Document({ openapi: '3.1.0', info: { title: '', version: '' } }).paths ?? {},
  ).flatMap(([path, methods]) =>
    Object.entries(
      methods as Record<string, { requestBody?: { content?: Record<string, { example?: object }> } }>,
    ).flatMap(([method, { requestBody }]) => {
      const example = requestBody?.content?.['application/json']?.example
      return example === undefined
        ? []
        : [[`${method.toUpperCase()} ${path}`, path, method.toUpperCase(), example] as const]
    }),
  )

  it('tells of bodies', () => expect(withBodies.length).toBeGreaterThan(8))

  it.each(withBodies)(
    '%s refuses a name in its body that it does not know, and names the one that was meant',
    async (_, path, method, example) => {
      const [meant = ''] = Object.keys(example)
      const json = { ...example, [`${meant}x`]: 1, zzzzzzzzzz: 1 }
      const answer = await server.fetch(filled(path), { as: 'admin', method, json })
      expect(answer.status).toBe(422)
      expect(((await answer.json()) as Problem).errors).toEqual([
        { in: 'json', name: `${meant}x`, message: `There is no such parameter here. Did you mean ${meant}?` },
        { in: 'json', name: 'zzzzzzzzzz', message: 'There is no such parameter here.' },
      ])
    },
  )

  it.each(named)('%s answers another method with those that there are', async (_, { path }) => {
    const own = routes.filter((each) => each.path === path).map(({ method }) => method)
    const other = ['PATCH', 'PUT', 'GET'].find((method) => !own.includes(method)) ?? 'DELETE'
    const answer = await server.fetch(filled(path), { as: 'admin', method: other })
    expect(answer.status).toBe(405)
    const allowed = answer.headers.get('allow')?.split(', ') ?? []
    expect(allowed.filter((method) => !['HEAD', 'OPTIONS'].includes(method)).sort()).toEqual(own.sort())
  })

  it.each(named)('%s meets nonsense without falling over', async (_, { method, path, parameters }) => {
    const query = parameters.filter(({ where }) => where === 'query').map(({ name }) => name)
    for (const text of ["' OR 1=1 --", '\u0000', '💥'.repeat(50), '-1', 'NaN']) {
      const search = new URLSearchParams(query.map((name): [string, string] => [name, text]))
      const body = method === 'GET' ? {} : { json: { text, [text]: [text] } }
      const response = await server.fetch(`${filled(path)}?${search}`, { as: 'admin', method, ...body })
      const told = response.status < 500 ? '' : await response.clone().text()
      // A stream has no end.
      await response.body?.cancel()
      expect(response.status, `${text}: ${told}`).toBeLessThan(500)
    }
  })
})

describe('the reference', () => {
  it('is a page without scripts, under a policy that would not run any', async () => {
    const response = await server.fetch('/docs', { as: 'viewer' })
    const html = await response.text()
    expect(html).not.toMatch(/<script|javascript:|\son\w+=/i)
    const nonce = /'nonce-([^']+)'/.exec(response.headers.get('content-security-policy') ?? '')?.[1]
    expect(html).toContain(`<style nonce="${nonce}">`)
    for (const { path } of routes) expect(html).toContain(`<code>${path}</code>`)
  })

  it('is served to programs as OpenAPI 3.1 that names every route', async () => {
    const document = (await (await server.fetch('/openapi.json', { as: 'viewer' })).json()) as ApiDocument & {
      openapi: string
    }
    expect(document.openapi).toBe('3.1.0')
    expect(routesOf(document).map(({ path }) => path)).toEqual(routes.map(({ path }) => path))
  })

  it('docs/reference/api.md is what the program says', async () => {
    const file = new URL('../../docs/reference/api.md', import.meta.url)
    const page = apiPage(routes)
    if (process.env.UPDATE_DOCS !== undefined) await writeFile(file, page)
    expect(await readFile(file, 'utf8')).toBe(page)
  })
})
