/** Which logs a witness knows: keys given one by one, or the `log` lines of a policy file (C2SP tlog-policy). */
import { AppError } from '../../core/errors.ts'
import { KEY_TYPES, parseVkey, type Verifier } from '../note.ts'

/** What a policy says of other things; a witness passes it by. */
const OTHER_LINES: ReadonlySet<string> = new Set(['witness', 'group', 'quorum'])

/**
 * The keys of the logs of a policy file.
 *
 * @throws AppError BAD_ARGUMENT or BAD_KEY, naming the line
 */
export function logsOfPolicy(text: string): Verifier[] {
  const logs: Verifier[] = []
  for (const [at, line] of text.split('\n').entries()) {
    const [keyword = '', vkey, ...more] = line.replaceAll(/^[ \t]+|[ \t]+$/g, '').split(/[ \t]+/)
    if (keyword === '' || keyword.startsWith('#') || OTHER_LINES.has(keyword)) continue
    const where = `line ${at + 1}`
    if (keyword !== 'log' || vkey === undefined || more.length > 1) {
      throw new AppError('BAD_ARGUMENT', `This is no line of a policy: ${line.trim()}`, {
        where,
        hint: 'Write `log VKEY`, one log a line; # begins a comment.',
      })
    }
    logs.push(logKey(vkey))
  }
  return logs
}

/**
 * The public key of a log.
 *
 * @throws AppError BAD_KEY for a key that signs no checkpoints
 */
export function logKey(vkey: string): Verifier {
  const key = parseVkey(vkey)
  if (key.type === KEY_TYPES.ed25519) return key
  throw new AppError('BAD_KEY', `${key.name}+${key.id} is the key of a witness, not of a log.`, {
    where: vkey,
    hint: 'Take the public key of the log: seal/keys/log.vkey in its home.',
  })
}

/**
 * Refuses what two lines must not say: one key twice, also under two names.
 *
 * @throws AppError BAD_ARGUMENT
 */
export function distinctLogs(logs: readonly Verifier[]): readonly Verifier[] {
  if (logs.length === 0) {
    throw new AppError('BAD_ARGUMENT', 'A witness needs the public key of at least one log.', {
      hint: 'Pass --log VKEY or --policy FILE; the key is in seal/keys/log.vkey of the home.',
    })
  }
  const seen = new Set<string>()
  for (const { name, id, publicKey } of logs) {
    const key = Buffer.from(publicKey).toString('hex')
    if (seen.has(key)) throw new AppError('BAD_ARGUMENT', `The key ${name}+${id} is given twice.`)
    seen.add(key)
  }
  return logs
}
