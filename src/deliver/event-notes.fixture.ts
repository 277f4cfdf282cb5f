/** What the reference says of event destinations that no schema shows: what repeats are told by, what is not taken, and what each was tried against. */

/** The suite that all pass, and the server that it is run with. */
const OWN = 'Tried against a server of our own, after the published limits and errors; no other can be had here.'

const ONCE =
  'An object has the name of what is in it, and is written once. A repeat finds it there, and is done. An object holds events of one UTC day.'

const CLIENT = (name: string): string =>
  `Needs the package \`${name}\`: install it beside Bricktrail or in the home, as the error says.`

/** Notes by kind. */
export const EVENT_NOTES: Readonly<Record<string, readonly string[]>> = {
  'splunk-hec': [
    'The collector tells no repeats apart. The indexed field `event_id` does: `| dedup event_id`.',
    'Without `acknowledge`, an event counts as delivered once the collector has it, and not once it is indexed. Splunk Cloud acknowledges for Firehose only.',
    'An event that the collector names as wrong is set aside; the others of its batch are sent again.',
    "Tried against a server of our own, after the published limits and errors, and against the OpenTelemetry collector's receiver of it, which acknowledges nothing.",
  ],
  datadog: [
    'The event is the attribute `databricks`, its id `event_id`. Datadog tells no repeats apart.',
    'Datadog takes events up to 18 hours old; it accepts older ones and shows them with another time, or not. Events beyond a megabyte it cuts in silence, so they are cut here first, with a mark.',
    OWN,
  ],
  'azure-logs': [
    'Rows have `TimeGenerated` and `EventId` besides the event. Azure Monitor tells no repeats apart: `| summarize arg_max(TimeGenerated, *) by EventId`.',
    `${CLIENT('@azure/identity')} With \`token\` it does not.`,
    'A stream that the rule does not have is told as a fault of the settings.',
    OWN,
  ],
  cloudwatch: [
    CLIENT('@aws-sdk/client-cloudwatch-logs'),
    'CloudWatch tells no repeats apart; the id stands in the event.',
    'A request holds events of one UTC day.',
    'Tried against a server of our own, and against moto, which numbers refused events otherwise than AWS documents; ours follow AWS.',
  ],
  'google-logging': [
    '`insertId` is the id of the event: an entry that comes twice is kept once, where its time and log are the same.',
    `${CLIENT('google-auth-library')} With \`token\` it does not.`,
    'Entries older than the log is kept, or more than a day ahead, Google accepts and does not show.',
    OWN,
  ],
  elasticsearch: [
    'Events are created under their ids, so a repeat changes nothing. A data stream that has rolled over in between keeps both.',
    'An event that does not fit the mapping is set aside; the others are stored. Missing rights or indexes are told as a fault of the settings.',
    'Tried against a server of our own, and against OpenSearch 2.19.',
  ],
  otlp: [
    'The event is the body of the record, as text; its id is the attribute `event.id`.',
    'A collector that takes a part says how many records it will not have, and not which. The batch is then halved until they show, so their neighbours may arrive twice.',
    'JSON over HTTP; gRPC is not spoken. Tried against a server of our own, and against the receiver of the OpenTelemetry collector; what is sent is read by the published definitions of the protocol.',
  ],
  kafka: [
    CLIENT('@platformatic/kafka'),
    'The producer is idempotent, and waits for all replicas in step. A repeat after a lost answer is a record of its own, with the same header `event_id`.',
    'The key of a record is who did it, so what one actor did is in one partition, in order, and where the client of Kafka itself would put it.',
    'A record is at most 800 KB, and a request 900 KB, as brokers take 1 MiB unless told otherwise.',
    'Tried against Apache Kafka 4.1, with connections that were cut and stalled, and a broker that was killed.',
  ],
  s3: [
    CLIENT('@aws-sdk/client-s3'),
    ONCE,
    'With `retain_days` each object is locked in compliance mode; the bucket must have Object Lock on.',
    'Objects are gathered from what there is to deliver, one at a time; more `connections` make more and smaller ones.',
    'Tried against a server of our own, and against moto, which enforces Object Lock.',
  ],
  'azure-blob': [
    `${CLIENT('@azure/storage-blob')} With \`account_url\` it needs \`@azure/identity\` too.`,
    ONCE,
    'Tried against a server of our own, and against azurite.',
  ],
  gcs: [`${CLIENT('google-auth-library')} With \`token\` it does not.`, ONCE, OWN],
  parquet: [
    'Files are `date=YYYY-MM-DD/TIME-ID.parquet`. Each is complete when its name appears, and never changes.',
    'It is no Delta table: there is no log, and nobody merges the files. Read the folder with DuckDB, Spark or Trino. `delta` writes a table.',
    'An event that was cut has its former length in the column `bricktrail_truncated`.',
    'Tried against the file system.',
  ],
  delta: [
    'The table is partitioned by `event_date`, of reader version 1 and writer version 2, with statistics and checkpoints. A batch is one file and one commit.',
    'The commit carries a transaction (`txn`) of the id of the batch. A batch that was committed, and whose acknowledgement a crash cut off, is found there and is not written again.',
    'The table is appended to, and nothing else: merging its files (`OPTIMIZE`) and removing what a crash left uncommitted (`VACUUM`) are for whoever owns it. It may not be raised to a higher protocol, such as by deletion vectors or column mapping: the destination then stops and says so.',
    'The file system must make hard links, which most mounted buckets do not: there, use `parquet`.',
    'An event that was cut has its former length in the column `bricktrail_truncated`.',
    'Tried with kills at any moment, and read by delta-rs and ClickHouse.',
  ],
  'event-file': [
    'A line that a crash cut off is ended before the next one. Lines may repeat after a crash; they have the same id.',
  ],
}
