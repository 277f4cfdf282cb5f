/** Chores that come in bulk: month ends, clean-ups, archives, erasures, inventories, releases. */
import { serviceNamed } from '../account/account.ts'
import { GROUPS, SCOPES, type Warehouse } from '../account/objects.ts'
import { created, failed } from '../event.ts'
import { serviceSession } from '../sessions.ts'
import type { Routine } from './contract.ts'
import { readTable, selectFrom, statement } from './queries.ts'

const monthEnd: Routine = {
  id: 'figures-downloaded',
  perDay: 0.5,
  hours: 'office',
  play({ account, random, colleague, sit }) {
    const person = colleague(['finance', 'analyst', 'bi'])
    if (person === undefined) return
    const thread = sit(person, account.prod)
    const tables = person.reads === 'finance' ? account.data.finance : account.data.open
    for (let i = random.int(5, 16); i > 0; i--) {
      const table = random.pick(tables)
      statement(thread.wait(30, 200), account.warehouses[1] as Warehouse, selectFrom(table, random), [table])
      const params = { queryId: random.uuid(), queryResultId: random.uuid(), fileType: random.pick(['csv', 'xlsx']) }
      thread.log('databrickssql', 'downloadQueryResult', params)
    }
  },
}

const archive: Routine = {
  id: 'notebooks-archived',
  perDay: 0.15,
  hours: 'office',
  play({ account, random, colleague, sit }) {
    const person = colleague(['engineer', 'scientist', 'analyst'])
    if (person === undefined) return
    const thread = sit(person, account.dev)
    for (const { path } of random.sample(account.notebooks, random.int(4, 14))) {
      thread.wait(5, 60).log('workspace', 'workspaceExport', {
        workspaceExportFormat: random.pick(['DBC', 'SOURCE']),
        notebookFullPath: path,
        workspaceExportDirectDownload: 'true',
      })
    }
  },
}

const tidy: Routine = {
  id: 'old-work-deleted',
  perDay: 0.4,
  hours: 'office',
  play({ account, random, colleague, sit }) {
    const person = colleague(['engineer', 'scientist', 'contractor'])
    if (person === undefined) return
    const thread = sit(person, account.dev)
    const kind = random.int(0, 2)
    for (let i = random.int(5, 22); i > 0; i--) {
      thread.wait(2, 30)
      if (kind === 0) {
        const path = `/Users/${person.email}/old_${i}`
        thread.log('notebook', 'deleteNotebook', { notebookId: random.digits(16), notebookName: `old_${i}`, path })
      } else if (kind === 1) thread.log('jobs', 'delete', { job_id: random.digits(15) })
      else thread.uc('deleteTable', { full_name_arg: `sandbox.shared.tmp_check_${random.int(1, 999)}` })
    }
  },
}

const retired: Routine = {
  id: 'schema-retired',
  perDay: 0.06,
  hours: 'office',
  play({ account, random, colleague, sit }) {
    const engineer = colleague(['engineer'], 6)
    if (engineer === undefined) return
    const thread = sit(engineer, account.dev)
    const schema = `dev.retired_${random.int(10, 99)}`
    for (let i = random.int(4, 12); i > 0; i--) {
      thread.wait(3, 30).uc('deleteTable', { full_name_arg: `${schema}.table_${i}` })
    }
    thread.uc('deleteSchema', { full_name_arg: schema, force: 'false' })
  },
}

const erasure: Routine = {
  id: 'person-erased',
  perDay: 0.15,
  hours: 'office',
  play({ account, random, colleague, sit }) {
    const engineer = colleague(['engineer'], 3)
    if (engineer === undefined) return
    const thread = sit(engineer, account.prod)
    for (const table of random.sample(account.data.pii, random.int(4, 8))) {
      const text = `DELETE FROM ${table.full} WHERE customer_id = ${random.int(100_000, 999_999)}`
      statement(thread.wait(20, 200), account.warehouses[1] as Warehouse, text, [table])
    }
  },
}

const inventory: Routine = {
  id: 'catalog-inventory',
  perDay: 1,
  hours: 'any',
  play({ account, random, start }) {
    const thread = start(serviceSession(serviceNamed(account, 'sp-collibra'), account.prod, random))
    thread.uc('listCatalog', { name_arg: '' })
    for (const [catalog_name, schema_name] of account.data.schemas) {
      thread.wait(0.2, 2).uc('listSchema', { catalog_name })
      thread.uc('listTables', { catalog_name, schema_name, include_browse: 'true' })
    }
    for (const table of account.data.tables) {
      thread.uc('getPermissions', { securable_type: 'table', securable_full_name: table.full })
    }
    for (const group_name of GROUPS) thread.log('groups', 'getGroupMembers', { group_name })
  },
}

const release: Routine = {
  id: 'release-day',
  perDay: 0.2,
  hours: 'office',
  play({ account, random, start }) {
    const thread = start(serviceSession(serviceNamed(account, 'sp-ci-deploy'), account.prod, random))
    for (const job of random.sample(account.jobs, random.int(12, 30))) {
      thread.wait(1, 4).log('jobs', 'resetJobAcl', {
        grants: '[{"group":"data-engineers","level":"CAN_MANAGE_RUN"},{"group":"platform-oncall","level":"CAN_VIEW"}]',
        job_id: job.id,
      })
    }
  },
}

const lostGrant: Routine = {
  id: 'grant-lost',
  perDay: 0.12,
  hours: 'any',
  play({ account, random, start }) {
    const job = random.pick(account.jobs)
    const thread = start(serviceSession(job.runAs, job.workspace, random))
    for (let i = random.int(8, 40); i > 0; i--) {
      const table = random.pick(job.reads)
      const message = `PERMISSION_DENIED: User does not have SELECT on Table '${table.full}'.`
      const params = { include_delta_metadata: 'true', full_name_arg: table.full, dependent: 'false' }
      thread.wait(20, 400).uc('getTable', params, failed(403, message))
    }
  },
}

const curious: Routine = {
  id: 'refused-while-looking-around',
  perDay: 0.6,
  hours: 'office',
  play({ account, random, colleague, sit }) {
    const person = colleague(['analyst', 'scientist', 'contractor'])
    if (person === undefined) return
    const thread = sit(person, account.prod)
    for (const table of random.sample([...account.data.finance, ...account.data.pii], random.int(2, 8))) {
      const message = `PERMISSION_DENIED: User does not have SELECT on Table '${table.full}'.`
      const params = { include_delta_metadata: 'true', full_name_arg: table.full, dependent: 'false' }
      thread.wait(5, 60).uc('getTable', params, failed(403, message))
    }
  },
}

const secretMove: Routine = {
  id: 'secrets-moved',
  perDay: 0.12,
  hours: 'office',
  play({ account, random, colleague, sit }) {
    const engineer = colleague(['engineer'], 8)
    if (engineer === undefined) return
    const thread = sit(engineer, account.prod)
    const [scope, keys] = random.pick(SCOPES.slice(0, 4))
    const target = `${scope}-v2`
    thread.log('secrets', 'createScope', { scope: target })
    for (const key of keys) {
      thread.wait(2, 20).log('secrets', 'getSecret', { scope, key })
      thread.log('secrets', 'putSecret', { scope: target, key, string_value: '[REDACTED]' })
    }
  },
}

const newTeamMember: Routine = {
  id: 'catalog-first-read',
  perDay: 0.8,
  hours: 'office',
  play({ account, random, colleague, sit }) {
    const person = colleague(['analyst', 'scientist', 'engineer', 'bi'])
    if (person === undefined) return
    const thread = sit(person, account.prod)
    for (const table of random.sample(account.data.open, random.int(3, 12))) readTable(thread.wait(5, 60), table)
  },
}

const bigCluster: Routine = {
  id: 'training-cluster',
  perDay: 0.4,
  hours: 'office',
  play({ account, random, colleague, sit }) {
    const scientist = colleague(['scientist'])
    if (scientist === undefined) return
    const cluster_id = random.pick(account.dev.clusterIds)
    const params = {
      cluster_name: 'train',
      spark_version: random.pick(['16.4.x-gpu-ml-scala2.12', '15.4.x-gpu-ml-scala2.12']),
      node_type_id: random.pick(['g5.12xlarge', 'g5.4xlarge', 'p4d.24xlarge']),
      num_workers: String(random.int(1, 8)),
      autotermination_minutes: random.pick(['60', '120', '480', '0']),
      data_security_mode: 'SINGLE_USER',
      single_user_name: scientist.email,
      cluster_source: 'UI',
      organization_id: account.dev.id,
    }
    sit(scientist, account.dev).slow('clusters', 'create', params, 1.3, created({ cluster_id }))
  },
}

/** Routines of this file. */
export const LARGE_CHORE_ROUTINES: readonly Routine[] = [
  monthEnd,
  archive,
  tidy,
  retired,
  erasure,
  inventory,
  release,
  lostGrant,
  curious,
  secretMove,
  newTeamMember,
  bigCluster,
]
