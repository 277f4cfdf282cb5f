/** The explorer, as people use it: against the real server, on a real lake. */
import { readFileSync } from 'node:fs'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { FindingDetail, FindingPage } from '../../src/serve/shapes/alerts.ts'
import type { EventPage } from '../../src/serve/shapes/events.ts'
import { lead, openSite, type Site } from './site.fixture.ts'

let site: Site
let page: Page
beforeAll(async () => {
  site = await openSite({ ownLog: '1s' })
  page = await site.signedIn()
  await page.goto('/')
  await page.getByRole('heading', { name: 'Overview' }).waitFor()
})
afterAll(() => site.close())

const rows = (of: Page) => of.getByRole('table', { name: 'Events', exact: true }).locator('.events-body .event-row')
const searchBox = (of: Page) => of.getByRole('combobox', { name: 'Search events' })
const address = (of: Page) => new URL(of.url()).searchParams

/** Opens a search, and waits until its own answer is shown. */
async function open(of: Page, q: string, more = ''): Promise<void> {
  await lead(of, `/events?q=${encodeURIComponent(q)}${more}`)
  await total(of)
}

/** The number of events that the page says there are. */
async function total(of: Page): Promise<number> {
  const told = of.locator('.timeline-total')
  await told.waitFor()
  await of.locator('.dated').first().waitFor({ state: 'detached' })
  return Number((await told.locator('strong').textContent())?.replaceAll(',', ''))
}

/** Waits until the one event that a search finds was taken in. */
async function inLake(q: string): Promise<void> {
  const found = async () => (await site.api<EventPage>(`/events?${new URLSearchParams({ q })}`)).events.length
  await expect.poll(found, { timeout: 40_000, interval: 1000 }).toBe(1)
}

const RECORD = {
  version: '2.0',
  auditLevel: 'WORKSPACE_LEVEL',
  accountId: 'aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee',
  workspaceId: '4242424242',
  sourceIPAddress: '203.0.113.9',
  sessionId: 'a-session',
  userIdentity: { email: 'dropped@example.com', subjectName: null },
  serviceName: 'unityCatalog',
  actionName: 'getTable',
  response: { statusCode: 200, errorMessage: null, result: null },
}

describe('a search', () => {
  it('is typed with completions from the lake, and is then in the address', async () => {
    await open(page, '')
    await searchBox(page).click()
    await page.keyboard.type('stat')
    await page.getByRole('option', { name: /^status:/ }).waitFor()
    await page.keyboard.press('ArrowDown')
    await page.keyboard.press('Enter')
    await page.keyboard.type('unau')
    const option = page.getByRole('option', { name: /UNAUTHORIZED/i })
    await option.waitFor()
    await page.keyboard.press('ArrowDown')
    await page.keyboard.press('Enter')
    await page.keyboard.press('Enter')
    await page.waitForURL(/q=/)
    expect(address(page).get('q')).toBe('status:UNAUTHORIZED')
    await total(page)
    for (const outcome of await rows(page).locator('.status').allTextContents())
      expect(outcome).toContain('unauthorized')
  })

  it('that cannot be understood says so at its place', async () => {
    await open(page, '')
    await searchBox(page).fill('verb:read colour:red')
    await page.keyboard.press('Enter')
    await page.getByText('This search is not understood').waitFor()
    await page.getByRole('status').getByText('There is no field colour.').waitFor()
    expect(await page.locator('.paint-wrong').textContent()).toBe('colour:red')
  })

  it('that finds nothing offers a way on', async () => {
    await lead(page, '/events?q=actor:nobody@nowhere.example&from=1h+ago')
    await page.getByText('No event matches').waitFor()
    await page.getByRole('button', { name: 'Look through all time' }).click()
    await page.waitForURL((url) => !url.searchParams.has('from'))
  })

  it('is narrowed and turned round by facets', async () => {
    await open(page, '-service:bricktrail')
    const all = await total(page)
    const facet = page.locator('.facet', { hasText: 'Category' }).locator('.facet-value').first()
    const name = (await facet.locator('.facet-name').textContent()) ?? ''
    const count = Number((await facet.locator('.facet-count').textContent())?.replaceAll(',', ''))
    await facet.locator('.facet-name').click()
    await page.waitForURL((url) => url.searchParams.get('q')?.includes(`category:${name}`) === true)
    await expect.poll(() => total(page)).toBe(count)
    await page.getByRole('button', { name: `Leave out ${name}` }).click()
    await page.waitForURL((url) => url.searchParams.get('q')?.includes(`-category:${name}`) === true)
    await expect.poll(() => total(page)).toBe(all - count)
    await page.goBack()
    await expect.poll(() => total(page)).toBe(count)
  })

  it('is narrowed in time by dragging over the chart', async () => {
    await open(page, '-service:bricktrail')
    const all = await total(page)
    const chart = page.getByTestId('chart-drag')
    await page.locator('canvas').waitFor()
    const box = await chart.boundingBox()
    if (box === null) throw new Error('The chart is not there.')
    await page.mouse.move(box.x + box.width * 0.3, box.y + 40)
    await page.mouse.down()
    await page.mouse.move(box.x + box.width * 0.6, box.y + 50, { steps: 6 })
    await page.mouse.up()
    await page.waitForURL(/from=.*to=/)
    await expect.poll(() => total(page)).toBeLessThan(all)
    const [from, to] = [Date.parse(address(page).get('from') ?? ''), Date.parse(address(page).get('to') ?? '')]
    expect(to - from).toBeGreaterThan(3_600_000)
  })

  it('is kept under a name, shared, and taken up again', async () => {
    await open(page, 'verb:grant')
    await page.getByRole('button', { name: 'Saved searches' }).click()
    await page.getByRole('button', { name: 'Save this search' }).click()
    await page.getByLabel('Name').fill('What was granted')
    await page.getByRole('button', { name: 'Save', exact: true }).click()
    await page.getByRole('dialog', { name: 'Save this search' }).waitFor({ state: 'detached' })
    await open(page, '')
    await page.getByRole('button', { name: 'Saved searches' }).click()
    await page.getByRole('button', { name: 'What was granted' }).first().click()
    await page.waitForURL((url) => url.searchParams.get('q') === 'verb:grant')
  })

  it('is downloaded whole', async () => {
    await open(page, 'category:permission')
    const expected = await total(page)
    await page.getByRole('button', { name: 'Download' }).click()
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('menuitem', { name: /^NDJSON/ }).click(),
    ])
    const lines = readFileSync(await download.path(), 'utf8')
      .trimEnd()
      .split('\n')
    expect(lines).toHaveLength(expected)
    expect(JSON.parse(lines[0] ?? '{}')).toHaveProperty('event_id')
  })

  it('shows more rows as they are scrolled to', async () => {
    await open(page, '-service:bricktrail')
    const table = page.getByRole('table', { name: 'Events', exact: true })
    const before = Number(await table.getAttribute('aria-rowcount'))
    await table.evaluate((element) => element.scrollTo(0, element.scrollHeight))
    await expect.poll(async () => Number(await table.getAttribute('aria-rowcount'))).toBeGreaterThan(before)
  })
})

describe('an event', () => {
  it('is opened, stepped from and closed by keyboard', async () => {
    await open(page, '-service:bricktrail')
    await rows(page).first().waitFor()
    await page.keyboard.press('j')
    await page.keyboard.press('j')
    await page.keyboard.press('Enter')
    await page.waitForURL(/event=/)
    const second = address(page).get('event')
    await page.getByRole('complementary', { name: 'Event' }).getByRole('heading').first().waitFor()
    await page.keyboard.press('k')
    await page.waitForURL((url) => url.searchParams.get('event') !== second)
    await page.keyboard.press('Escape')
    await page.waitForURL((url) => !url.searchParams.has('event'))
    await page.keyboard.press('/')
    expect(await searchBox(page).evaluate((element) => element.matches(':focus'))).toBe(true)
    // The first closes the completions, the second leaves the box.
    await page.keyboard.press('Escape')
    await page.keyboard.press('Escape')
    await page.keyboard.press('?')
    await page.getByRole('dialog', { name: 'Keys of this page' }).waitFor()
    await page.keyboard.press('Escape')
  })

  it('tells who, what, from where, and leads to what belongs to it', async () => {
    await open(page, 'category:data_access status:success')
    await rows(page).first().click()
    const pane = page.getByRole('complementary', { name: 'Event' })
    for (const name of ['Who', 'What', 'Outcome']) await pane.getByText(name, { exact: true }).waitFor()
    await pane.getByRole('tab', { name: 'Parameters' }).click()
    await pane.getByRole('region', { name: 'Parameters' }).waitFor()
    await pane.getByRole('tab', { name: 'Received' }).click()
    await pane.getByRole('region', { name: 'What was received' }).getByText('serviceName').waitFor()
    await pane.getByRole('tab', { name: /^Related/ }).click()
    await pane.getByRole('table', { name: 'Related events' }).waitFor()
    await pane.getByRole('tab', { name: 'Explained' }).click()
    await pane.getByRole('button', { name: 'Only this actor' }).click()
    await page.waitForURL((url) => url.searchParams.get('q')?.includes('actor:') === true)
  })

  it('leads from what rules found in it to the alerts about that', async () => {
    const { findings } = await site.api<FindingPage>('/findings?level=critical&limit=1')
    const detail = await site.api<FindingDetail>(`/findings/${findings[0]?.id}`)
    await page.goto(`/events?q=id:${detail.eventIds[0]}&event=${detail.eventIds[0]}`)
    await page.getByRole('list', { name: 'Findings' }).getByRole('link', { name: detail.title }).first().click()
    await page.waitForURL(/\/alerts\?.*finding=/)
    await page.getByText('1 shown').waitFor()
    await page
      .getByRole('article', { name: 'Detail' })
      .getByRole('heading', { level: 2, name: detail.title })
      .first()
      .waitFor()
    await page.keyboard.press('Escape')
    await page.getByText('No alert is open').waitFor()
    expect(address(page).has('id')).toBe(false)
  })

  it('gives its proof as a file', async () => {
    await open(page, 'category:permission')
    await rows(page).first().click()
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('link', { name: 'Download the proof' }).click(),
    ])
    expect(readFileSync(await download.path()).length).toBeGreaterThan(100)
  })

  it('shows what is hidden only for a reason, which is then in the record of use', async () => {
    const analyst = await site.as('analyst')
    await open(analyst, 'category:permission')
    await rows(analyst).first().click()
    const pane = analyst.getByRole('complementary', { name: 'Event' })
    await pane.getByText('Hidden from your role').waitFor()
    const who = pane.locator('.key-value dd').first()
    const hidden = await who.textContent()
    await pane.getByRole('button', { name: 'Reveal…' }).click()
    const dialog = analyst.getByRole('dialog')
    expect(await dialog.getByRole('button', { name: 'Reveal' }).isEnabled()).toBe(false)
    await dialog.getByLabel('Why').fill('ticket 4711: who granted this')
    await dialog.getByRole('button', { name: 'Reveal' }).click()
    await dialog.waitFor({ state: 'detached' })
    await expect.poll(() => who.textContent()).not.toBe(hidden)
    await inLake('service:bricktrail action:revealEvent "ticket 4711"')
  })

  it('that carries markup and signs that turn text round is shown as text', async () => {
    const hostile = '<img src=x onerror=alert(1)>\u202Egnp.exe\u001b[31m'
    site.drop('hostile.json', [
      {
        ...RECORD,
        timestamp: Date.now() - 60_000,
        requestId: 'hostile-1',
        userAgent: hostile,
        userIdentity: { email: `${hostile}@example.com`, subjectName: hostile },
        requestParams: { full_name_arg: hostile, '<b>key</b>': '</pre><script>alert(2)</script>' },
        response: { statusCode: 500, errorMessage: hostile, result: hostile },
      },
    ])
    await inLake('workspace:4242424242 status:failure')
    await open(page, 'workspace:4242424242 status:failure')
    await rows(page).first().click()
    const pane = page.getByRole('complementary', { name: 'Event' })
    for (const tab of ['Explained', 'Parameters', 'All fields', 'Received']) {
      await pane.getByRole('tab', { name: tab }).click()
      await pane.getByText('<img src=x').first().waitFor()
      expect(await page.locator('img, script:not([src]), b').count()).toBe(0)
    }
    await pane.getByRole('tab', { name: 'Parameters' }).click()
    expect(await pane.locator('.unseen').allTextContents()).toEqual(expect.arrayContaining(['\\u202e', '\\x1b']))
    expect(await page.locator('body').textContent()).not.toContain('\u202e')
  })
})

describe('what is new', () => {
  it('is counted as it comes, and shown when asked for', async () => {
    await open(page, 'actor:dropped@example.com')
    await page.getByText('Live', { exact: true }).waitFor()
    const before = await total(page)
    const timestamp = Date.now()
    site.drop('live.json', [
      { ...RECORD, timestamp, requestId: 'live-1', requestParams: { full_name_arg: 'main.live.one' } },
      { ...RECORD, timestamp: timestamp + 1, requestId: 'live-2', requestParams: { full_name_arg: 'main.live.two' } },
      ...Array.from({ length: 20 }, (_, at) => ({
        ...RECORD,
        timestamp: timestamp + at,
        requestId: `other-${at}`,
        userIdentity: { email: 'other@example.com', subjectName: null },
        requestParams: {},
      })),
    ])
    const news = page.getByRole('button', { name: '2 new events' })
    await news.waitFor({ timeout: 40_000 })
    await news.click()
    await expect.poll(() => total(page)).toBe(before + 2)
    await page.getByText('main.live.one').first().waitFor()
  })

  it('is told of what others ask of Bricktrail, and not of what this page asks', async () => {
    const counted = page.waitForResponse(/facets\?.*most=1(&|$)/)
    // What pages of other tests asked may come late.
    await open(page, 'service:bricktrail action:searchSilences,countEvents actor:"local admin","the tests"')
    await counted
    await site.api('/silences')
    await site.api('/silences')
    await page.getByRole('button', { name: '2 new events' }).waitFor({ timeout: 40_000 })
  })
})

describe('SQL', () => {
  it('runs, is in the address, and is downloaded as CSV', async () => {
    await page.goto('/sql')
    await page.getByLabel('Statement').fill("select count(*) as n, 1 as one from events where category = 'permission'")
    await page.getByLabel('Statement').press('Control+Enter')
    await page.getByText('1 row', { exact: true }).waitFor()
    expect(address(page).get('sql')).toContain('select count(*)')
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('button', { name: 'CSV' }).click(),
    ])
    expect(readFileSync(await download.path(), 'utf8')).toMatch(/^n,one\r\n\d+,1\r\n$/)
  })

  it('that is wrong says why, and that runs is stopped', async () => {
    await page.getByLabel('Statement').fill("select * from read_csv('/etc/passwd')")
    await page.getByRole('button', { name: 'Run' }).click()
    await page.getByRole('alert').getByText('SQL_REFUSED').waitFor()
    await page.getByLabel('Statement').fill('select sum(a.range * b.range) from range(1000000) a, range(1000000) b')
    await page.getByRole('button', { name: 'Run' }).click()
    await page.getByRole('button', { name: 'Cancel' }).click()
    await page.getByRole('button', { name: 'Run' }).waitFor()
  })
})

it('nothing complained on the way', () => {
  expect(site.complaints).toEqual([])
})
