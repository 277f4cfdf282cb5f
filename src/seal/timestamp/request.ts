/** The request for a timestamp (RFC 3161 §2.4.1): SHA-256 imprint, nonce, and the wish for the certificate. */
import { randomBytes } from 'node:crypto'

/** SEQUENCE { SEQUENCE { OID sha256, NULL }, OCTET STRING of 32 bytes that follow }. */
const IMPRINT_HEAD = Buffer.from('3031300d060960864801650304020105000420', 'hex')
const VERSION_1 = Buffer.from('020101', 'hex')
const CERT_REQ = Buffer.from('0101ff', 'hex')
const NONCE_BYTES = 8
const SHA256_BYTES = 32

/** A nonce whose DER integer has all its bytes: positive, and not zero at the front. */
export function freshNonce(): Buffer {
  const nonce = randomBytes(NONCE_BYTES)
  nonce[0] = ((nonce[0] ?? 0) & 0x7f) | 0x40
  return nonce
}

/**
 * The DER of a request.
 *
 * @param imprint SHA-256 of what is to be stamped
 * @param nonce of {@link freshNonce}; the answer must hold the same
 */
export function timestampRequest(imprint: Uint8Array, nonce: Uint8Array): Buffer {
  if (imprint.length !== SHA256_BYTES || nonce.length !== NONCE_BYTES) throw new RangeError('Not a SHA-256 or a nonce.')
  const body = Buffer.concat([VERSION_1, IMPRINT_HEAD, imprint, Buffer.from([0x02, NONCE_BYTES]), nonce, CERT_REQ])
  return Buffer.concat([Buffer.from([0x30, body.length]), body])
}
