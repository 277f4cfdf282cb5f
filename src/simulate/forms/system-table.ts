/** Rows of `system.access.audit` as JSON lines: snake_case structs, an `event_id`, ISO times. */
import type { SimEvent } from '../event.ts'
import { dayOf, type MakeForm, plain, quoted } from './contract.ts'

const responseOf = ({ reply }: SimEvent): string => {
  if (reply.status === null) return 'null'
  return `{"status_code":${reply.status},"error_message":${quoted(reply.error)},"result":${quoted(reply.result)}}`
}

/** The system table's form. */
export const systemTableForm: MakeForm = (account, ids) => ({
  carries: () => true,
  line(event) {
    const time = new Date(event.timeMs).toISOString()
    const workspace = event.level === 'ACCOUNT_LEVEL' ? '0' : event.workspaceId
    return `{"account_id":"${account.accountId}","workspace_id":"${workspace}","version":"2.0","event_time":"${time}","event_date":"${time.slice(
      0,
      10,
    )}","source_ip_address":${plain(event.ip)},"user_agent":${plain(event.userAgent)},"session_id":${plain(
      event.sessionId,
    )},"user_identity":{"email":${plain(event.who.email)},"subject_name":${plain(
      event.who.subject,
    )}},"service_name":"${event.service}","action_name":"${event.action}","request_id":"${
      event.requestId
    }","request_params":${JSON.stringify(event.params)},"response":${responseOf(event)},"audit_level":"${
      event.level
    }","event_id":"${ids.uuid()}","identity_metadata":{"run_by":${plain(event.runBy)},"run_as":${plain(
      event.runAs,
    )},"acting_resource":null}}`
  },
  bucket: () => '',
  path: (_bucket, slot) =>
    `system.access.audit/date=${dayOf(slot.startMs)}/part-${String(slot.ofDay).padStart(5, '0')}.json`,
})
