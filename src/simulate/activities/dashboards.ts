/** AI/BI dashboards and Genie spaces. */

import { serviceNamed } from '../account/account.ts'
import { created } from '../event.ts'
import { serviceSession, systemSession } from '../sessions.ts'
import type { Routine, Work } from './contract.ts'
import { selectFrom, statement } from './queries.ts'

const view: Work = {
  id: 'dashboard-view',
  roles: { analyst: 4, bi: 4, finance: 4, hr: 3, admin: 1, engineer: 1, contractor: 1 },
  play(thread, { account, tables, warehouse }) {
    const { random } = thread
    const dashboard_id = random.pickEarly(account.dashboards)
    thread.log('dashboards', 'getPublishedDashboard', { dashboard_id, credentials_embedded: 'false' })
    for (let i = random.int(2, 6); i > 0; i--) {
      const statement_id = random.uuid()
      thread.log('dashboards', 'executeQuery', { dashboard_id, statement_id })
      if (random.chance(0.3)) statement(thread, warehouse, selectFrom(random.pickEarly(tables), random), [])
      thread.log('dashboards', 'getQueryResult', { statement_id })
      if (random.chance(0.05)) thread.log('dashboards', 'cancelQuery', { statement_id })
    }
  },
}

const build: Work = {
  id: 'dashboard-build',
  roles: { bi: 4, analyst: 0.6 },
  play(thread, { account, warehouse, tables }) {
    const { random } = thread
    const fresh = random.chance(0.3)
    const dashboard_id = fresh ? `01f${random.hex(15)}`.slice(0, 32) : random.pickEarly(account.dashboards)
    if (fresh) thread.log('dashboards', 'createDashboard', { dashboard_id }, created({ dashboard_id }))
    else thread.log('dashboards', 'getDashboard', { dashboard_id })
    thread.log('dashboards', 'getDashboardDetails', { dashboard_id })
    for (let i = random.int(2, 8); i > 0; i--) {
      thread.wait(20, 200).log('dashboards', 'updateDashboard', { dashboard_id })
      statement(thread, warehouse, selectFrom(random.pickEarly(tables), random), [])
    }
    if (random.chance(0.4)) {
      thread.log('dashboards', 'publishDashboard', {
        dashboard_id,
        credentials_embedded: 'false',
        warehouse_id: warehouse.id,
      })
    }
    if (random.chance(0.15)) {
      const schedule_id = random.hex(16)
      thread.log('dashboards', 'createSchedule', { dashboard_id, schedule_id })
      thread.log('dashboards', 'createSubscription', { dashboard_id, schedule_id, subscription_id: random.hex(16) })
    }
    if (random.chance(0.08)) thread.log('dashboards', 'updateSchedule', { dashboard_id, schedule_id: random.hex(16) })
    if (random.chance(0.06)) {
      thread.log('dashboards', 'cloneDashboard', {
        source_dashboard_id: dashboard_id,
        new_dashboard_id: random.hex(16),
      })
    }
    if (random.chance(0.03)) thread.log('dashboards', 'unpublishDashboard', { dashboard_id })
  },
}

const legacy: Work = {
  id: 'legacy-dashboard',
  roles: { bi: 0.6, analyst: 0.4, finance: 0.4 },
  play(thread) {
    const { random } = thread
    const dashboardId = random.uuid()
    for (let i = random.int(1, 5); i > 0; i--)
      thread.log('databrickssql', 'executeWidgetQuery', { widgetId: random.uuid() })
    if (random.chance(0.2)) thread.log('databrickssql', 'updateDashboard', { dashboardId })
    if (random.chance(0.1)) thread.log('databrickssql', 'addDashboardWidget', { dashboardId, widgetId: random.uuid() })
    if (random.chance(0.1)) thread.log('databrickssql', 'snapshotDashboard', { dashboardId })
    if (random.chance(0.1))
      thread.log('dashboards', 'migrateDashboard', {
        source_dashboard_id: dashboardId,
        new_dashboard_id: random.hex(16),
      })
    if (random.chance(0.1))
      thread.log('databrickssql', 'createRefreshSchedule', {
        DashboardId: dashboardId,
        refreshScheduleId: random.uuid(),
      })
  },
}

const ask: Work = {
  id: 'genie-ask',
  roles: { analyst: 1.5, finance: 2, hr: 1, bi: 1 },
  play(thread, { account, warehouse, tables }) {
    const { random } = thread
    const space_id = random.pickEarly(account.spaces)
    const conversation_id = random.hex(16)
    thread.log('aibiGenie', 'listSpaces', {})
    thread.log('aibiGenie', 'getSpace', { space_id })
    thread.log('aibiGenie', 'createConversation', { space_id }, created({ conversation_id }))
    for (let i = random.int(1, 4); i > 0; i--) {
      const message = { space_id, conversation_id, message_id: random.hex(16) }
      thread
        .wait(10, 90)
        .log(
          'aibiGenie',
          'createConversationMessage',
          { space_id, conversation_id },
          created({ message_id: message.message_id }),
        )
      thread.wait(4, 20).log('aibiGenie', 'getConversationMessage', message)
      thread.log('aibiGenie', 'executeMessageQuery', message)
      statement(thread, warehouse, selectFrom(random.pickEarly(tables), random), [])
      thread.log('aibiGenie', 'getMessageQueryResult', message)
      if (random.chance(0.15)) {
        thread.log('aibiGenie', 'updateConversationMessageFeedback', {
          ...message,
          feedback_rating: random.pick(['POSITIVE', 'NEGATIVE']),
        })
      }
    }
    if (random.chance(0.05)) thread.log('aibiGenie', 'updateInstruction', { space_id })
    if (random.chance(0.05)) thread.log('aibiGenie', 'listConversations', { space_id })
  },
}

const genieApi: Routine = {
  id: 'genie-from-app',
  perDay: 20,
  hours: 'office',
  play({ account, random, start }) {
    const thread = start(serviceSession(serviceNamed(account, 'sp-store-app'), account.prod, random))
    const space_id = account.spaces[0] as string
    const conversation_id = random.hex(16)
    thread.log('aibiGenie', 'genieStartConversationMessage', { space_id }, created({ conversation_id }))
    thread
      .wait(4, 20)
      .log('aibiGenie', 'genieGetConversationMessage', { space_id, conversation_id, message_id: random.hex(16) })
  },
}

const snapshots: Routine = {
  id: 'dashboard-snapshots',
  perDay: 12,
  hours: 'any',
  play({ account, random, start }) {
    const thread = start(systemSession(account.prod))
    const dashboard_id = random.pickEarly(account.dashboards)
    thread.log('dashboards', 'triggerDashboardSnapshot', { name: 'Weekly figures', dashboard_id })
    thread.wait(5, 60).log('dashboards', 'sendDashboardSnapshot', {
      dashboard_id,
      subscription_id: random.hex(16),
      schedule_id: random.hex(16),
    })
  },
}

/** Works of this file. */
export const DASHBOARD_WORKS: readonly Work[] = [view, build, legacy, ask]

/** Routines of this file. */
export const DASHBOARD_ROUTINES: readonly Routine[] = [genieApi, snapshots]
