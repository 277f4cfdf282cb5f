/** Certificates for servers of tests, of an authority of their own. Needs `openssl`. */
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

/** A certificate for 127.0.0.1 and localhost that is its own authority, and its key, PEM. */
export interface Certificate {
  readonly cert: string
  readonly key: string
  /** File of the certificate. */
  readonly file: string
}

/** Makes one in a folder. */
export function certificate(folder: string, name = 'server'): Certificate {
  const [file, keyFile] = [join(folder, `${name}.pem`), join(folder, `${name}.key`)]
  const about = ['-subj', `/CN=${name}`, '-addext', 'subjectAltName=IP:127.0.0.1,DNS:localhost', '-days', '2']
  const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
  execFileSync('openssl', ['req', '-x509', ...kind, '-keyout', keyFile, '-out', file, ...about], { stdio: 'pipe' })
  return { cert: readFileSync(file, 'utf8'), key: readFileSync(keyFile, 'utf8'), file }
}
