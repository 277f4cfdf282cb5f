/**
 * Azure diagnostic settings in a storage account: one `PT1H.json` per category, workspace and hour, a record per line
 * with identity, response and parameters as JSON text. Carries only what is tied to a workspace.
 */
import type { Account } from '../account/account.ts'
import type { Workspace } from '../account/workspaces.ts'
import type { SimEvent } from '../event.ts'
import { type MakeForm, plain } from './contract.ts'

/** Categories whose name is not the service's. */
const CATEGORIES: Readonly<Record<string, string>> = {
  'clamAVScanService-dataplane': 'clamAVScan',
  'capsule8-alerts-dataplane': 'capsule8Dataplane',
  remoteHistoryService: 'RemoteHistoryService',
  filesystem: 'Filesystem',
  dashboards: 'Dashboards',
  workspaceFiles: 'WorkspaceFiles',
  clusterPolicies: 'ClusterPolicies',
  lineageTracking: 'LineageTracking',
  webhookNotifications: 'WebhookNotifications',
  vectorSearch: 'VectorSearch',
  apps: 'Apps',
}

const HOUR_MS = 3_600_000

/** The Azure storage form. */
export const azureForm: MakeForm = (account, ids) => ({
  carries: (event) => event.workspaceId !== null,
  line(event) {
    const category = categoryOf(event)
    const identity = JSON.stringify(`{"email":${plain(event.who.email)},"subjectName":${plain(event.who.subject)}}`)
    const time = `${new Date(event.timeMs).toISOString().slice(0, 19)}Z`
    return `{"resourceId":"${resourceIdOf(
      account,
      event.workspaceId as string,
    )}","operationVersion":"1.0.0","identity":${identity},"operationName":"Microsoft.Databricks/${category}/${
      event.action
    }","time":"${time}","category":"${category}","properties":{"sourceIPAddress":${plain(
      event.ip,
    )},"logId":"${ids.uuid()}","serviceName":"${event.service}","userAgent":${plain(
      event.userAgent,
    )},"response":${responseOf(event)},"sessionId":${plain(event.sessionId)},"actionName":"${
      event.action
    }","requestId":"${event.requestId}","requestParams":${JSON.stringify(JSON.stringify(event.params))}},"Host":"${hostOf(
      account,
      event,
    )}"}`
  },
  bucket: (event) =>
    `${categoryOf(event).toLowerCase()} ${event.workspaceId} ${Math.floor(event.timeMs / HOUR_MS) * HOUR_MS}`,
  path(bucket) {
    const [category, workspaceId, hour] = bucket.split(' ') as [string, string, string]
    const time = new Date(Number(hour)).toISOString()
    const [y, m, d, h] = [time.slice(0, 4), time.slice(5, 7), time.slice(8, 10), time.slice(11, 13)]
    const resource = resourceIdOf(account, workspaceId)
    return `insights-logs-${category}/resourceId=${resource}/y=${y}/m=${m}/d=${d}/h=${h}/m=00/PT1H.json`
  },
})

/** Logged spellings vary in case; a category has one. */
function categoryOf(event: SimEvent): string {
  const service = CATEGORIES[event.service] ?? event.service
  return CANONICAL.get(service.toLowerCase()) ?? service
}

const CANONICAL = new Map(
  ['unityCatalog', 'jobs', 'clusters', 'Dashboards', 'repos'].map((category) => [category.toLowerCase(), category]),
)

const workspaceOf = (account: Account, id: string): Workspace => (account.dev.id === id ? account.dev : account.prod)

const resourceIdOf = (account: Account, workspaceId: string): string =>
  `/SUBSCRIPTIONS/${account.subscriptionId.toUpperCase()}/RESOURCEGROUPS/RG-DATA/PROVIDERS/MICROSOFT.DATABRICKS/WORKSPACES/${workspaceOf(
    account,
    workspaceId,
  ).name.toUpperCase()}`

const responseOf = ({ reply }: SimEvent): string => {
  if (reply.status === null) return 'null'
  const error = reply.error === null ? '' : `,"errorMessage":${JSON.stringify(reply.error)}`
  const result = reply.result === null ? '' : `,"result":${JSON.stringify(reply.result)}`
  return JSON.stringify(`{"statusCode":${reply.status}${error}${result}}`)
}

/** The node that wrote the record; any cluster of the workspace will do. */
function hostOf(account: Account, event: SimEvent): string {
  const { clusterIds } = workspaceOf(account, event.workspaceId as string)
  return `${clusterIds[event.timeMs % clusterIds.length]}-10-139-64-${4 + (event.timeMs % 9)}`
}
