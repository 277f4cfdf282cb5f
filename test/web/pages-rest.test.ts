/** That pages come to rest, come back, and say where they end. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Page, Request } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { homeAt } from '../../src/core/home.ts'
import { Outbox } from '../../src/deliver/outbox.ts'
import type { AlertPage } from '../../src/serve/shapes/alerts.ts'
import type { Overview } from '../../src/serve/shapes/entities.ts'
import type { RejectPage } from '../../src/serve/shapes/operations.ts'
import type { RuleList } from '../../src/serve/shapes/rules.ts'
import { openSite, type Site } from './site.fixture.ts'

let site: Site
beforeAll(async () => {
  site = await openSite()
})
afterEach(() => site.leave())
afterAll(() => site.close())

/** Requests of a page to a path of the API, from now on. */
function asked(page: Page, path: string): Request[] {
  const seen: Request[] = []
  page.on('request', (request) => {
    if (new URL(request.url()).pathname === `/api/v1${path}`) seen.push(request)
  })
  return seen
}

/** What a stream says of a change. */
const events = (change: object): string => `event: events\ndata: ${JSON.stringify({ kind: 'events', ...change })}\n\n`
const RESET = 'event: reset\ndata: {"kind":"reset"}\n\n'

/** Answers the stream with what is told, once `when` is there. The page comes back to it soon, and hears nothing more. */
async function streamOf(page: Page, told: string, when: Promise<unknown>): Promise<void> {
  const bodies = [`retry: 200\n\n${told}`]
  await page.route('**/api/v1/stream', async (route) => {
    await when
    await route.fulfill({ contentType: 'text/event-stream', body: bodies.shift() ?? 'retry: 600000\n\n' })
  })
}

/** A page that asks a question anew with each change of events, and a heading that shows it has its answer. */
const INTEGRITY = { path: '/integrity', heading: 'Growth', question: '/seal' }

/** What a page asked by the time that it heard such a stream to its end. */
async function asksAfter(
  page: Page,
  told: string,
  { path, heading, question } = INTEGRITY,
): Promise<readonly Request[]> {
  const { promise: isThere, resolve } = Promise.withResolvers<void>()
  await streamOf(page, told, isThere)
  const [asks, streams] = [asked(page, question), asked(page, '/stream')]
  await page.goto(path)
  await page.getByRole('heading', { name: heading }).waitFor()
  resolve()
  await expect.poll(() => streams.length).toBe(2)
  return asks
}

describe('what comes live', () => {
  it('has a page ask anew, but not where it is only what was asked of Bricktrail', async () => {
    const ofOthers = await asksAfter(await site.signedIn(), events({ added: 3, own: 2, rejects: 0 }))
    await expect.poll(() => ofOthers.length).toBe(2)
    const own = await asksAfter(await site.signedIn(), events({ added: 3, own: 3, rejects: 0 }))
    expect(own.length).toBe(1)
  })

  it('has the overview ask anew, later where it asked just before', async () => {
    const page = await site.signedIn()
    await page.clock.install()
    const overview = { path: '/', heading: 'Changes of permissions', question: '/overview' }
    const asks = await asksAfter(page, events({ added: 3, own: 2, rejects: 0 }), overview)
    expect(asks.length).toBe(1)
    await page.clock.fastForward(30_000)
    await expect.poll(() => asks.length).toBe(2)
  })

  it('is counted by the explorer, however much the page asked itself', async () => {
    const page = await site.signedIn()
    const { promise: isThere, resolve } = Promise.withResolvers<void>()
    await streamOf(page, events({ added: 2, own: 1, rejects: 0 }), isThere)
    const asks = asked(page, '/events/facets')
    await page.goto('/events?q=-service:bricktrail')
    await page.locator('.events-body .event-row').first().waitFor()
    const counted = () => asks.filter((request) => new URL(request.url()).searchParams.get('most') === '1').length
    expect(counted()).toBe(0)
    resolve()
    await expect.poll(counted).toBe(1)
  })

  it('and that cannot be resumed has the page ask for all of it again, without a word', async () => {
    const asks = await asksAfter(await site.signedIn(), RESET)
    await expect.poll(() => asks.length).toBe(2)
  })

  it('is asked for again where a stream was refused, since a new one knows nothing of the one before', async () => {
    const page = await site.signedIn()
    await page.clock.install()
    await page.route('**/api/v1/stream', (route) => route.fulfill({ status: 429 }), { times: 1 })
    const asks = asked(page, '/seal')
    await page.goto('/integrity')
    await page.getByRole('heading', { name: 'Growth' }).waitFor()
    await page.getByText('Not live', { exact: true }).waitFor()
    expect(asks.length).toBe(1)
    await page.clock.fastForward(3000)
    await page.getByText('Live', { exact: true }).waitFor()
    await expect.poll(() => asks.length).toBe(2)
  })
})

it('what a page asks while nobody is at it is marked, so that it keeps no session', async () => {
  const page = await site.signedIn()
  await page.clock.install()
  const asks = asked(page, '/sources')
  const marks = () => asks.map((request) => request.headers()['x-bricktrail-background'] ?? 'used')
  await page.goto('/operations')
  await page.getByRole('row', { name: /compact/ }).waitFor()
  expect(new Set(marks())).toEqual(new Set(['used']))
  // A question that is on its way stands for the next one, too: then it is the one after it that tells.
  const markAfter = async (ms: number) => {
    await page.clock.fastForward(ms)
    return marks().at(-1)
  }
  await expect.poll(() => markAfter(90_000)).toBe('1')
  let x = 200
  await expect
    .poll(async () => {
      x += 10
      await page.mouse.move(x, 200)
      return markAfter(20_000)
    })
    .toBe('used')
})

describe('lists that end', () => {
  it('dead letters are shown to the last one', async () => {
    writeFileSync(join(site.home, 'deliver.yaml'), 'destinations:\n  pager: { kind: file, path: pager.ndjson }\n')
    refuseForGood(205)
    const page = await site.signedIn()
    await page.goto('/operations?show=out&dead=pager')
    const rows = page.getByRole('region', { name: 'Table: Dead letters' }).getByRole('button', { name: 'Discard' })
    const more = page.getByRole('button', { name: 'Show more' })
    for (const count of [50, 100, 150, 200]) {
      await expect.poll(() => rows.count()).toBe(count)
      await more.click()
    }
    await expect.poll(() => rows.count()).toBe(205)
    expect(await more.count()).toBe(0)
  })

  it('the queue grows to what the server lists at once, and then says that there are more', async () => {
    const page = await site.signedIn()
    await page.route('**/api/v1/alerts?*', async (route) => {
      const response = await route.fetch()
      await route.fulfill({ response, json: { ...((await response.json()) as AlertPage), hasMore: true } })
    })
    const asks = asked(page, '/alerts')
    await page.goto('/alerts?limit=500')
    await page.getByRole('button', { name: 'Show more' }).click()
    await expect.poll(() => asks.some((request) => request.url().includes('limit=600'))).toBe(true)
    await page.goto('/alerts?limit=1000')
    await page.getByText('These are the first 1,000').waitFor()
    expect(await page.getByRole('button', { name: 'Show more' }).count()).toBe(0)
  })

  it('the overview says of how many new ones it names the first', async () => {
    const { figures, newActions } = await site.api<Overview>('/overview')
    const all = figures.newActions.value
    expect(all).toBeGreaterThan(newActions.length)
    const page = await site.signedIn()
    await page.goto('/')
    await page
      .getByText(`the first ${newActions.length} of ${all.toLocaleString('en')}`)
      .first()
      .waitFor()
  })
})

describe('ways that lead somewhere', () => {
  /** The number of rejects, and the links on it. */
  async function rejectLinks(page: Page) {
    await page.goto('/')
    const figure = page.locator('.figure').filter({ has: page.getByText('Rejects', { exact: true }) })
    await figure.waitFor()
    return figure.getByRole('link')
  }

  it('the number of rejects leads to them, and nowhere for whom they are not for', async () => {
    const viewer = await rejectLinks(await site.as('viewer'))
    expect(await viewer.count()).toBe(0)
    writeFileSync(join(site.home, 'dropped', 'bad.json'), '{"timestamp": \n')
    const counted = async () => (await site.api<Overview>('/overview')).figures.rejects.value
    await expect.poll(counted, { timeout: 30_000 }).toBeGreaterThan(0)
    const page = await site.signedIn()
    await (await rejectLinks(page)).click()
    await page.getByRole('tab', { name: 'Rejects', selected: true }).waitFor()
    const { from, figures } = await site.api<Overview>('/overview')
    const shown = new URL(page.url()).searchParams
    expect([shown.get('from'), shown.get('to')]).toEqual([from, null])
    const { rejects } = await site.api<RejectPage>(`/rejects?from=${from}&limit=200`)
    expect(rejects.length).toBe(figures.rejects.value)
    expect(rejects.length).toBeGreaterThan(0)
    await page.getByText('bad.json').first().waitFor()
  })

  it('the number of a level leads to just the alerts of that level', async () => {
    const { openAlerts } = await site.api<Overview>('/overview')
    const { level, count } = openAlerts.find((each) => each.level === 'high') ?? { level: '', count: 0 }
    const page = await site.signedIn()
    await page.goto('/')
    await page.getByRole('link', { name: `${count} open alerts of level ${level}` }).click()
    await page.getByText(`${count} shown`).waitFor()
    const badges = await page.getByRole('list', { name: 'Queue' }).locator('.badge').allTextContents()
    expect(new Set(badges)).toEqual(new Set([level]))
  })

  it('the page of a rule is one of Rules, in the navigation and by its title', async () => {
    const { rules } = await site.api<RuleList>('/rules')
    const page = await site.signedIn()
    await page.goto(`/rules/${rules[0]?.id ?? ''}`)
    const link = page.getByRole('navigation', { name: 'Pages' }).getByRole('link', { name: 'Rules', exact: true })
    await link.waitFor()
    expect(await link.getAttribute('aria-current')).toBe('true')
    expect(await page.title()).toBe('Rules · Bricktrail')
  })
})

it('nothing complained on the way', () => {
  expect(site.complaints).toEqual([])
})

function refuseForGood(count: number): void {
  const outbox = Outbox.open(homeAt(site.home).outbox)
  const ids = Array.from({ length: count }, (_, at) => `letter ${at}`)
  outbox.put(
    ids.map((id) => ({ destination: 'pager', id, key: id, body: '{}', weight: 1 })),
    Date.now() - 60_000,
  )
  for (const { seq } of outbox.due('pager', Date.now(), count)) outbox.dropMessage('pager', seq, 'refused', Date.now())
  outbox.close()
}
