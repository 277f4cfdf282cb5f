/** What is said of actions the catalogue does not list: category from the service, verb from the name's first word. */
import { lit } from '../../engine/sql.ts'
import { services } from './catalogue.ts'

/** First word of an action name, in lower case → verb. */
export const VERB_OF_WORD: Readonly<Record<string, string>> = {
  get: 'read',
  read: 'read',
  view: 'read',
  describe: 'read',
  open: 'read',
  check: 'read',
  list: 'list',
  search: 'list',
  create: 'create',
  new: 'create',
  generate: 'create',
  clone: 'create',
  copy: 'create',
  mint: 'issue',
  update: 'update',
  edit: 'update',
  modify: 'update',
  change: 'update',
  set: 'update',
  patch: 'update',
  rename: 'update',
  move: 'update',
  reset: 'update',
  replace: 'update',
  put: 'write',
  write: 'write',
  upsert: 'write',
  delete: 'delete',
  drop: 'delete',
  trash: 'delete',
  purge: 'delete',
  destroy: 'delete',
  restore: 'restore',
  undelete: 'restore',
  add: 'add',
  install: 'add',
  remove: 'remove',
  uninstall: 'remove',
  grant: 'grant',
  revoke: 'revoke',
  deny: 'deny',
  reject: 'deny',
  approve: 'approve',
  accept: 'approve',
  request: 'request',
  run: 'execute',
  execute: 'execute',
  submit: 'execute',
  query: 'execute',
  test: 'execute',
  trigger: 'execute',
  start: 'start',
  attach: 'start',
  stop: 'stop',
  detach: 'stop',
  terminate: 'stop',
  restart: 'restart',
  cancel: 'cancel',
  download: 'export',
  export: 'export',
  upload: 'import',
  import: 'import',
  share: 'share',
  publish: 'share',
  unpublish: 'unshare',
  send: 'send',
  notify: 'send',
  enable: 'enable',
  activate: 'enable',
  disable: 'disable',
  deactivate: 'disable',
  rotate: 'rotate',
  login: 'login',
  logout: 'logout',
}

const caseOf = (subject: string, pairs: Iterable<readonly [string, string]>): string =>
  `CASE ${subject} ${[...pairs].map(([from, to]) => `WHEN ${lit(from)} THEN ${lit(to)}`).join(' ')} ELSE 'unknown' END`

function fallbackCategorySql(service: string): string {
  const pairs = services().flatMap(({ service: name, aliases, category }) =>
    [name, ...aliases].map((each) => [each.toLowerCase(), category] as const),
  )
  return caseOf(`lower(${service})`, pairs)
}

function fallbackVerbSql(action: string): string {
  const byWord = caseOf(`lower(regexp_extract(${action}, '[A-Z]?[a-z]+|[A-Z]+'))`, Object.entries(VERB_OF_WORD))
  // samlLogin, someNewBrowserLogin: sign-ins end in the word, whatever comes first.
  return `CASE WHEN ${action} LIKE '%Login' THEN 'login' WHEN ${action} ~ '^change.*Acls?$' THEN 'grant' ELSE ${byWord} END`
}

/**
 * SQL expressions for the category and verb of an action that is not in the catalogue. Evaluate them only for such
 * rows: `coalesce(known.category, …)`. There is no fallback key event: that takes knowledge.
 */
export const fallbackSql = (service: string, action: string): { readonly category: string; readonly verb: string } => ({
  category: fallbackCategorySql(service),
  verb: fallbackVerbSql(action),
})
