/** What a fresh machine needs to be true of the manifest, the lockfile and the way in. */
import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { filesUnder, isForTests, ROOT, textOf } from './source-files.ts'

interface Locked {
  readonly version?: string
  readonly resolved?: string
  readonly hasInstallScript?: boolean
  readonly optional?: boolean
  readonly dependencies?: Readonly<Record<string, string>>
  readonly optionalDependencies?: Readonly<Record<string, string>>
}

const manifest = JSON.parse(textOf('package.json')) as {
  readonly bin: Readonly<Record<string, string>>
  readonly files: readonly string[]
  readonly optionalDependencies: Readonly<Record<string, string>>
}
const locked = (JSON.parse(textOf('package-lock.json')) as { packages: Record<string, Locked> }).packages

describe('the lockfile', () => {
  it('names the packages of every platform, since npm refuses to install from one that lacks some', () => {
    const missing = Object.entries(locked).flatMap(([path, { optionalDependencies = {} }]) =>
      Object.keys(optionalDependencies)
        .filter((name) => !(`node_modules/${name}` in locked) && !(`${path}/node_modules/${name}` in locked))
        .map((name) => `${path || 'bricktrail'} wants ${name}`),
    )
    expect(missing).toEqual([])
  })

  it('says of no package where to download it, so that any registry serves', () => {
    expect(Object.keys(locked).filter((path) => locked[path]?.resolved !== undefined)).toEqual([])
  })

  it('holds no package that needs an install script', () => {
    const scripted = Object.keys(locked).filter((path) => locked[path]?.hasInstallScript && !locked[path]?.optional)
    expect(scripted).toEqual([])
  })
})

describe('the pinned Node', () => {
  it('is one version on every platform', () => {
    const nodes = Object.entries(manifest.optionalDependencies).filter(([name]) => /^node-/.test(name))
    expect(nodes.length).toBeGreaterThan(0)
    expect(new Set(nodes.map(([, version]) => version)).size).toBe(1)
    expect(nodes.map(([name]) => name).filter((name) => !textOf('bin/pinned-node.mjs').includes(`'${name}'`))).toEqual(
      [],
    )
  })

  it('is asked for in words where it is missing and the host has an old one', () => {
    const folder = mkdtempSync(join(tmpdir(), 'bricktrail-old-node-'))
    try {
      const old = textOf('bin/pinned-node.mjs').replace('const LEAST_MAJOR = 24', 'const LEAST_MAJOR = 999')
      expect(old).toContain('999')
      mkdirSync(join(folder, 'bin'))
      cpSync(join(ROOT, 'bin', 'bricktrail.mjs'), join(folder, 'bin', 'bricktrail.mjs'))
      writeFileSync(join(folder, 'bin', 'pinned-node.mjs'), old)
      const done = spawnSync(process.execPath, [join(folder, 'bin', 'bricktrail.mjs'), '--help'], { encoding: 'utf8' })
      expect(done.status).toBe(3)
      expect(done.stderr).toMatch(/^error: Bricktrail needs Node 999 or newer, and this is v\d+\.\d+\.\d+\.\nhint: /)
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  })
})

describe('the command', () => {
  it('runs from wherever it is linked, and passes on how it ended', () => {
    const folder = mkdtempSync(join(tmpdir(), 'bricktrail-linked-'))
    try {
      const link = join(folder, 'bricktrail')
      symlinkSync(join(ROOT, manifest.bin.bricktrail ?? ''), link)
      const run = (...args: string[]) => spawnSync(process.execPath, [link, ...args], { encoding: 'utf8', cwd: folder })
      expect(run('--help').stdout).toContain('Usage: bricktrail')
      expect(run('query', 'select 1').status).toBe(2)
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  })
})

describe('the package', () => {
  it('holds files that exist, but for those that the build makes', () => {
    expect(manifest.files.filter((path) => path !== 'dist' && !existsSync(join(ROOT, path.replace(/^!/, ''))))).toEqual(
      [],
    )
  })

  it('has every file that the program reads from outside its sources', () => {
    const outside = filesUnder('src', /\.ts$/)
      .filter((path) => !isForTests(path))
      .flatMap((path) => [...textOf(path).matchAll(/new URL\('(?:\.\.\/)+((?:fixtures|docs)\/[^']+)'/g)])
      .map((match) => match[1] ?? '')
    expect(outside.filter((path) => !manifest.files.some((shipped) => path.startsWith(`${shipped}/`)))).toEqual([])
  })
})

describe('the architecture page', () => {
  it('lists the rooms there are', () => {
    const listed = [...textOf('ARCHITECTURE.md').matchAll(/^\| `([\w.]+?)\/?` \|/gm)].map((match) => match[1])
    const rooms = new Set(filesUnder('src', /\.ts$/).map((path) => path.split('/')[1]))
    expect(listed.sort()).toEqual([...rooms].sort())
  })
})
