/** What the pages show: of whom, of what, and to whom not; on narrow screens too. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { AlertPage } from '../../src/serve/shapes/alerts.ts'
import type { RejectPage } from '../../src/serve/shapes/operations.ts'
import { wrongOf } from './axe.fixture.ts'
import { lead, openSite, type Site } from './site.fixture.ts'

let site: Site
beforeAll(async () => {
  site = await openSite()
})
afterEach(() => site.leave())
afterAll(() => site.close())

/** The machine may have other things to do. */
const SOON = { timeout: 30_000 }

/** Waits until nothing of the page is on its way. */
const settled = (page: Page) => expect.poll(() => page.getByRole('status', { name: 'Loading' }).count(), SOON).toBe(0)

/** Bytes that would do something on a terminal or a page that believed them. */
const EVIL = '<script>alert(1)</script>\u202Egnp.exe\u001b[31m'

describe('the page of an entity', () => {
  it('has the numbers of a person, each a link to the events it counts', async () => {
    const { alerts } = await site.api<AlertPage>('/alerts?which=all&limit=50')
    const alert = alerts.find(({ entity }) => entity.field === 'actor.email')
    const page = await site.signedIn()
    await page.goto(`/entities/actor/${encodeURIComponent(alert?.entity.value ?? '')}`)
    for (const name of ['By day', 'Habits', 'Actions', 'What it touched', 'Changes', 'Alerts'])
      await page.getByRole('heading', { name, exact: true }).first().waitFor()
    const events = page.getByRole('definition').first()
    const count = (await events.textContent()) ?? ''
    await events.getByRole('link').click()
    await page.getByRole('heading', { name: 'Explorer' }).waitFor()
    expect(new URL(page.url()).searchParams.get('q')).toContain(alert?.entity.value ?? 'nobody')
    await page
      .getByText(new RegExp(`\\b${count}\\b`))
      .first()
      .waitFor()
  })

  it('says so where there is nothing of a name, whatever the name', async () => {
    const page = await site.signedIn()
    await page.goto(`/entities/actor/${encodeURIComponent(EVIL)}`)
    await page.getByText('No events in this time').waitFor()
    expect(await page.getByRole('heading', { level: 1 }).textContent()).toContain('\\u202e')
  })
})

describe('the page of operations', () => {
  it('shows sources with their lag, and rejected bytes as text', async () => {
    writeFileSync(join(site.home, 'dropped', 'bad.json'), `{"timestamp": ${EVIL}\n`)
    const page = await site.signedIn()
    await page.goto('/operations')
    await page
      .getByRole('row', { name: /dropped/ })
      .first()
      .waitFor()
    await page.getByRole('row', { name: /compact/ }).waitFor()
    await expect.poll(async () => (await site.api<RejectPage>('/rejects')).rejects.length, SOON).toBeGreaterThan(0)
    await page.getByRole('tab', { name: 'Rejects' }).click()
    await page.getByText('bad.json').first().waitFor()
    await page.getByRole('button', { name: 'Bytes' }).first().click()
    const bytes = page.locator('pre.bytes').first()
    expect(await bytes.textContent()).toContain('<script>alert(1)</script>\\u202egnp.exe\\x1b[31m')
    await page.getByRole('tab', { name: 'Destinations' }).click()
    await page.getByText('Nothing is delivered anywhere').waitFor()
  })
})

describe('rules', () => {
  it('are found by words and by technique', async () => {
    const page = await site.signedIn()
    await page.goto('/rules?view=attack')
    await page
      .getByRole('link', { name: /Cloud Accounts/ })
      .first()
      .click()
    await page.getByRole('region', { name: 'Table: Rules' }).waitFor()
    expect(new URL(page.url()).searchParams.get('technique')).toMatch(/^T\d{4}/)
    await page.getByRole('textbox', { name: 'Words' }).fill('no such rule at all')
    await page.getByText('No rule fits these filters').waitFor()
  })
})

/** Those that no picture is made of in this width, with their headings. */
const PAGES = [
  ['/alerts', 'Alerts'],
  ['/incidents', 'Incidents'],
  ['/rules?view=attack', 'Rules'],
  ['/operations?show=rejects', 'Operations'],
  ['/operations?show=out', 'Operations'],
  ['/admin?show=people', 'Access'],
  ['/admin?show=sessions', 'Access'],
] as const

describe('every page', () => {
  it('fits a telephone, without scrolling sideways', async () => {
    const page = await site.signedIn({ width: 390, height: 844 })
    await page.goto('/')
    await page.getByRole('heading', { level: 1 }).waitFor()
    for (const [path, title] of PAGES) {
      await lead(page, path)
      await page.getByRole('heading', { level: 1, name: title }).waitFor()
      await settled(page)
      const wide = await page.evaluate<number>('document.documentElement.scrollWidth')
      expect(wide, path).toBeLessThanOrEqual(390)
    }
  })

  it('keeps to the rules of accessibility with a detail or a dialog open, in both themes', async () => {
    const { alerts } = await site.api<AlertPage>('/alerts?limit=1')
    for (const scheme of ['light', 'dark'] as const) {
      const page = await site.signedIn({ scheme })
      await page.goto(`/alerts?id=${alerts[0]?.id}`)
      await page.getByRole('button', { name: 'Note' }).waitFor({ timeout: 40_000 })
      const rules = scheme === 'light' ? 'all' : 'colors'
      await settled(page)
      expect(await wrongOf(page, rules), `alert, ${scheme}`).toEqual([])
      await page.keyboard.press('r')
      await page.getByRole('dialog').waitFor()
      expect(await wrongOf(page, rules), `dialog, ${scheme}`).toEqual([])
      await page.keyboard.press('Escape')
      await lead(page, '/admin')
      await page.getByRole('button', { name: 'New token' }).click()
      await page.getByRole('textbox', { name: 'Name' }).waitFor()
      expect(await wrongOf(page, rules), `new token, ${scheme}`).toEqual([])
    }
  })

  it('is not shown to whom it is not for', async () => {
    const page = await site.as('viewer')
    for (const path of ['/admin', '/integrity']) {
      await page.goto(path)
      await page.getByText('Your role does not show you this').waitFor()
    }
    await page.goto('/operations')
    await page.getByRole('tab', { name: 'Destinations' }).waitFor()
    expect(await page.getByRole('tab', { name: 'Rejects' }).count()).toBe(0)
  })

  it('complains of nothing', () => {
    expect(site.complaints).toEqual([])
  })
})
