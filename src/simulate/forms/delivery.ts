/**
 * JSON 2.0 as Databricks delivers it to a bucket: one object per line under `workspaceId=<id>/date=<day>/`, everything
 * of the account level (so all of Unity Catalog) under `workspaceId=0`.
 */
import type { Reply, SimEvent } from '../event.ts'
import { dayOf, type MakeForm, plain, quoted } from './contract.ts'

/** Agents on the nodes write their workspace as `workspaceId` and as a number. */
const AGENTS = new Set(['clamAVScanService-dataplane', 'capsule8-alerts-dataplane', 'monit', 'syslog'])

const responseOf = (reply: Reply): string => {
  if (reply.status === null) return 'null'
  return `{"statusCode":${reply.status},"errorMessage":${quoted(reply.error)},"result":${quoted(reply.result)}}`
}

const identitiesOf = (event: SimEvent): string =>
  event.runAs === null ? '' : `"identityMetadata":{"run_by":${plain(event.runBy)},"run_as":${plain(event.runAs)}},`

/** The delivered form (AWS, GCP). */
export const deliveryForm: MakeForm = (account) => ({
  carries: () => true,
  line(event) {
    const account0 = event.level === 'ACCOUNT_LEVEL'
    const workspace = account0
      ? '"orgId":"0","shardName":"nvirginia-prod"'
      : AGENTS.has(event.service)
        ? `"workspaceId":${event.workspaceId}`
        : `"orgId":"${event.workspaceId}"`
    return `{"version":"2.0","auditLevel":"${event.level}","timestamp":${event.timeMs},${workspace},"accountId":"${
      account.accountId
    }","sourceIPAddress":${plain(event.ip)},"userAgent":${plain(event.userAgent)},"sessionId":${plain(
      event.sessionId,
    )},"userIdentity":{"email":${plain(event.who.email)},"subjectName":${plain(event.who.subject)}},${identitiesOf(
      event,
    )}"serviceName":"${event.service}","actionName":"${event.action}","requestId":"${
      event.requestId
    }","requestParams":${JSON.stringify(event.params)},"response":${responseOf(event.reply)},"MAX_LOG_MESSAGE_LENGTH":16384}`
  },
  bucket: (event) => (event.level === 'ACCOUNT_LEVEL' ? '0' : (event.workspaceId as string)),
  path: (bucket, slot) =>
    `workspaceId=${bucket}/date=${dayOf(slot.startMs)}/auditlogs_${String(slot.ofDay).padStart(4, '0')}.json`,
})
