import { expect, it } from 'vitest'
import { AppError, ERRORS, type ErrorCode } from '../core/errors.ts'
import { hintOverHttp, stageOverHttp } from './hints.ts'
import { problemOf } from './problems.ts'

const FLAG = /--[a-z]/

it.each(Object.keys(ERRORS) as ErrorCode[])(
  'a hint of %s names nothing of a command line that who asks may not have',
  (code) => {
    const own = problemOf(new AppError(code, 'It failed.'), 'r').hint
    const given = problemOf(new AppError(code, 'It failed.', { hint: 'Give --from the earlier of the two.' }), 'r').hint
    for (const hint of [own, given, hintOverHttp('Name it with `--home DIR`.')]) {
      expect(hint).not.toMatch(FLAG)
      expect(hint.length).toBeGreaterThan(10)
    }
  },
)

it('says what the API has in place of a flag', () => {
  expect(problemOf(new AppError('SQL_TIMEOUT', 'Too long.'), 'r').hint).toContain('`timeoutSeconds`')
})

it('calls an empty parameter by its name', () => {
  expect(problemOf(new AppError('BAD_ARGUMENT', '--reason is empty.'), 'r').detail).toBe('reason is empty.')
})

it('leaves hints alone that name no flag', () => {
  for (const hint of ['Write name:value.', 'Look at `bricktrail doctor`.', 'A range is 2026-11-12--2026-11-13.'])
    expect(hintOverHttp(hint, 'BAD_ARGUMENT')).toBe(hint)
})

it('holds for what failed in the loop', () => {
  const failed = { time: '2026-11-12T00:00:00Z', message: 'm', hint: ERRORS.BAD_HOME.hint }
  const told = stageOverHttp({ name: 'a', state: 'failing', failuresInRow: 1, runs: 1, lastFailure: failed })
  expect(told.lastFailure).toMatchObject({ message: 'm' })
  expect(told.lastFailure?.hint).not.toMatch(FLAG)
})
