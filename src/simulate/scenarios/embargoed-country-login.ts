/** A login from a country the company does no business with. */
import { HOSTILE } from '../account/hostile.ts'
import { signIn } from '../sessions.ts'
import type { Scenario } from './contract.ts'

/** Login from an embargoed country. */
export const embargoedCountryLogin: Scenario = {
  id: 'embargoed-country-login',
  title: 'Login from an embargoed country',
  expect: 'A successful login from North Korea.',
  techniques: ['T1078.004'],
  rules: ['activity-from-embargoed-country'],
  play({ account, at, person, intrude }) {
    const victim = person('contractor')
    const thread = intrude(victim, at(22.7), HOSTILE.northKorea, victim.browser)
    signIn(thread, account, victim.email)
    thread.wait(10, 50).log('repos', 'listRepos', { path_prefix: '/Repos', next_page_token: '' })
  },
}
