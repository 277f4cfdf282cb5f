/** A login at home and, half an hour later, one from another continent. */
import { HOSTILE } from '../account/hostile.ts'
import { signIn } from '../sessions.ts'
import type { Scenario } from './contract.ts'

/** Impossible travel. */
export const impossibleTravel: Scenario = {
  id: 'impossible-travel',
  title: 'Logins from two continents within forty minutes',
  expect: 'The same person signs in from places too far apart for the time between.',
  techniques: ['T1078.004'],
  rules: ['impossible-travel'],
  play({ account, at, person, sit, intrude }) {
    const victim = person('engineer', ({ site }) => site.country === 'DE')
    const home = sit(victim, at(9.2))
    signIn(home, account, victim.email)
    home.wait(30, 90).log('jobs', 'getRunOutput', { run_id: home.random.digits(15), is_from_webapp: 'true' })
    const away = intrude(victim, at(9.8), HOSTILE.china, victim.browser)
    signIn(away, account, victim.email)
    away.wait(10, 40).log('secrets', 'listScopes', {})
    away.uc('listCatalog', { name_arg: '' })
    away.uc('getTable', {
      include_delta_metadata: 'true',
      full_name_arg: 'customer.profiles.customers',
      dependent: 'false',
    })
  },
}
