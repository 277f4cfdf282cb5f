/** Secrets: a few reads by notebooks and jobs, now and then a rotation. */
import { SCOPES } from '../account/objects.ts'
import type { Routine, Work } from './contract.ts'

const read: Work = {
  id: 'secret-read',
  roles: { engineer: 0.5, scientist: 0.4 },
  play(thread) {
    const { random } = thread
    const [scope, keys] = SCOPES[random.chance(0.7) ? 0 : 2] as (typeof SCOPES)[number]
    if (random.chance(0.2)) thread.log('secrets', 'listSecrets', { scope })
    thread.log('secrets', 'getSecret', { scope, key: random.pick(keys) })
  },
}

const rotation: Routine = {
  id: 'secret-rotation',
  perDay: 0.5,
  hours: 'office',
  play({ account, random, colleague, sit }) {
    const engineer = colleague(['engineer'], 8)
    if (engineer === undefined) return
    const thread = sit(engineer, account.prod)
    const [scope, keys] = random.pick(SCOPES.slice(0, 4))
    thread.log('secrets', 'listSecrets', { scope })
    thread.log('secrets', 'putSecret', { scope, key: random.pick(keys), string_value: '[REDACTED]' })
    if (random.chance(0.3)) thread.log('secrets', 'listAcls', { scope })
    if (random.chance(0.2)) thread.log('secrets', 'putAcl', { scope, principal: 'data-engineers', permission: 'READ' })
    if (random.chance(0.1)) thread.log('secrets', 'createScope', { scope: `team-${random.int(1, 99)}` })
    if (random.chance(0.1)) thread.log('secrets', 'getAcl', { scope, principal: 'data-engineers' })
    if (random.chance(0.1)) thread.log('secrets', 'listScopes', {})
  },
}

/** Works of this file. */
export const SECRET_WORKS: readonly Work[] = [read]

/** Routines of this file. */
export const SECRET_ROUTINES: readonly Routine[] = [rotation]
