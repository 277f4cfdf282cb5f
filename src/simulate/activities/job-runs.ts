/** Scheduled job runs: trigger, cluster, tasks with their reads and writes, end. */
import type { Account } from '../account/account.ts'
import type { Job } from '../account/objects.ts'
import { clusterId as newClusterId } from '../account/workspaces.ts'
import { created, type Emit, failed } from '../event.ts'
import type { Random } from '../random.ts'
import { serviceSession, systemSession } from '../sessions.ts'
import { Thread } from '../thread.ts'
import { vend } from './queries.ts'

/** Events a day that a job's schedule makes at this richness. */
export function eventsPerDay(job: Job, richness: number): number {
  const perTask = 3 + 2 * Math.max(1, Math.round(job.reads.length * richness)) + job.writes.length
  return (1440 / job.everyMinutes) * (1 + job.tasks.length * perTask + (job.cluster === 'new' ? 5 : 0))
}

/** The jobs that run on a log of this size: as many of the list as the events a day leave room for, three at least. */
export function activeJobs(account: Account, roomPerDay: number): readonly Job[] {
  const active: Job[] = []
  let planned = 0
  for (const job of account.jobs) {
    planned += eventsPerDay(job, 1)
    if (planned > roomPerDay && active.length > 2) break
    active.push(job)
  }
  return active
}

/** How many times its listed reads a run makes so that the jobs fill the room, within `least` and `most`. */
export function richnessFor(jobs: readonly Job[], roomPerDay: number, least: number, most: number): number {
  const total = (richness: number) => jobs.reduce((sum, job) => sum + eventsPerDay(job, richness), 0)
  let richness = least
  while (richness < most && total(richness + 0.1) < roomPerDay) richness += 0.1
  return richness
}

/** Start times of a job's runs in [startMs, endMs). */
export function runTimes(job: Job, startMs: number, endMs: number): readonly number[] {
  const every = job.everyMinutes * 60_000
  const offset = job.offsetMinutes * 60_000
  const times: number[] = []
  for (let at = Math.ceil((startMs - offset) / every) * every + offset; at < endMs; at += every) times.push(at)
  return times
}

/** One run of a job. `richness` scales its reads and writes. */
export function playRun(job: Job, startMs: number, richness: number, random: Random, emit: Emit): void {
  const system = new Thread(systemSession(job.workspace), startMs, random, emit)
  const runId = random.digits(15)
  system.wait(0.2, 4).log('jobs', 'runTriggered', { jobId: job.id, jobTriggerType: 'cron', runId })
  const clusterId = clusterFor(job, system)
  const failsAt = random.chance(job.failureRate) ? random.int(0, job.tasks.length - 1) : -1
  for (const [i, taskKey] of job.tasks.entries()) {
    playTask(job, system, { i, taskKey, runId, clusterId, richness, fails: i === failsAt })
    if (i === failsAt) break
  }
  if (job.cluster === 'new') stopCluster(job, system, clusterId)
}

interface Task {
  readonly i: number
  readonly taskKey: string
  readonly runId: string
  readonly clusterId: string
  readonly richness: number
  readonly fails: boolean
}

function playTask(job: Job, system: Thread, { i, taskKey, runId, clusterId, richness, fails }: Task): void {
  const { random } = system
  const taskRunId = random.digits(15)
  const params = {
    runCreatorUserName: job.creator,
    orgId: job.workspace.id,
    clusterId,
    idInJob: taskRunId,
    jobClusterType: job.cluster,
    jobId: job.id,
    taskKey,
    jobTriggerType: 'cron',
    jobTaskType: 'notebook',
    runId: taskRunId,
  }
  system.log('jobs', 'runStart', { ...params, jobTerminalState: '', multitaskParentRunId: runId })
  const worker = system.as(serviceSession(job.runAs, job.workspace, random))
  work(job, worker, i, richness)
  system.timeMs = Math.max(system.timeMs, worker.timeMs)
  if (fails) {
    const reply = failed(400, 'Task failed: Workload failed, see run output for details')
    system.log('jobs', 'runFailed', { ...params, jobTerminalState: 'Failed', jobRunId: runId }, reply)
    return
  }
  system.log('jobs', 'runSucceeded', { ...params, jobTerminalState: 'Succeeded', jobRunId: runId })
}

/** The cluster a run uses: its own, a shared one, or none that anybody sees. */
function clusterFor(job: Job, system: Thread): string {
  if (job.cluster === 'serverless') return ''
  return job.cluster === 'new' ? startCluster(job, system) : system.random.pick(job.workspace.clusterIds)
}

function work(job: Job, worker: Thread, task: number, richness: number): void {
  const { random } = worker
  const runAs = job.runAs.email
  worker.log('accounts', 'tokenLogin', { user: runAs, tokenId: '', authenticationMethod: 'API_INT_PAT_TOKEN' })
  if (task === 0) for (const [scope, key] of job.secrets) worker.log('secrets', 'getSecret', { scope, key })
  const reads = Math.max(1, Math.round(job.reads.length * richness))
  for (let i = 0; i < reads; i++) {
    const table = random.pick(job.reads)
    worker.uc('getTable', { include_delta_metadata: 'true', full_name_arg: table.full, dependent: 'false' })
    vend(worker, table, 'READ')
    worker.wait(0.5, 12)
  }
  for (const table of job.writes) vend(worker, table, 'READ_WRITE')
  worker.wait(10, 200)
}

function startCluster(job: Job, system: Thread): string {
  const clusterId = newClusterId(system.random)
  const creator = system.as(serviceSession(job.runAs, job.workspace, system.random))
  creator.slow(
    'clusters',
    'create',
    {
      cluster_name: `job-${job.id}-run`,
      spark_version: '16.4.x-scala2.12',
      node_type_id: 'm6gd.xlarge',
      num_workers: String(system.random.int(2, 8)),
      cluster_source: 'JOB',
      data_security_mode: 'SINGLE_USER',
      single_user_name: job.runAs.email,
      spark_conf: '{"spark.databricks.delta.preview.enabled":"true"}',
      custom_tags: `{"team":"data","job":"${job.name}"}`,
      autotermination_minutes: '0',
      acl_path_prefix: '/jobs',
    },
    1.5,
    created({ cluster_id: clusterId }),
  )
  system.timeMs = creator.timeMs
  system.wait(60, 200).log('clusters', 'createResult', clusterResult(job, clusterId, 'Running'))
  return clusterId
}

function stopCluster(job: Job, system: Thread, clusterId: string): void {
  system.wait(1, 20).log('clusters', 'delete', { cluster_id: clusterId })
  system.wait(5, 40).log('clusters', 'deleteResult', clusterResult(job, clusterId, 'Terminated'))
}

const clusterResult = (job: Job, clusterId: string, clusterState: string) => ({
  clusterName: `job-${job.id}-run`,
  clusterState,
  clusterId,
  clusterWorkers: clusterState === 'Running' ? '4' : '0',
  clusterOwnerUserId: job.runAs.userId,
})
