/** What people change on the pages, as the API has it afterwards. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { homeAt } from '../../src/core/home.ts'
import { Outbox } from '../../src/deliver/outbox.ts'
import type { TokenRow } from '../../src/serve/shapes/access.ts'
import type { AlertDetail, AlertPage, AlertRow } from '../../src/serve/shapes/alerts.ts'
import type { RuleDetail } from '../../src/serve/shapes/rules.ts'
import { openSite, type Site } from './site.fixture.ts'

let site: Site
beforeAll(async () => {
  site = await openSite()
})
afterEach(() => site.leave())
afterAll(() => site.close())

/** What the API says to the owner of a secret. */
const asWith = (secret: string, path: string) =>
  fetch(`${site.url}/api/v1${path}`, { headers: { authorization: `Bearer ${secret}` } })

const alerts = async (query: string): Promise<readonly AlertRow[]> =>
  (await site.api<AlertPage>(`/alerts?${query}`)).alerts

/** The queue, with its first alert open; keys lead there. */
async function atFirst(page: Page): Promise<string> {
  await page.goto('/alerts')
  await page.getByRole('list', { name: 'Queue' }).waitFor()
  await page.keyboard.press('j')
  // The first detail waits for the rules to be read, whose runbook it shows.
  await page.getByRole('article', { name: 'Detail' }).getByRole('button', { name: 'Note' }).waitFor({ timeout: 40_000 })
  const id = new URL(page.url()).searchParams.get('id')
  expect(id).not.toBeNull()
  return id ?? ''
}

describe('the queue of alerts', () => {
  it('is worked through by keyboard: taken, noted, resolved, and the API has it so', async () => {
    const page = await site.signedIn()
    const id = await atFirst(page)

    await page.keyboard.press('a')
    await page.getByRole('article', { name: 'Detail' }).getByText('acknowledged', { exact: true }).first().waitFor()
    await page.keyboard.press('m')
    await page.getByText('Assigned', { exact: true }).waitFor()
    await page.keyboard.press('n')
    await page.getByRole('textbox', { name: 'Note' }).fill('<img src=x onerror=alert(1)> asked the owner')
    await page.keyboard.press('Control+Enter')
    await page.getByRole('article', { name: 'Detail' }).getByText('<img src=x onerror=alert(1)>').waitFor()
    await page.keyboard.press('r')
    await page.getByRole('dialog').waitFor()
    await page.keyboard.press('3')
    await page.getByRole('radio', { name: /False positive/, checked: true }).waitFor()
    await page.getByRole('button', { name: 'Resolve', exact: true }).last().click()
    await page.getByText('resolved (false positive)').first().waitFor()

    const after = await site.api<AlertDetail>(`/alerts/${id}`)
    expect(after).toMatchObject({ state: 'resolved', outcome: 'false_positive', assignee: expect.stringMatching(/./) })
    expect(after.history.map(({ what }) => what)).toEqual(
      expect.arrayContaining(['acknowledged', 'note', 'resolved: false positive']),
    )
    expect(after.history.some(({ why }) => why === '<img src=x onerror=alert(1)> asked the owner')).toBe(true)
  })

  it('goes on from where the resolved one was', async () => {
    const page = await site.signedIn()
    const first = await atFirst(page)
    await page.keyboard.press('j')
    await expect.poll(() => new URL(page.url()).searchParams.get('id')).not.toBe(first)
    await page.keyboard.press('k')
    await expect.poll(() => new URL(page.url()).searchParams.get('id')).toBe(first)
    await page.keyboard.press('?')
    await page.getByRole('dialog', { name: 'Keys of this page' }).getByText('Resolve, and say what it was').waitFor()
  })

  it('does one thing to many at once', async () => {
    const page = await site.signedIn()
    await page.goto('/alerts?state=new&level=medium')
    const boxes = page.getByRole('list', { name: 'Queue' }).getByRole('checkbox')
    await boxes.nth(0).check()
    await boxes.nth(1).check()
    await page.getByRole('toolbar').getByRole('button', { name: 'Acknowledge' }).click()
    await page.getByText('2 alerts').waitFor()
    await expect.poll(async () => (await alerts('state=acknowledged')).length).toBeGreaterThanOrEqual(2)
  })

  it('silences whom an alert is about, for a time and with a reason, and ends it again', async () => {
    const page = await site.signedIn()
    await atFirst(page)
    await page.keyboard.press('x')
    await page.getByRole('textbox', { name: 'Reason' }).fill('Planned move')
    await page.getByRole('dialog').getByRole('button', { name: 'Silence', exact: true }).click()
    await page.getByText('Silenced', { exact: true }).waitFor()
    const { silences } = await site.api<{ silences: { reason: string; inForce: boolean }[] }>('/silences')
    expect(silences).toMatchObject([{ reason: 'Planned move', inForce: true }])
    await page.getByRole('button', { name: 'Silences' }).click()
    await page.getByRole('button', { name: 'End now' }).click()
    await page.getByText('over', { exact: true }).waitFor()
  })

  it('shows as done what the server refuses only until it has refused, and says why', async () => {
    const page = await site.signedIn()
    const id = await atFirst(page)
    await page.route('**/deeds', (route) =>
      route.fulfill({
        status: 409,
        contentType: 'application/problem+json',
        body: JSON.stringify({ status: 409, code: 'CONFLICT', detail: 'Somebody was quicker.', hint: 'Look again.' }),
      }),
    )
    await page.keyboard.press('s')
    await page.getByText('This was refused, and is as it was').waitFor()
    await page.getByText('Somebody was quicker. Look again.').waitFor()
    await page.unroute('**/deeds')
    const { state } = await site.api<AlertDetail>(`/alerts/${id}`)
    await page.getByRole('article', { name: 'Detail' }).getByText(state, { exact: true }).first().waitFor()
  })

  it('lets a viewer look and says why nothing can be changed', async () => {
    const page = await site.as('viewer')
    const id = await atFirst(page)
    const before = await site.api<AlertDetail>(`/alerts/${id}`)
    await page.keyboard.press('a')
    await page.getByRole('button', { name: 'Acknowledge' }).hover()
    await page.getByText('Your role, viewer, may not change alerts.').waitFor()
    expect((await site.api<AlertDetail>(`/alerts/${id}`)).state).toBe(before.state)
  })

  it('is reached by the address that messages to people have', async () => {
    const [alert] = await alerts('which=all&limit=1')
    const page = await site.signedIn()
    await page.goto(`/alerts/${alert?.id}`)
    await page.getByRole('article', { name: 'Detail' }).getByRole('heading', { level: 2 }).first().waitFor()
    expect(new URL(page.url()).searchParams.get('id')).toBe(alert?.id)
  })
})

describe('the page of access', () => {
  it('makes a token, shows its secret once, and revokes it', async () => {
    const page = await site.signedIn()
    await page.goto('/admin')
    await page.getByRole('button', { name: 'New token' }).click()
    await page.getByRole('textbox', { name: 'Name' }).fill('nightly report')
    await page.getByLabel('Role', { exact: true }).selectOption('auditor')
    await page.getByRole('button', { name: 'Make' }).click()
    const made = (await page.getByTestId('secret').textContent()) ?? ''
    expect(made).toMatch(/^btk_/)
    expect(await (await asWith(made, '/me')).json()).toMatchObject({ role: 'auditor' })
    await page.getByRole('button', { name: 'I have it' }).click()
    expect(await page.content()).not.toContain(made)

    await page.getByRole('button', { name: 'Revoke nightly report' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Revoke', exact: true }).click()
    await expect.poll(() => page.getByRole('button', { name: 'Revoke nightly report' }).count()).toBe(0)
    expect((await asWith(made, '/me')).status).toBe(401)
    const { tokens } = await site.api<{ tokens: TokenRow[] }>('/tokens')
    expect(tokens.find(({ name }) => name === 'nightly report')?.revoked).not.toBeNull()
  })
})

describe('sessions', () => {
  it('of others are ended by who may, and that browser is led to the sign-in page', async () => {
    const viewer = await site.as('viewer')
    const page = await site.signedIn()
    await page.goto('/admin?show=sessions')
    const rows = page.getByRole('region', { name: 'Table: Sessions' }).getByRole('row')
    await rows.filter({ hasText: 'this one' }).getByRole('button', { name: 'Sign out' }).waitFor()
    await page.getByRole('button', { name: "End a session of a test's viewer" }).first().click()
    await page.getByRole('dialog').getByRole('button', { name: 'End', exact: true }).click()
    await page.getByRole('dialog').waitFor({ state: 'detached' })
    await viewer.getByRole('link', { name: 'Alerts', exact: true }).click()
    await viewer.getByRole('heading', { name: 'Sign in' }).waitFor()
  })

  it("of one's own are on a page for everybody, and ended there", async () => {
    const secret = await site.token('viewer')
    const [here, there] = [await site.as('viewer', {}, secret), await site.as('viewer', {}, secret)]
    await here.getByRole('button', { name: /settings and sign out/ }).click()
    await here.getByRole('link', { name: 'Account and sessions' }).click()
    await here.getByRole('heading', { name: 'Your sessions' }).waitFor()
    const ends = here.getByRole('button', { name: "End a session of a test's viewer" })
    await expect.poll(() => ends.count()).toBe(1)
    await ends.click()
    await here.getByRole('dialog').getByRole('button', { name: 'End', exact: true }).click()
    await expect.poll(() => ends.count()).toBe(0)
    await there.getByRole('link', { name: 'Alerts', exact: true }).click()
    await there.getByRole('heading', { name: 'Sign in' }).waitFor()
    await here.getByRole('button', { name: 'Sign out', exact: true }).click()
    await here.getByRole('heading', { name: 'Sign in' }).waitFor()
  })
})

describe('the page of a rule', () => {
  it('turns it off for a reason, and takes that back', async () => {
    const { rules } = await site.api<{ rules: { id: string; title: string }[] }>('/rules')
    const [rule] = rules
    if (rule === undefined) throw new Error('there are rules')
    const page = await site.signedIn()
    await page.goto(`/rules/${rule.id}`)
    await page.getByRole('switch', { name: 'On' }).press('Space')
    const change = page.getByRole('button', { name: 'Change', exact: true })
    expect(await change.isDisabled()).toBe(true)
    await page.getByRole('textbox', { name: 'Reason' }).fill('Known batch job')
    await change.click()
    // Every rule is read anew before a change stands.
    await page.getByText('changed here').waitFor({ timeout: 40_000 })
    expect(await site.api<RuleDetail>(`/rules/${rule.id}`)).toMatchObject({ enabled: false, overridden: true })
    await page.getByRole('button', { name: 'Take back to the rule as shipped' }).click()
    await page.getByRole('switch', { name: 'On' }).waitFor({ timeout: 40_000 })
    expect(await site.api<RuleDetail>(`/rules/${rule.id}`)).toMatchObject({ enabled: true, overridden: false })
  }, 120_000)

  it('says what it would have found', async () => {
    const { rules } = await site.api<{ rules: { id: string; findings: number; kind: string }[] }>('/rules?days=90')
    const rule = rules.find(({ findings, kind }) => findings > 0 && kind === 'detection')
    const page = await site.signedIn()
    await page.goto(`/rules/${rule?.id}`)
    await page.getByRole('combobox', { name: 'Over which time' }).selectOption('All that is there')
    await page.getByRole('button', { name: 'Run', exact: true }).click()
    await page.getByText(/\d+ findings? with/).waitFor({ timeout: 45_000 })
  })
})

describe('the page of integrity', () => {
  it('verifies all that was sealed, while one waits', async () => {
    const page = await site.as('auditor')
    await page.goto('/integrity')
    await page.getByText('Not verified yet').waitFor()
    await page.getByRole('button', { name: 'Verify now' }).click()
    await page.getByText('Nothing is changed, missing or out of order').waitFor({ timeout: 45_000 })
    expect(await site.api<{ verification: { state: string } }>('/seal')).toMatchObject({
      verification: { state: 'clean' },
    })
  })
})

describe('the page of destinations', () => {
  it('sends a test, and discards and replays dead letters', async () => {
    writeFileSync(join(site.home, 'deliver.yaml'), 'destinations:\n  pager: { kind: file, path: pager.ndjson }\n')
    refuseForGood(['letter 1', 'letter 2', 'letter 3'])
    const page = await site.signedIn()
    await page.goto('/operations?show=out')
    await page.getByRole('button', { name: 'Send a test to pager' }).click()
    await page.getByText('pager took the test message').waitFor()
    await page.getByRole('button', { name: /3\s+dead letters of pager/ }).click()
    const letters = page.getByRole('region', { name: 'Table: Dead letters' })
    await letters.getByText('letter 1', { exact: true }).click()
    await letters.getByText('{"<b>":"letter 1"}').waitFor()
    await letters.getByRole('button', { name: 'Discard' }).first().click()
    await page.getByRole('dialog').getByRole('button', { name: 'Discard' }).click()
    await expect.poll(() => letters.getByRole('button', { name: 'Discard' }).count()).toBe(2)
    await page.getByRole('button', { name: 'Replay all' }).click()
    await page.getByText('No dead letters').waitFor()
    await expect
      .poll(() => readFileSync(join(site.home, 'pager.ndjson'), 'utf8'), { timeout: 20_000 })
      .toContain('letter 3')
    expect(readFileSync(join(site.home, 'pager.ndjson'), 'utf8')).not.toContain('letter 1')
  })
})

/** Puts messages where those are that a destination refused in a way that trying again does not mend. */
function refuseForGood(ids: readonly string[]): void {
  const outbox = Outbox.open(homeAt(site.home).outbox)
  outbox.put(
    ids.map((id) => ({ destination: 'pager', id, key: id, body: JSON.stringify({ '<b>': id }), weight: 1 })),
    Date.now() - 60_000,
  )
  for (const { seq } of outbox.due('pager', Date.now(), ids.length))
    outbox.dropMessage('pager', seq, 'refused', Date.now())
  outbox.close()
}

describe('all of them', () => {
  it('complain of nothing', () => {
    expect(site.complaints).toEqual([])
  })
})
