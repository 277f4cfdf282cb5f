/** The destination `kafka` against a broker of Apache Kafka on a JVM, directly and by way of a proxy that cuts and stalls connections. */
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { connect, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { homeAt } from '../../src/core/home.ts'
import type { Item, Sink } from '../../src/deliver/contract.ts'
import { Dispatcher } from '../../src/deliver/dispatcher.ts'
import { EventFeed } from '../../src/deliver/event-feed.ts'
import { EventLane } from '../../src/deliver/event-lane.ts'
import { numberIn, writeBatch } from '../../src/deliver/lake.fixture.ts'
import { Outbox } from '../../src/deliver/outbox.ts'
import { Engine } from '../../src/engine/duckdb.ts'
import { formatNamed } from '../../src/export/registry.ts'
import { check, same } from './check.ts'
import { event, events, opened, send, using, WORDS } from './deliver.ts'
import { freePort, has, type Running, skipped, start } from './servers.ts'

const JARS = join(import.meta.dirname, 'kafka/lib')
const JAVA = ['-Xms64m', '-Xmx320m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-cp', join(JARS, '*')]

/** The broker's own libraries, from Maven Central, once. */
function fetchBroker(): void {
  if (existsSync(JARS) && readdirSync(JARS).some((name) => name.startsWith('kafka_'))) return
  const args = ['-q', '-B', 'dependency:copy-dependencies', `-DoutputDirectory=${JARS}`]
  const { status } = spawnSync('mvn', args, {
    cwd: join(import.meta.dirname, 'kafka'),
    stdio: ['ignore', 2, 2],
    timeout: 300_000,
  })
  if (status !== 0) throw new Error(`mvn ended with ${status}`)
}

const run = (main: string, ...args: readonly string[]) =>
  spawnSync('java', [...JAVA, main, ...args], { encoding: 'utf8', timeout: 60_000 })

/** Ports of the ways to the broker; `proxied` is that of the proxy, which clients are told of behind it. */
type Ports = Readonly<Record<'plain' | 'sasl' | 'behind' | 'proxied' | 'controller', number>>

const properties = (folder: string, ports: Ports): string => `process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:${ports.controller}
listeners=PLAIN://127.0.0.1:${ports.plain},SASL://127.0.0.1:${ports.sasl},BEHIND://127.0.0.1:${ports.behind},CONTROLLER://127.0.0.1:${ports.controller}
advertised.listeners=PLAIN://127.0.0.1:${ports.plain},SASL://127.0.0.1:${ports.sasl},BEHIND://127.0.0.1:${ports.proxied}
listener.security.protocol.map=PLAIN:PLAINTEXT,SASL:SASL_PLAINTEXT,BEHIND:PLAINTEXT,CONTROLLER:PLAINTEXT
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAIN
sasl.enabled.mechanisms=PLAIN
listener.name.sasl.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required user_bricktrail="planted-password";
log.dirs=${join(folder, 'data')}
offsets.topic.replication.factor=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
group.initial.rebalance.delay.ms=0
auto.create.topics.enable=false
num.partitions=3
`

async function startBroker(folder: string, ports: Ports): Promise<Running> {
  const file = join(folder, 'server.properties')
  await writeFile(file, properties(folder, ports))
  const { status, stderr, stdout } = run(
    'kafka.tools.StorageTool',
    'format',
    '-t',
    'AAAAAAAAAAAAAAAAAAAAAQ',
    '-c',
    file,
  )
  if (status !== 0) throw new Error(`${stdout}${stderr}`)
  return startAgain(folder, ports)
}

const startAgain = (folder: string, ports: Ports): Promise<Running> =>
  start({ command: 'java', args: [...JAVA, 'kafka.Kafka', join(folder, 'server.properties')], port: ports.plain })

/** What a client does to a request that writes: it is passed on, its answer withheld, or the connection cut before or after it. */
type Treatment = 'pass' | 'cut after' | 'stall'

/** Passes connections on, and treats the n-th answer to a request that writes (Kafka's API key 0) as it is told. */
async function proxy(port: number, to: number, treatment: (write: number) => Treatment) {
  let writes = 0
  const sockets = new Set<Socket>()
  const server = createServer((client) => {
    const broker = connect(to, '127.0.0.1')
    for (const socket of [client, broker]) {
      sockets.add(socket)
      socket.on('error', () => {})
      socket.on('close', () => {
        client.destroy()
        broker.destroy()
      })
    }
    let next: Treatment = 'pass'
    client.on('data', (piece) => {
      // A request begins with its length in four bytes; its key follows in two. Ours are small enough to come in one piece.
      if (piece.length > 6 && piece.readUInt16BE(4) === 0) next = treatment(++writes)
      broker.write(piece)
    })
    broker.on('data', (piece) => {
      if (next === 'pass') client.write(piece)
      else if (next === 'cut after') client.destroy()
      else next = 'stall'
    })
  })
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  return {
    close: () => {
      for (const socket of sockets) socket.destroy()
      server.close()
    },
  }
}

interface Received {
  readonly key: string
  readonly value: string
  readonly headers: ReadonlyMap<string, string>
  readonly timestamp: bigint
  readonly partition: number
}

interface Kafka {
  readonly Admin: new (options: object) => { createTopics(options: object): Promise<unknown>; close(): Promise<void> }
  readonly Consumer: new (
    options: object,
  ) => {
    consume(options: object): Promise<AsyncIterable<Received>>
    close(force: boolean): Promise<void>
  }
  readonly stringDeserializers: object
}

const { Admin, Consumer, stringDeserializers } = createRequire(import.meta.url)('@platformatic/kafka') as Kafka

async function makeTopics(broker: string, topics: readonly string[]): Promise<void> {
  const admin = new Admin({ clientId: 'peer', bootstrapBrokers: [broker] })
  await admin.createTopics({ topics: [...topics], partitions: 3, replicas: 1 })
  await admin.close()
}

/** Everything in a topic until nothing more comes for a while. */
async function readAll(broker: string, topic: string): Promise<Received[]> {
  const consumer = new Consumer({
    clientId: 'peer',
    groupId: `peer-${topic}`,
    bootstrapBrokers: [broker],
    deserializers: stringDeserializers,
  })
  const found: Received[] = []
  try {
    const stream = await consumer.consume({ topics: [topic], mode: 'earliest', autocommit: false, maxWaitTime: 200 })
    const iterator = stream[Symbol.asyncIterator]()
    for (;;) {
      const quiet = new Promise<undefined>((resolve) => setTimeout(() => resolve(undefined), 2500).unref())
      const next = await Promise.race([iterator.next(), quiet])
      if (next === undefined || next.done === true) return found
      found.push(next.value)
    }
  } finally {
    await consumer.close(true)
  }
}

const idOf = ({ headers }: Received): string => headers.get('event_id') ?? ''

async function checks(ports: Ports): Promise<void> {
  const broker = `127.0.0.1:${ports.plain}`
  await makeTopics(broker, ['audit', 'cut', 'small'])
  // A broker that has just started gives producers no numbers yet.
  await using(opened('kafka', { brokers: [broker], topic: 'small' }), async (sink) => {
    for (let tries = 0; tries < 60 && (await send(sink, events(0, 1))).kind === 'again'; tries++) await sleep(500)
  })

  await check('Kafka: events arrive with key, header and time, those of a key in one partition and in order', () =>
    using(opened('kafka', { brokers: [broker], topic: 'audit' }), async (sink) => {
      const sent = events(0, 2000)
      // Four at once, as four connections of a lane do, each with keys of its own.
      const shares = Map.groupBy(sent, ({ key }) => key)
      const outcomes = await Promise.all([...shares.values()].map((share) => send(sink, share)))
      same(new Set(outcomes.map(({ kind }) => kind)), new Set(['delivered']))
      const found = await readAll(broker, 'audit')
      same(found.length, 2000)
      const byId = new Map(found.map((each) => [idOf(each), each]))
      const seventh = byId.get('event-7')
      const { text, key, timeMs } = sent[7] as Item
      same([seventh?.value, seventh?.key, seventh?.timestamp], [text, key, BigInt(timeMs)])
      same(JSON.parse(seventh?.value ?? '').words, WORDS)
      for (const [key, share] of shares) {
        const ofKey = found.filter((each) => each.key === key)
        same(new Set(ofKey.map(({ partition }) => partition)).size, 1)
        same(
          ofKey.map(idOf),
          share.map(({ id }) => id),
        )
      }
    }),
  )

  for (const compression of ['none', 'snappy', 'zstd'])
    await check(`Kafka: takes records packed by ${compression}`, () =>
      using(opened('kafka', { brokers: [broker], topic: 'small', compression }), async (sink) =>
        same(await send(sink, events(0, 10)), { kind: 'delivered' }),
      ),
    )

  await check('Kafka: a topic that is not there blames the settings', () =>
    using(opened('kafka', { brokers: [broker], topic: 'absent' }), async (sink) =>
      same((await send(sink, events(0, 1))).kind, 'misconfigured'),
    ),
  )

  await check('Kafka: a record that is too long for the broker is refused for good', () =>
    using(opened('kafka', { brokers: [broker], topic: 'small', compression: 'none' }), async (sink) => {
      const text = JSON.stringify({ long: 'x'.repeat(1_200_000) })
      same((await send(sink, [event(1, { text })])).kind, 'dead')
    }),
  )

  const sasl = (password: string) =>
    opened(
      'kafka',
      { brokers: [`127.0.0.1:${ports.sasl}`], topic: 'small', username: 'bricktrail', password: 'env:KAFKA' },
      { 'env:KAFKA': password },
    )
  await check('Kafka: signs in', () =>
    using(sasl('planted-password'), async (sink) => same(await send(sink, events(0, 1)), { kind: 'delivered' })),
  )
  await check('Kafka: a wrong password blames the settings, and is not told', () =>
    using(sasl('wrong-password'), async (sink) => {
      const outcome = await send(sink, events(0, 1))
      same([outcome.kind, JSON.stringify(outcome).includes('wrong-password')], ['misconfigured', false])
    }),
  )
  await check('Kafka: nobody there is tried again', async () => {
    const nobody = `127.0.0.1:${await freePort()}`
    await using(opened('kafka', { brokers: [nobody], topic: 'small' }, {}, 2000), async (sink) =>
      same((await send(sink, events(0, 1))).kind, 'again'),
    )
  })

  await check(
    'Kafka: what was cut off or not answered is sent again, arrives, and is the same by its header',
    async () => {
      const treatments: readonly Treatment[] = ['pass', 'cut after', 'pass', 'stall', 'pass']
      const between = await proxy(ports.proxied, ports.behind, (write) => treatments[write - 1] ?? 'pass')
      try {
        await using(
          opened('kafka', { brokers: [`127.0.0.1:${ports.proxied}`], topic: 'cut' }, {}, 1500),
          async (sink) => {
            const outcomes: string[] = []
            for (let from = 0; from < 60; from += 20) {
              for (let kind = ''; kind !== 'delivered' && outcomes.length < 20; ) {
                kind = (await send(sink, events(from, from + 20))).kind
                outcomes.push(kind)
              }
            }
            same(outcomes, ['delivered', 'again', 'delivered', 'again', 'delivered'])
          },
        )
        const found = await readAll(broker, 'cut')
        same(new Set(found.map(idOf)).size, 60)
        same(found.length, 100)
        for (const ofKey of Map.groupBy(found, ({ key }) => key).values()) {
          const first = [...new Set(ofKey.map(idOf))].map((id) => Number(id.slice('event-'.length)))
          same(
            first,
            [...first].sort((a, b) => a - b),
          )
        }
      } finally {
        between.close()
      }
    },
  )
}

/** A lake whose events a lane delivers while the broker is killed and started again: nothing is lost, and the order of keys is kept. */
async function killed(broker: Running, folder: string, ports: Ports): Promise<Running> {
  const address = `127.0.0.1:${ports.plain}`
  await makeTopics(address, ['lane'])
  const home = homeAt(join(folder, 'home'))
  await writeBatch(home, 1, { from: 0, to: 4000, people: 20 })
  const engine = await Engine.open({ threads: 1 })
  const outbox = Outbox.open(join(folder, 'outbox.db'))
  let again = broker
  try {
    await using(opened('kafka', { brokers: [address], topic: 'lane' }, {}, 3000), async (sink) => {
      let sends = 0
      const limited: Sink = {
        limits: { ...sink.limits, items: 50 },
        send: (batch, signal) => {
          if (++sends === 12) broker.child.kill('SIGKILL')
          return sink.send(batch, signal)
        },
      }
      const feed = new EventFeed(home, engine)
      const wanted = { format: formatNamed('system-table'), filter: 'true' }
      const waits = { firstMs: 200, mostMs: 1000, openAfter: 5 }
      const lane = new EventLane(outbox, feed, { name: 'kafka', sink: limited, wanted, connections: 4, waits })
      const drained = new Dispatcher({ messages: [], events: [lane] }, feed).drain(AbortSignal.timeout(90_000))
      while (broker.child.exitCode === null && broker.child.signalCode === null) await sleep(50)
      again = await startAgain(folder, ports)
      same(await drained, true)
      const found = (await readAll(address, 'lane')).map(({ key, value }) => ({ key, n: numberIn(value) }))
      same(new Set(found.map(({ n }) => n)).size, 4000)
      same(found.length - 4000 <= 4 * 50, true)
      for (const ofKey of Map.groupBy(found, ({ key }) => key).values()) {
        const first = [...new Set(ofKey.map(({ n }) => n))]
        same(
          first,
          [...first].sort((a, b) => a - b),
        )
      }
      same(
        outbox.accounts().map(({ dead }) => dead),
        [0],
      )
    })
  } finally {
    engine.close()
    outbox.close()
  }
  return again
}

const missing = ['java', 'mvn'].filter((command) => !has(command))
if (missing.length > 0) {
  skipped('a broker of Apache Kafka', `${missing.join(' and ')} not installed`)
  await check('Kafka: without a broker it is tried again', async () => {
    const nobody = `127.0.0.1:${await freePort()}`
    await using(opened('kafka', { brokers: [nobody], topic: 'audit' }, {}, 2000), async (sink) =>
      same((await send(sink, events(0, 1))).kind, 'again'),
    )
  })
} else {
  fetchBroker()
  const folder = await mkdtemp(join(tmpdir(), 'bricktrail-kafka-'))
  const [plain = 0, saslPort = 0, behind = 0, proxied = 0, controller = 0] = await Promise.all(
    Array.from({ length: 5 }, () => freePort()),
  )
  const ports: Ports = { plain, sasl: saslPort, behind, proxied, controller }
  let broker: Running | undefined
  try {
    broker = await startBroker(folder, ports)
    await checks(ports)
    await check(
      'Kafka: a broker that is killed and comes back gets every event of a lake, those of a key in order',
      async () => {
        broker = await killed(broker as Running, folder, ports)
      },
    )
  } finally {
    await broker?.stop()
    await rm(folder, { recursive: true, force: true })
  }
}
