import { describe, expect, it } from 'vitest'
import { STATES, stateAfter } from '../../../../src/alert/state.ts'
import type { AlertRow } from '../../../../src/serve/shapes/alerts.ts'
import { afterDeed, type DeedName, saidOf, whyNot } from './deeds.ts'

const NOW = '2026-11-22T12:00:00.000Z'

const alertIn = (state: string): AlertRow => ({
  id: 'a1',
  kind: 'alert',
  level: 'high',
  state,
  status: state,
  outcome: null,
  assignee: null,
  quiet: null,
  title: 'Workspace deleted',
  summary: 'Workspace deleted: ana, 1 event.',
  rule: { id: 'r1', name: 'workspace-deleted', title: 'Workspace deleted' },
  entity: { field: 'actor.email', value: 'ana@example.com' },
  threat: null,
  tags: [],
  workspaces: [],
  actors: [],
  assets: [],
  risk: null,
  findings: 1,
  events: 1,
  firstTime: NOW,
  lastTime: NOW,
  created: NOW,
  updated: '2026-11-21T00:00:00.000Z',
  resolved: null,
})

describe('what is expected of a deed', () => {
  it.each(['acknowledge', 'start', 'reopen'] as const)('is what the server does: %s', (deed) => {
    for (const state of STATES) {
      const expected = stateAfter(state, deed)
      const reason = whyNot(alertIn(state), deed)
      // What would change nothing is not asked for either.
      expect(reason === null, `${deed} of ${state}`).toBe(expected !== undefined && expected !== state)
      if (reason === null) expect(afterDeed(alertIn(state), { deed }, NOW).state).toBe(expected)
      else expect(afterDeed(alertIn(state), { deed }, NOW)).toEqual(alertIn(state))
    }
  })

  it('says a resolved alert by its outcome', () => {
    const after = afterDeed(alertIn('in progress'), { deed: 'resolve', outcome: 'false_positive' }, NOW)
    expect(after).toMatchObject({ state: 'resolved', status: 'resolved (false positive)', resolved: NOW, updated: NOW })
  })

  it('takes the outcome from what is reopened', () => {
    const resolved = afterDeed(alertIn('new'), { deed: 'resolve', outcome: 'benign' }, NOW)
    expect(afterDeed(resolved, { deed: 'reopen' }, NOW)).toMatchObject({
      state: 'reopened',
      status: 'reopened',
      outcome: null,
      resolved: null,
    })
  })

  it('leaves the state of what is assigned or noted', () => {
    const assigned = afterDeed(alertIn('new'), { deed: 'assign', assignee: 'ana' }, NOW)
    expect(assigned).toMatchObject({ state: 'new', status: 'new', assignee: 'ana' })
    expect(afterDeed(assigned, { deed: 'note', note: 'seen' }, NOW)).toMatchObject({ state: 'new', assignee: 'ana' })
  })

  it('is said in a word', () => {
    const deeds: readonly DeedName[] = ['acknowledge', 'start', 'reopen']
    expect(deeds.map((deed) => saidOf({ deed } as Parameters<typeof saidOf>[0]))).toEqual([
      'Acknowledged',
      'In progress',
      'Reopened',
    ])
    expect(saidOf({ deed: 'assign', assignee: null })).toBe('Given back')
  })
})
