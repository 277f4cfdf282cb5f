import { afterAll, expect, it } from 'vitest'
import { homeAt } from '../../core/home.ts'
import { newSite } from '../pack/site.fixture.ts'
import { siteOf } from './site.ts'

const folder = await newSite()
afterAll(() => folder.remove())

const DECLARED =
  'environments:\n  - { name: dev, workspaces: ["1"] }\n  - { name: prod, catalogs: [prod] }\nshipped: false\n'

it('a site has the time that its rules may take, and the environments whose crossings are told', async () => {
  const site = async (text: string) => {
    await folder.write('detect.yaml', text)
    return siteOf(homeAt(folder.folder))
  }
  const { environments, timeoutSecs, pack } = await site(`rules_timeout: 90s\n${DECLARED}`)
  expect([environments.map(({ name }) => name), timeoutSecs]).toEqual([['dev', 'prod'], 90])
  expect(pack.rules.map(({ key }) => key)).toEqual(['environment-crossing'])
  const off = await site(`disabled: [environment-crossing]\n${DECLARED}`)
  expect([off.environments, off.timeoutSecs, off.pack.rules]).toEqual([[], undefined, []])
})
