/** Every kind of destination, in the order of the reference. */
import type { SinkKind } from './contract.ts'
import { hushed } from './hush.ts'
import { alertmanager } from './sinks/alertmanager.ts'
import { azureBlob } from './sinks/azure-blob.ts'
import { azureLogs } from './sinks/azure-logs.ts'
import { cloudwatch } from './sinks/cloudwatch.ts'
import { datadog } from './sinks/datadog.ts'
import { delta } from './sinks/delta.ts'
import { elasticsearch } from './sinks/elasticsearch.ts'
import { email } from './sinks/email.ts'
import { file } from './sinks/file.ts'
import { gcs } from './sinks/gcs.ts'
import { googleLogging } from './sinks/google-logging.ts'
import { jira } from './sinks/jira.ts'
import { jsm } from './sinks/jsm.ts'
import { kafka } from './sinks/kafka.ts'
import { otlp } from './sinks/otlp.ts'
import { pagerDuty } from './sinks/pagerduty.ts'
import { parquet } from './sinks/parquet.ts'
import { s3 } from './sinks/s3.ts'
import { slack } from './sinks/slack.ts'
import { splunkHec } from './sinks/splunk-hec.ts'
import { syslog } from './sinks/syslog.ts'
import { teams } from './sinks/teams.ts'
import { webhook } from './sinks/webhook.ts'

/**
 * All kinds; what they say of their attempts holds no secrets. Settings are checked against a kind's schema before it is opened, so its own type of them
 * holds.
 */
export const SINKS: readonly SinkKind[] = (
  [
    webhook,
    slack,
    teams,
    pagerDuty,
    jsm,
    jira,
    email,
    alertmanager,
    syslog('messages'),
    file('messages'),
    splunkHec,
    datadog,
    azureLogs,
    cloudwatch,
    googleLogging,
    elasticsearch,
    otlp,
    kafka,
    s3,
    azureBlob,
    gcs,
    parquet,
    delta,
    syslog('events'),
    file('events'),
  ] as readonly SinkKind<never>[]
).map((kind) => hushed(kind) as SinkKind)

/** The kind of that name. */
export const sinkKind = (kind: string): SinkKind | undefined => SINKS.find((each) => each.kind === kind)
