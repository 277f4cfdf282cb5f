/** Jobs as people and deployments handle them: make, change, run by hand, watch, repair. Scheduled runs are in job-runs.ts. */
import { serviceNamed } from '../account/account.ts'
import type { Job } from '../account/objects.ts'
import { created, failed } from '../event.ts'
import { serviceSession, systemSession } from '../sessions.ts'
import type { Thread } from '../thread.ts'
import type { Routine, Work } from './contract.ts'
import { cell } from './notebooks.ts'

const settings = (job: Job): string =>
  JSON.stringify({
    name: job.name,
    email_notifications: { on_failure: [job.creator] },
    schedule: {
      quartz_cron_expression: `0 ${job.offsetMinutes % 60} * * * ?`,
      timezone_id: 'UTC',
      pause_status: 'UNPAUSED',
    },
    max_concurrent_runs: 1,
    tasks: job.tasks.map((task_key) => ({
      task_key,
      notebook_task: { notebook_path: job.notebook },
      job_cluster_key: 'main',
    })),
    run_as: { service_principal_name: job.runAs.email },
    format: 'MULTI_TASK',
  })

const watch: Work = {
  id: 'job-watch',
  roles: { engineer: 3, scientist: 1, contractor: 1, admin: 0.5 },
  play(thread, { account }) {
    const { random } = thread
    for (let i = random.int(1, 4); i > 0; i--) {
      thread.wait(5, 60).log('jobs', 'getRunOutput', { run_id: random.digits(15), is_from_webapp: 'true' })
    }
    if (random.chance(0.12)) {
      const run_id = random.digits(15)
      thread.log(
        'jobs',
        'repairRun',
        { run_id, latest_repair_id: '', rerun_tasks: '["transform"]' },
        created({ repair_id: Number(random.digits(12)) }),
      )
    }
    if (random.chance(0.06)) thread.log('jobs', 'cancel', { run_id: random.digits(15) })
    if (random.chance(0.02)) thread.log('jobs', 'deleteRun', { run_id: random.digits(15) })
    if (random.chance(0.02)) thread.log('jobs', 'cancelAllRuns', { job_id: random.pick(account.jobs).id })
  },
}

const develop: Work = {
  id: 'job-develop',
  roles: { engineer: 2, scientist: 0.6, contractor: 0.8 },
  play(thread, { account, clusterId, person, tables }) {
    const { random } = thread
    const job = random.pick(account.jobs)
    const job_id = random.chance(0.5) ? random.digits(15) : job.id
    if (job_id !== job.id) {
      const { tasks, schedule, email_notifications } = JSON.parse(settings(job))
      const params = {
        name: `${job.name}_${person.email.split('.')[0]}`,
        job_type: 'NORMAL',
        format: 'MULTI_TASK',
        tasks: JSON.stringify(tasks),
        schedule: JSON.stringify(schedule),
        email_notifications: JSON.stringify(email_notifications),
        timeout_seconds: '0',
        max_retries: '0',
      }
      thread.log('jobs', 'create', params, created({ job_id: Number(job_id) }))
    } else {
      const new_settings = settings(job)
      if (random.chance(0.3)) thread.log('jobs', 'reset', { job_id, new_settings })
      else thread.log('jobs', 'update', { job_id, new_settings, fields_to_remove: '[]', is_from_dlt: 'false' })
    }
    if (random.chance(0.15)) {
      thread.log('jobs', 'changeJobAcl', {
        shardName: 'nvirginia-prod',
        aclPermissionSet: random.pick(['Manage Run', 'View']),
        resourceId: job_id,
        targetUserId: random.pick(account.people).userId,
      })
    }
    for (let i = random.int(1, 3); i > 0; i--) runByHand(thread, job_id, clusterId, person.email)
    if (random.chance(0.1)) thread.log('jobs', 'delete', { job_id: random.digits(15) })
    if (random.chance(0.4)) {
      const [, commandText] = cell(random.pick(tables), random)
      thread.log('jobs', 'runCommand', {
        jobId: job_id,
        runId: random.digits(15),
        notebookId: random.digits(16),
        executionTime: (random.float() * 30).toFixed(3),
        status: 'finished',
        commandId: random.uuid(),
        commandText,
      })
    }
  },
}

function runByHand(thread: Thread, job_id: string, clusterId: string, creator: string): void {
  const { random } = thread
  const runId = random.digits(15)
  thread.log(
    'jobs',
    'runNow',
    { job_id, notebook_params: '{"day":"2026-11-01"}', idempotency_token: '' },
    created({ run_id: Number(runId), number_in_job: Number(runId) }),
  )
  const system = thread.as(systemSession(thread.session.workspace))
  const task = {
    jobId: job_id,
    jobTriggerType: 'manual',
    jobTaskType: 'notebook',
    jobClusterType: 'existing',
    clusterId,
    runId,
    jobRunId: runId,
    idInJob: runId,
    orgId: thread.session.workspace.id,
    runCreatorUserName: creator,
    taskKey: 'transform',
  }
  system.wait(1, 5).log('jobs', 'runTriggered', { jobId: job_id, jobTriggerType: 'manual', runId })
  system.wait(1, 40).log('jobs', 'runStart', { ...task, jobTerminalState: '' })
  system.wait(20, 600)
  if (random.chance(0.2))
    system.log(
      'jobs',
      'runFailed',
      { ...task, jobTerminalState: 'Failed' },
      failed(400, 'Task transform failed: AnalysisException'),
    )
  else system.log('jobs', 'runSucceeded', { ...task, jobTerminalState: 'Succeeded' })
  thread.timeMs = Math.max(thread.timeMs, system.timeMs)
}

const airflow: Routine = {
  id: 'airflow-submit',
  perDay: 48,
  hours: 'any',
  play({ account, random, start }) {
    const service = serviceNamed(account, 'sp-airflow')
    const thread = start(serviceSession(service, account.prod, random))
    const run_id = random.digits(15)
    thread.log('accounts', 'tokenLogin', {
      user: service.email,
      tokenId: '',
      authenticationMethod: 'API_INT_PAT_TOKEN',
    })
    thread.slow(
      'jobs',
      'submitRun',
      {
        run_name: `airflow-${random.pick(['export_feeds', 'sync_prices', 'reload_pos'])}`,
        tasks: '',
        notebook_task: '{"notebook_path":"/Repos/production/export/feeds","base_parameters":{"env":"prod"}}',
        new_cluster:
          '{"spark_version":"16.4.x-scala2.12","node_type_id":"m6gd.xlarge","num_workers":2,"data_security_mode":"SINGLE_USER"}',
        timeout_seconds: '3600',
        idempotency_token: random.hex(8),
      },
      0.8,
      created({ run_id: Number(run_id) }),
    )
    for (let i = random.int(2, 5); i > 0; i--)
      thread.wait(30, 60).log('jobs', 'getRunOutput', { run_id, is_from_webapp: 'false' })
    if (random.chance(0.3)) thread.log('jobs', 'setTaskValue', { run_id, key: 'rows' })
  },
}

const webhooks: Routine = {
  id: 'job-webhooks',
  perDay: 10,
  hours: 'any',
  play({ account, random, start }) {
    const thread = start(systemSession(account.prod))
    const job = random.pick(account.jobs)
    thread.log('jobs', 'sendRunWebhook', {
      orgId: account.prod.id,
      jobId: job.id,
      jobWebhookId: random.uuid(),
      jobWebhookEvent: 'runFailed',
      runId: random.digits(15),
    })
    thread.log('webhookNotifications', 'notifyWebhook', { id: random.uuid(), body: '{"event":"job_failed"}' })
  },
}

const deploy: Routine = {
  id: 'bundle-deploy',
  perDay: 4,
  hours: 'office',
  play({ account, random, start }) {
    const service = serviceNamed(account, 'sp-ci-deploy')
    const workspace = random.chance(0.7) ? account.dev : account.prod
    const thread = start(serviceSession(service, workspace, random))
    thread.log('accounts', 'oidcTokenAuthorization', {
      user: service.email,
      authenticationMethod: 'OAUTH_TOKEN_FEDERATION',
    })
    for (const job of random.sample(account.jobs, 4)) {
      thread
        .wait(1, 4)
        .log('workspaceFiles', 'wsfsImportFile', { path: `/Workspace/bundles/${job.name}/files/main.py` })
      thread.wait(1, 4).log('jobs', 'reset', { job_id: job.id, new_settings: settings(job) })
    }
    thread.log('jobs', 'resetJobAcl', {
      grants: '[{"group":"data-engineers","level":"CAN_MANAGE_RUN"}]',
      job_id: random.pick(account.jobs).id,
    })
    thread.log('notebook', 'createFolder', { path: `/bundles/release-${random.int(100, 999)}` })
  },
}

/** Works of this file. */
export const JOB_WORKS: readonly Work[] = [watch, develop]

/** Routines of this file. */
export const JOB_ROUTINES: readonly Routine[] = [airflow, webhooks, deploy]
