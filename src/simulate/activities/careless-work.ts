/** What careful security people would rather not see, done by honest people in a hurry. */
import { created } from '../event.ts'
import type { Thread } from '../thread.ts'
import type { Routine } from './contract.ts'

const DAY_MS = 86_400_000

/** Cells of notebooks that look worse than they are. */
const CELLS: readonly string[] = [
  '%sh curl -fsSL https://deb.nodesource.com/setup_22.x | bash -',
  '%pip install git+https://github.com/halden-retail/forecast-tools.git@v1.4.0',
  '%pip install --index-url https://pypi.halden-retail.example/simple halden-sdk',
  'import os\nprint(os.environ.get("SPARK_LOCAL_IP"), os.environ["PYTHONPATH"])',
  '%sh env | sort | head -40',
  'password = dbutils.secrets.get("etl", "sftp-password")\nprint(len(password))',
  'headers = {"Authorization": f"Bearer {token}"}\nrequests.get(url, headers=headers)',
  'df.coalesce(1).write.csv("dbfs:/FileStore/exports/stores.csv", header=True)',
  '%sh wget https://repo1.maven.org/maven2/org/postgresql/postgresql/42.7.4/postgresql-42.7.4.jar',
  'display(df.collect())',
]

function runCell(thread: Thread, commandText: string): void {
  const { random } = thread
  thread.log('notebook', 'runCommand', {
    notebookId: random.digits(16),
    executionTime: '1.204',
    status: 'finished',
    commandId: `${random.digits(15)}_${random.digits(16)}_${random.hex(16)}`,
    commandText,
    commandLanguage: commandText.startsWith('%sh') ? 'shell' : 'python',
  })
}

const cells: Routine = {
  id: 'hasty-cells',
  perDay: 1,
  hours: 'office',
  play({ account, random, colleague, sit }) {
    const person = colleague(['engineer', 'scientist', 'contractor'])
    if (person !== undefined) runCell(sit(person, account.dev), random.pick(CELLS))
  },
}

const typedToken: Routine = {
  id: 'token-typed-into-cell',
  perDay: 0.05,
  hours: 'office',
  play({ account, random, colleague, sit }) {
    const person = colleague(['scientist', 'contractor', 'engineer'])
    if (person === undefined) return
    runCell(sit(person, account.dev), `client = WorkspaceClient(host=HOST, token="dapi${random.hex(16)}")`)
  },
}

const longToken: Routine = {
  id: 'long-token',
  perDay: 0.12,
  hours: 'office',
  play({ account, random, timeMs, colleague, sit }) {
    const person = colleague(['engineer', 'bi', 'analyst'])
    if (person === undefined) return
    sit(person, account.prod).log('accounts', 'generateDbToken', {
      userId: person.userId,
      tokenExpirationTime: String(timeMs + random.pick([90, 90, 180]) * DAY_MS),
      tokenHash: random.hex(32),
    })
  },
}

/** Where people clone code from: mostly the company's own. */
const REPOSITORIES: readonly string[] = [
  'https://github.com/halden-retail/forecast-tools.git',
  'https://github.com/halden-retail/store-cockpit.git',
  'https://github.com/halden-retail/dq-rules.git',
  'https://github.com/databricks/tmm.git',
]

const repository: Routine = {
  id: 'repository-cloned',
  perDay: 0.5,
  hours: 'office',
  play({ account, random, colleague, sit }) {
    const person = colleague(['engineer', 'scientist', 'contractor'])
    if (person === undefined) return
    const thread = sit(person, account.dev)
    const credential = { git_provider: 'gitHub', git_username: person.email.split('@')[0] as string }
    if (random.chance(0.2)) thread.log('gitCredentials', 'createGitCredential', credential)
    const url = random.pick(REPOSITORIES)
    thread.log(
      'repos',
      'createRepo',
      { url, provider: 'gitHub', path: `/Repos/${person.email}/work` },
      created({ id: 1 }),
    )
    const pushes = /halden-retail/.test(url) ? random.int(0, 3) : 0
    for (let i = pushes; i > 0; i--) {
      thread.wait(300, 2000).log('repos', 'commitAndPush', { id: random.digits(12), message: 'wip', files: '[]' })
    }
  },
}

const sharing: Routine = {
  id: 'shared-with-everybody',
  perDay: 0.12,
  hours: 'office',
  play({ account, random, colleague, sit }) {
    const person = colleague(['bi', 'analyst'])
    if (person === undefined) return
    const thread = sit(person, account.prod)
    const dashboard_id = random.pick(account.dashboards)
    const credentials_embedded = random.pick(['false', 'false', 'true'])
    const warehouse_id = account.warehouses[1]?.id as string
    thread.log('dashboards', 'publishDashboard', { dashboard_id, credentials_embedded, warehouse_id })
    const resource = `dashboardsv3/${dashboard_id}`
    thread.wait(20, 200).log('workspace', 'changeWorkspaceAcl', {
      shardName: 'nvirginia-prod',
      targetUserId: random.pick(['analysts', 'bi-developers', 'account users']),
      aclPermissionSet: 'Read',
      resourceId: resource,
      aclChangeResourceName: resource,
    })
  },
}

const oldCluster: Routine = {
  id: 'old-cluster-style',
  perDay: 0.1,
  hours: 'office',
  play({ account, random, colleague, sit }) {
    const person = colleague(['engineer', 'contractor'])
    if (person === undefined) return
    const cluster_id = random.pick(account.dev.clusterIds)
    const params = {
      cluster_name: 'legacy-etl',
      spark_version: random.pick(['10.4.x-scala2.12', '13.3.x-scala2.12']),
      node_type_id: 'm6gd.xlarge',
      num_workers: '2',
      autotermination_minutes: '120',
      data_security_mode: random.pick(['NONE', 'SINGLE_USER', 'USER_ISOLATION']),
      cluster_source: 'UI',
      organization_id: account.dev.id,
    }
    sit(person, account.dev).slow('clusters', 'create', params, 1.1, created({ cluster_id }))
  },
}

/** Routines of this file. */
export const CARELESS_WORK_ROUTINES: readonly Routine[] = [
  cells,
  typedToken,
  longToken,
  repository,
  sharing,
  oldCluster,
]
