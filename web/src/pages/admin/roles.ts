/** Roles as they are told to whoever gives them. */
import type { Permission, Role } from '../../../../src/serve/contract.ts'
import type { Me } from '../../../../src/serve/shapes/access.ts'

/** Roles, the least first; what they may is the usual, settings may say otherwise. */
export const ROLE_CHOICES: readonly { readonly value: Role; readonly label: string; readonly may: string }[] = [
  {
    value: 'viewer',
    label: 'Viewer',
    may: 'Sees events, alerts, rules and health. E-mail and IP addresses and query text are masked.',
  },
  {
    value: 'analyst',
    label: 'Analyst',
    may: 'And changes alerts, runs SQL, downloads, tries rules, reveals with a reason. Query text is masked.',
  },
  {
    value: 'auditor',
    label: 'Auditor',
    may: 'Sees everything, also the record of use and who has access. Changes nothing.',
  },
  { value: 'admin', label: 'Admin', may: 'May do everything.' },
]

/** What masks hide. */
export const MASK_WORDS: Readonly<Record<Me['masks'][number], string>> = {
  email: 'E-mail addresses and names',
  ip: 'Network addresses',
  query: 'Query text',
}

/** Permissions as a form has them, in the order of rooms. */
export const SCOPE_CHOICES: readonly { readonly value: Permission; readonly label: string }[] = [
  { value: 'events:read', label: 'See events' },
  { value: 'events:raw', label: 'See received bytes and rejects' },
  { value: 'events:download', label: 'Download events' },
  { value: 'events:reveal', label: 'Reveal masked fields' },
  { value: 'sql:run', label: 'Run SQL' },
  { value: 'findings:read', label: 'See findings, alerts, incidents' },
  { value: 'alerts:change', label: 'Change alerts, silence' },
  { value: 'rules:read', label: 'See rules' },
  { value: 'rules:change', label: 'Change rules' },
  { value: 'rules:test', label: 'Try rules' },
  { value: 'health:read', label: 'See health and metrics' },
  { value: 'delivery:change', label: 'Send tests, replay dead letters' },
  { value: 'seal:read', label: 'See the seal, fetch proofs' },
  { value: 'seal:verify', label: 'Start verifications' },
  { value: 'use:read', label: 'See the record of use' },
  { value: 'access:read', label: 'See who has access' },
  { value: 'access:change', label: 'Give access' },
]

/** The name of a permission in a form. */
export const scopeLabel = (scope: Permission): string =>
  SCOPE_CHOICES.find(({ value }) => value === scope)?.label ?? scope
