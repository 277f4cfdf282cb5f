/**
 * A timestamp authority made of `openssl`: certificates good and bad, answers to requests, and answers no authority would
 * give. Run by itself it records what the unit tests read: `node test/peers/authority.ts FOLDER`.
 */
import { spawnSync } from 'node:child_process'
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { imprintOf } from '../../src/seal/timestamp/imprint.ts'
import { timestampRequest } from '../../src/seal/timestamp/request.ts'

const CONFIG = `
[ca]
default_ca = own
[own]
database = index.txt
serial = serial
new_certs_dir = .
default_md = sha256
policy = any
unique_subject = no
[any]
commonName = supplied
[root]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign
[intermediate]
basicConstraints = critical, CA:TRUE, pathlen:0
keyUsage = critical, keyCertSign
[stamper]
basicConstraints = critical, CA:FALSE
extendedKeyUsage = critical, timeStamping
[uncritical]
extendedKeyUsage = timeStamping
[unmarked]
basicConstraints = critical, CA:FALSE
[two-uses]
extendedKeyUsage = critical, timeStamping, codeSigning
[tsa]
default_tsa = good
[good]
serial = stamp-serial
crypto_device = builtin
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256
accuracy = secs:1
ess_cert_id_chain = no
ess_cert_id_alg = sha256
[old-style]
serial = stamp-serial
crypto_device = builtin
signer_digest = sha512
default_policy = 1.2.3.4.1
digests = sha256
ordering = yes
tsa_name = yes
ess_cert_id_chain = yes
ess_cert_id_alg = sha1
[weak]
serial = stamp-serial
crypto_device = builtin
signer_digest = sha1
default_policy = 1.2.3.4.1
digests = sha256
ess_cert_id_alg = sha256
[other-digests]
serial = stamp-serial
crypto_device = builtin
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha512
`
const LONG = ['20200101000000Z', '21200101000000Z'] as const
const PAST = ['20200101000000Z', '20210101000000Z'] as const

/** Runs `openssl` in a folder; throws with what it said. */
function openssl(cwd: string, ...args: readonly string[]): string {
  const { status, stdout, stderr, error } = spawnSync('openssl', args, { cwd, encoding: 'utf8' })
  if (status !== 0) throw new Error(`openssl ${args.join(' ')}: ${error?.message ?? stderr}`)
  return stdout
}

/** Whether there is an `openssl` to make an authority of. */
export const hasOpenssl = (): boolean => spawnSync('openssl', ['version']).status === 0

/** An authority in a folder of its own. */
export interface Authority {
  readonly folder: string
  /** The trusted root: PEM, and its file. */
  readonly caPem: string
  readonly caFile: string
  /** Another root, which issued nothing. */
  readonly otherCaPem: string
  /** Answers a request; `signer` and `section` name a certificate and a part of the configuration. */
  reply(query: Uint8Array, signer?: string, section?: string): Buffer
  /** The same stamp signed by a certificate that openssl itself refuses to stamp with. */
  forge(query: Uint8Array, signer: string): Buffer
  /** What `openssl ts -verify` says of an answer. */
  verifies(tsr: Uint8Array, note: Uint8Array): boolean
  dispose(): void
}

/** Makes root, intermediate and stamping certificates. */
export function makeAuthority(): Authority {
  const folder = mkdtempSync(join(tmpdir(), 'authority-'))
  const at = (name: string) => join(folder, name)
  writeFileSync(at('openssl.cnf'), CONFIG)
  for (const name of ['index.txt', 'index.txt.attr']) writeFileSync(at(name), '')
  for (const name of ['serial', 'stamp-serial']) writeFileSync(at(name), '01\n')
  makeCertificates(folder)

  const run = (...args: readonly string[]) => openssl(folder, ...args)
  const reply = (query: Uint8Array, signer = 'ec', section = 'good'): Buffer => {
    writeFileSync(at('query'), query)
    const chain = signer === 'chained' ? ['-chain', 'intermediate.pem'] : []
    const keys = ['-signer', `${signer}.pem`, '-inkey', `${keyOf(signer)}.key`, ...chain]
    run('ts', '-reply', '-config', 'openssl.cnf', '-section', section, '-queryfile', 'query', ...keys, '-out', 'reply')
    return readFileSync(at('reply'))
  }
  const forge = (query: Uint8Array, signer: string): Buffer => {
    writeFileSync(at('genuine'), reply(query))
    run('ts', '-reply', '-config', 'openssl.cnf', '-in', 'genuine', '-token_out', '-out', 'token')
    run('cms', '-verify', '-noverify', '-binary', '-inform', 'DER', '-in', 'token', '-out', 'info')
    const content = ['-binary', '-nodetach', '-cades', '-econtent_type', 'id-smime-ct-TSTInfo', '-in', 'info']
    const keys = ['-signer', `${signer}.pem`, '-inkey', `${keyOf(signer)}.key`]
    run('cms', '-sign', ...content, ...keys, '-md', 'sha256', '-outform', 'DER', '-out', 'forged')
    return granted(readFileSync(at('forged')))
  }
  const verifies = (tsr: Uint8Array, note: Uint8Array): boolean => {
    writeFileSync(at('tsr'), tsr)
    writeFileSync(at('note'), note)
    const args = ['ts', '-verify', '-in', 'tsr', '-data', 'note', '-CAfile', 'root.pem']
    return spawnSync('openssl', args, { cwd: folder }).status === 0
  }
  return {
    folder,
    caPem: readFileSync(at('root.pem'), 'utf8'),
    caFile: at('root.pem'),
    otherCaPem: readFileSync(at('other.pem'), 'utf8'),
    reply,
    forge,
    verifies,
    dispose: () => rmSync(folder, { recursive: true, force: true }),
  }
}

const keyOf = (signer: string): string => (signer === 'chained' ? 'rsa' : 'ec')

function makeCertificates(folder: string): void {
  const run = (...args: readonly string[]) => openssl(folder, ...args)
  const request = (name: string, key: string) =>
    run('req', '-new', '-key', `${key}.key`, '-subj', `/CN=${name}`, '-out', `${key}.csr`)
  const issue = (
    out: string,
    issuer: string,
    key: string,
    extensions: string,
    [from, to]: readonly [string, string],
  ) => {
    const by = ['-config', 'openssl.cnf', '-cert', `${issuer}.pem`, '-keyfile', `${issuer}.key`]
    const dates = ['-startdate', from, '-enddate', to]
    run(
      'ca',
      '-batch',
      '-notext',
      ...by,
      '-in',
      `${key}.csr`,
      '-out',
      `${out}.pem`,
      '-extensions',
      extensions,
      ...dates,
    )
  }
  for (const key of ['root', 'other', 'intermediate', 'rsa']) run('genrsa', '-out', `${key}.key`, '2048')
  run('ecparam', '-name', 'prime256v1', '-genkey', '-noout', '-out', 'ec.key')
  for (const name of ['root', 'other']) {
    request(`Test ${name}`, name)
    const self = ['-selfsign', '-config', 'openssl.cnf', '-keyfile', `${name}.key`, '-in', `${name}.csr`]
    const dates = ['-startdate', LONG[0], '-enddate', LONG[1]]
    run('ca', '-batch', '-notext', ...self, '-out', `${name}.pem`, '-extensions', 'root', ...dates)
  }
  request('Test intermediate', 'intermediate')
  request('Test stamper', 'ec')
  request('Test chained stamper', 'rsa')
  issue('intermediate', 'root', 'intermediate', 'intermediate', LONG)
  issue('chained', 'intermediate', 'rsa', 'stamper', LONG)
  issue('ec', 'root', 'ec', 'stamper', LONG)
  issue('expired', 'root', 'ec', 'stamper', PAST)
  for (const name of ['uncritical', 'unmarked', 'two-uses']) issue(name, 'root', 'ec', name, LONG)
}

/** A TimeStampResp with status 0 around a token. */
function granted(token: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from('3003020100', 'hex'), token])
  const head = Buffer.alloc(4)
  head.writeUInt16BE(0x3082)
  head.writeUInt16BE(body.length, 2)
  return Buffer.concat([head, body])
}

/** Serves `answer` for each request, on a free port of this machine. */
export async function serveAuthority(answer: (query: Buffer) => Buffer): Promise<{ url: string; server: Server }> {
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    response.setHeader('content-type', 'application/timestamp-reply')
    response.end(answer(Buffer.concat(chunks)))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('The server has no port.')
  return { url: `http://127.0.0.1:${address.port}/`, server }
}

/** The checkpoint of the recorded answers. */
const NOTE = `bricktrail.example/log
42
CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=

— bricktrail.example/log Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=
`

/** Writes the answers that the unit tests read; all are to requests with one nonce. */
function record(target: string): void {
  const authority = makeAuthority()
  try {
    mkdirSync(target, { recursive: true })
    const nonce = Buffer.from('4142434445464748', 'hex')
    const query = timestampRequest(imprintOf(Buffer.from(NOTE)), nonce)
    const answers: Record<string, Buffer> = {
      good: authority.reply(query),
      chained: authority.reply(query, 'chained', 'old-style'),
      weak: authority.reply(query, 'ec', 'weak'),
      refused: authority.reply(query, 'ec', 'other-digests'),
      expired: authority.forge(query, 'expired'),
      uncritical: authority.forge(query, 'uncritical'),
      unmarked: authority.forge(query, 'unmarked'),
      'two-uses': authority.forge(query, 'two-uses'),
    }
    for (const [name, bytes] of Object.entries(answers)) writeFileSync(join(target, `${name}.tsr`), bytes)
    writeFileSync(join(target, 'checkpoint'), NOTE)
    writeFileSync(join(target, 'query.tsq'), query)
    writeFileSync(join(target, 'other-ca.pem'), authority.otherCaPem)
    copyFileSync(authority.caFile, join(target, 'ca.pem'))
    copyFileSync(join(authority.folder, 'intermediate.pem'), join(target, 'intermediate.pem'))
  } finally {
    authority.dispose()
  }
}

if (import.meta.main && process.argv[2] !== undefined) record(process.argv[2])
