import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { AppError, type ErrorCode } from '../core/errors.ts'
import { expected, problemResponse, RequestProblem, STATUS } from './problems.ts'

it('have the status that the page of errors says', () => {
  const page = readFileSync(new URL('../../docs/reference/errors.md', import.meta.url), 'utf8')
  const listed = [...page.matchAll(/^\| (\d{3}) \| (.*) \|$/gm)].flatMap(([, status, codes = '']) =>
    [...codes.matchAll(/`(\w+)`/g)].map(([, code]) => [code, Number(status)]),
  )
  expect(Object.fromEntries(listed)).toEqual(STATUS)
})

it('say what happened, what to do, and where it is recorded', async () => {
  const error = new RequestProblem('TOO_MANY', 'Too many requests.', { retryAfterSeconds: 0.2 })
  const answer = problemResponse(error, 'r-1')
  expect([answer.status, answer.headers.get('retry-after')]).toEqual([429, '1'])
  expect(answer.headers.get('content-type')).toBe('application/problem+json; charset=utf-8')
  expect(await answer.json()).toMatchObject({
    type: 'urn:bricktrail:error:TOO_MANY',
    title: 'Too many',
    status: 429,
    detail: 'Too many requests.',
    code: 'TOO_MANY',
    requestId: 'r-1',
  })
})

it('say when to ask again wherever that may help, and nowhere else', () => {
  const after = (code: ErrorCode) => problemResponse(new AppError(code, 'x'), 'r-1').headers.get('retry-after')
  for (const [code, status] of Object.entries(STATUS) as [ErrorCode, number][])
    expect(after(code) !== null, code).toBe(status === 429 || status === 503)
  for (let n = 0; n < 20; n++) expect(after('BUSY')).toMatch(/^[12]$/)
  expect(after('NOT_RECORDED')).toBe('30')
})

it('hold nothing that a terminal acts on', async () => {
  const answer = problemResponse(new AppError('NOT_FOUND', 'There is no \u001b[2J\u202e.'), 'r-1')
  expect(((await answer.json()) as { detail: string }).detail).toBe('There is no \\x1b[2J\\u202e.')
})

it('tell nothing of what nobody expected, and tell the log all of it', () => {
  const met: unknown[] = []
  const log = (cause: unknown) => met.push(cause)
  const bug = new TypeError('undefined is not /etc/secret')
  expect(expected(bug, log)).toMatchObject({ code: 'ENGINE', message: 'The server met something it did not expect.' })
  const full = Object.assign(new Error('ENOSPC: /home/ana'), { code: 'ENOSPC' })
  expect(expected(full, log)).toMatchObject({ code: 'DISK_FULL', message: 'The disk of the home is full.' })
  expect(met).toEqual([bug, full])
  expect(expected(new DOMException('late', 'TimeoutError'), log).code).toBe('SQL_TIMEOUT')
  expect(met).toHaveLength(2)
})
