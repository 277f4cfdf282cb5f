/** A job made to run as a service principal with more rights than its author. */
import { serviceNamed } from '../account/account.ts'
import type { Job } from '../account/objects.ts'
import { created } from '../event.ts'
import type { Scenario } from './contract.ts'

/** Job run_as changed to a privileged service principal. */
export const jobRunAsAdmin: Scenario = {
  id: 'job-run-as-admin',
  title: 'Job changed to run as the Terraform service principal',
  expect: 'jobs.update sets run_as to a privileged service principal, followed by runNow by the same user.',
  techniques: ['T1548', 'T1098'],
  rules: ['job-identity-changed', 'job-identity-changed-and-run', 'identity-new-to-jobs'],
  play({ account, random, at, person, sit }) {
    const job = random.pick(account.jobs) as Job
    const robot = serviceNamed(account, 'sp-terraform')
    const thread = sit(person('engineer'), at(16.9))
    const new_settings = `{"run_as":{"service_principal_name":"${robot.email}"},"tasks":[{"task_key":"main","notebook_task":{"notebook_path":"/Users/${thread.session.who.email}/grant_all"}}]}`
    thread.log('jobs', 'update', { job_id: job.id, new_settings, fields_to_remove: '[]', is_from_dlt: 'false' })
    const run_id = Number(random.digits(15))
    thread.wait(10, 60).log('jobs', 'runNow', { job_id: job.id, idempotency_token: '' }, created({ run_id }))
  },
}
