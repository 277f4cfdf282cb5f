import { expect, it } from 'vitest'
import { PERMISSIONS, type Permission, ROLES } from '../contract.ts'
import { narrowed, rolesWith } from './roles.ts'

const CHANGES: readonly Permission[] = ['alerts:change', 'rules:change', 'delivery:change', 'access:change']

it('an admin may all, an auditor changes nothing, and nobody may what is not known', () => {
  const roles = rolesWith()
  expect([...roles.admin.permissions].sort()).toEqual(Object.keys(PERMISSIONS).sort())
  expect(CHANGES.filter((each) => roles.auditor.permissions.has(each))).toEqual([])
  for (const role of ROLES) expect([...roles[role].permissions].filter((each) => !(each in PERMISSIONS))).toEqual([])
})

it('a role for which something is masked never sees what was received', () => {
  const roles = rolesWith()
  for (const role of ROLES)
    if (roles[role].masks.length > 0) expect(roles[role].permissions.has('events:raw'), role).toBe(false)
  expect(() => rolesWith({ viewer: { allow: ['events:raw'] } })).toThrow('masked')
  expect(() => rolesWith({ auditor: { masks: ['ip'] } })).toThrow('masked')
  expect(rolesWith({ viewer: { allow: ['events:raw'], masks: [] } }).viewer.permissions.has('events:raw')).toBe(true)
})

it('a site adds and takes away, and taking away is stronger', () => {
  const { viewer } = rolesWith({ viewer: { allow: ['seal:read', 'sql:run'], deny: ['sql:run', 'rules:read'] } })
  expect([...viewer.permissions].sort()).toEqual(['events:read', 'findings:read', 'health:read', 'seal:read'])
})

it('two limits at once let through what both do', () => {
  expect(narrowed({}, { workspaces: ['1'] })).toEqual({ workspaces: ['1'] })
  expect(narrowed({ workspaces: ['1', '2'] }, { workspaces: ['2', '3'], categories: ['token'] })).toEqual({
    workspaces: ['2'],
    categories: ['token'],
  })
  expect(narrowed({ workspaces: ['1'] }, { workspaces: ['2'] })).toEqual({ workspaces: [] })
  expect(narrowed({ use: false }, {})).toEqual({ use: false })
})
