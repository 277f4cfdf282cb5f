/** Facts about the repository that nothing else would notice breaking. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { Command } from 'commander'
import { describe, expect, it } from 'vitest'
import type { CliContext, RegisterCommand } from '../src/cli/contract.ts'
import { COMMANDS } from '../src/cli/registry.ts'
import { ERRORS } from '../src/core/errors.ts'
import {
  cyclesOf,
  filesUnder,
  importsOf,
  isForTests,
  ROOT,
  resolved,
  textOf,
  undocumentedExports,
} from './source-files.ts'

/** Left may not import right. */
const ROOMS = [
  'core',
  'engine',
  'lake',
  'seal',
  'collect',
  'normalise',
  'enrich',
  'ingest',
  'export',
  'simulate',
  'access',
  'detect',
  'ask',
  'deliver',
  'alert',
  'monitor',
  'comply',
  'service',
  'serve',
  'remote',
  'config',
  'app',
  'cli',
]

/** Folders of plug-ins, one file each, listed by the room's registry. */
const PLUG_INS = [
  'export/formats',
  'normalise/forms',
  'enrich/enrichers',
  'simulate/scenarios',
  'simulate/forms',
  'serve/routes',
  'deliver/sinks',
]

const LONGEST_FILE = 500

const sources = filesUnder('src', /\.tsx?$/)
const pageFiles = filesUnder('web', /\.tsx?$/)
const shipped = sources.filter((path) => !isForTests(path))
const imports = new Map(sources.map((path) => [path, importsOf(textOf(path))]))
const roomOf = (path: string): string => (path.split('/')[1] ?? '').replace(/\.ts$/, '')
const isRelative = (specifier: string): boolean => specifier.startsWith('.')

describe('the rooms', () => {
  it('are all known', () => {
    expect([...new Set(sources.map(roomOf))].filter((room) => !ROOMS.includes(room))).toEqual([])
  })

  it('import only rooms to their left', () => {
    const wrong = shipped.flatMap((path) =>
      (imports.get(path) ?? [])
        .filter(isRelative)
        .map((specifier) => resolved(path, specifier))
        .filter((target) => ROOMS.indexOf(roomOf(target)) > ROOMS.indexOf(roomOf(path)))
        .map((target) => `${path} imports ${target}`),
    )
    expect(wrong).toEqual([])
  })

  it('that ask a server know only what crosses: types of its shapes and its contract', () => {
    const wrong = shipped
      .filter((path) => roomOf(path) === 'remote')
      .flatMap((path) =>
        [...textOf(path).matchAll(/^(?:import|export)\s([^'"]*?)\sfrom '(\.[^']+)'/gm)]
          .map(([, names = '', to = '']) => ({ names, to: resolved(path, to) }))
          .filter(({ to }) => roomOf(to) === 'serve')
          .filter(({ names, to }) => !names.startsWith('type ') || !/^src\/serve\/(shapes\/|contract\.ts)/.test(to))
          .map(({ to }) => `${path} imports ${to}`),
      )
    expect(wrong).toEqual([])
  })

  it('import only files that exist, under src', () => {
    const wrong = shipped.flatMap((path) =>
      (imports.get(path) ?? [])
        .filter((specifier) => isRelative(specifier) && specifier.endsWith('.ts'))
        .filter((specifier) => !sources.includes(resolved(path, specifier)))
        .map((specifier) => `${path} imports ${specifier}`),
    )
    expect(wrong).toEqual([])
  })

  it('have no import cycle, types included', () => {
    const graph = new Map(
      shipped.map((path) => [path, (imports.get(path) ?? []).filter(isRelative).map((to) => resolved(path, to))]),
    )
    expect(cyclesOf(graph).map((cycle) => cycle.join(' → '))).toEqual([])
  })

  it('load nothing that is only for tests', () => {
    const wrong = shipped.flatMap((path) =>
      (imports.get(path) ?? []).filter((to) => isRelative(to) && isForTests(to)).map((to) => `${path} imports ${to}`),
    )
    expect(wrong).toEqual([])
  })

  it('notice imports of every kind, and cycles of any length', () => {
    const text = [
      "import a from './a.ts'",
      "import {\n  b,\n  type B,\n} from './b.ts'",
      "import type { C } from './c.ts'",
      "export { d } from './d.ts'",
      "import './e.ts'",
      "const f = await import('./f.ts')",
      "type G = typeof import('./g.ts')",
      "fork(fileURLToPath(new URL('./h.ts', import.meta.url)))",
      "/** import x from './comment.ts' */",
      "// import x from './comment.ts'",
    ].join('\n')
    expect(importsOf(text).sort()).toEqual(['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'].map((name) => `./${name}.ts`))
    const graph = new Map([
      ['a', ['b']],
      ['b', ['c', 'd']],
      ['c', ['a']],
      ['d', []],
    ])
    expect(cyclesOf(graph)).toEqual([['a', 'b', 'c', 'a']])
  })
})

describe('the page', () => {
  const found = pageFiles.map((path) => ({ path, text: textOf(path) }))

  it('takes from the program only types of what crosses: its shapes and its contract', () => {
    // A test may compare what the page knows with what the program does.
    const wrong = found
      .filter(({ path }) => !isForTests(path))
      .flatMap(({ path, text }) =>
        [...text.matchAll(/^(import|export)\s([^'"]*?)\sfrom '(\.[^']+)'/gm)]
          .map(([, , names = '', to = '']) => ({ names, to: resolved(path, to) }))
          .filter(({ to }) => to.startsWith('src/'))
          .filter(({ names, to }) => !names.startsWith('type ') || !/^src\/serve\/(shapes\/|contract\.ts)/.test(to))
          .map(({ to }) => `${path} imports ${to}`),
      )
    expect(wrong).toEqual([])
  })

  it('imports only files that exist', () => {
    const isThere = (path: string) => existsSync(join(ROOT, path))
    const wrong = found.flatMap(({ path, text }) =>
      importsOf(text)
        .filter((to) => isRelative(to) && !to.includes('*'))
        .map((to) => resolved(path, to))
        .filter((to) => !isThere(to))
        .map((to) => `${path} imports ${to}`),
    )
    expect(wrong).toEqual([])
  })
})

describe('the files', () => {
  const written = ['src', 'test', 'bench', 'bin', 'scripts', 'web'].flatMap((folder) =>
    filesUnder(folder, /\.(ts|tsx|mjs|css)$/),
  )

  it(`have at most ${LONGEST_FILE} lines`, () => {
    const long = written.map((path) => ({ path, lines: textOf(path).split('\n').length - 1 }))
    expect(long.filter(({ lines }) => lines > LONGEST_FILE)).toEqual([])
  })

  it('are not called after nothing', () => {
    expect(written.filter((path) => /(^|\/)(utils?|helpers?|common|manager|misc)\.\w+$/.test(path))).toEqual([])
  })

  it('say what each export is', () => {
    const silent = [...shipped, ...pageFiles.filter((path) => path.startsWith('web/src/'))].flatMap((path) =>
      undocumentedExports(textOf(path)).map((name) => `${path}: ${name}`),
    )
    expect(silent).toEqual([])
  })

  it('notice an export that says nothing', () => {
    const text =
      '/** Said. */\nexport const a = 1\n\nexport function b() {}\n/** Said. */\nexport async function c() {}\nexport type D = 1'
    expect(undocumentedExports(text)).toEqual(['b', 'D'])
  })

  it('leave no work for later and compute with no any', () => {
    const later = [...shipped, ...pageFiles].filter((path) =>
      /\b(TODO|FIXME|XXX)\b|: any\b|<any>|as any\b/.test(textOf(path)),
    )
    expect(later).toEqual([])
  })
})

describe('the registries', () => {
  it('list every command of the folder and no other', async () => {
    const files = filesUnder('src/cli/commands', /\.ts$/).filter((path) => !isForTests(path))
    const found: RegisterCommand[] = []
    for (const path of files) {
      const exported: Record<string, unknown> = await import(join(ROOT, path))
      const commands = Object.entries(exported).filter(([name]) => name.startsWith('register'))
      expect(commands, `${path} exports one command`).toHaveLength(1)
      found.push(commands[0]?.[1] as RegisterCommand)
    }
    const names = (list: readonly RegisterCommand[]) => list.map((register) => commandOf(register).name()).sort()
    expect(names(COMMANDS)).toEqual(names(found))
  })

  for (const folder of PLUG_INS) {
    it(`list every file of ${folder} and no other`, () => {
      const path = `src/${folder}`
      if (!existsSync(join(ROOT, path))) return
      const aside = /\/(registry|contract)\.ts$/
      const plugIns = filesUnder(path, /\.ts$/).filter(
        (file) => !isForTests(file) && !aside.test(file) && !file.slice(path.length + 1).includes('/'),
      )
      const registry = [`${path}/registry.ts`, `src/${folder.split('/')[0]}/registry.ts`].find((file) =>
        imports.has(file),
      )
      if (plugIns.length === 0) return
      expect(registry, `${path} has plug-ins, so its room has a registry`).toBeDefined()
      const listed = (imports.get(registry ?? '') ?? [])
        .filter(isRelative)
        .map((to) => resolved(registry ?? '', to))
        .filter((file) => file.startsWith(`${path}/`) && !aside.test(file))
      expect([...new Set(listed)].sort()).toEqual(plugIns)
    })
  }
})

describe('the packages', () => {
  const manifest = JSON.parse(textOf('package.json')) as Record<string, Record<string, string>>
  const atRuntime = { ...manifest.dependencies, ...manifest.optionalDependencies }
  const declared = { ...atRuntime, ...manifest.devDependencies }
  const packageOf = (specifier: string): string =>
    specifier
      .split('/')
      .slice(0, specifier.startsWith('@') ? 2 : 1)
      .join('/')
  const packagesIn = (text: string): string[] =>
    importsOf(text)
      .filter((specifier) => !isRelative(specifier) && !specifier.startsWith('node:'))
      .map(packageOf)

  it('that the program imports are its dependencies', () => {
    const missing = shipped.flatMap((path) =>
      packagesIn(textOf(path))
        .filter((name) => !(name in atRuntime))
        .map((name) => `${path} imports ${name}`),
    )
    expect(missing).toEqual([])
  })

  it('that tests and tools import are declared', () => {
    const files = [
      ...sources,
      ...pageFiles,
      ...['test', 'bench', 'scripts'].flatMap((folder) => filesUnder(folder, /\.ts$/)),
    ]
    const ofPeers = (path: string) => path.startsWith('test/peers/')
    const missing = files.flatMap((path) =>
      ofPeers(path)
        ? []
        : packagesIn(textOf(path))
            .filter((name) => !(name in declared))
            .map((name) => `${path}: ${name}`),
    )
    expect(missing).toEqual([])
  })

  it('that are declared are used', () => {
    const said: Readonly<Record<string, RegExp>> = {
      typescript: /\btsc\b/,
      '@biomejs/biome': /\bbiome\b/,
      '@types/node': /from 'node:/,
      node: /require.*'node\/package\.json'|"node src/,
    }
    const { dependencies, optionalDependencies, devDependencies, allowScripts, ...rest } = manifest
    const files = ['src', 'test', 'bench', 'bin', 'scripts', 'web'].flatMap((folder) =>
      filesUnder(folder, /\.(ts|tsx|mjs)$/),
    )
    const everything = [JSON.stringify(rest), textOf('vitest.config.ts'), ...files.map(textOf)].join('\n')
    const unused = Object.keys(declared).filter((name) => {
      const typesOf = /^@types\/(.+)$/.exec(name)?.[1]
      const sign = said[name] ?? new RegExp(`['"\`]${(typesOf ?? name).replaceAll(/[/.]/g, '\\$&')}['"\`/]`)
      return !sign.test(everything)
    })
    expect(unused).toEqual([])
  })
})

describe('the pages', () => {
  it('list the errors as the program has them', () => {
    const rows = [...textOf('docs/reference/errors.md').matchAll(/^\| `(\w+)` \| (\d) \| (yes|no) \| (.*) \|$/gm)]
    const listed = rows.map(([, code, exit, retryable, hint]) => ({
      code,
      exit: Number(exit),
      retryable: retryable === 'yes',
      hint,
    }))
    expect(listed).toEqual(Object.entries(ERRORS).map(([code, row]) => ({ code, ...row })))
  })

  const pages = ['README.md', ...(existsSync(join(ROOT, 'docs')) ? filesUnder('docs', /\.md$/) : [])]
  const commands = new Map(COMMANDS.map(commandOf).map((command) => [command.name(), command]))
  const globals = ['--home', '--server', '--token-file', '--ca-file', '--plain-http', '--json', '--help', '--version']

  it.each(pages)('%s shows commands and options that exist', (page) => {
    const wrong = shownCommands(textOf(page)).flatMap(({ line, name, below, options }) => {
      const command = commands.get(name)
      if (command === undefined) return [`there is no command ${name}: ${line}`]
      const known = [...globals, ...optionsOf(command, below).map((option) => option.long)]
      return options.filter((option) => !known.includes(option)).map((option) => `${name} has no ${option}: ${line}`)
    })
    expect(wrong).toEqual([])
  })

  it.each(pages)('%s names scripts that exist', (page) => {
    const scripts = (JSON.parse(textOf('package.json')) as { scripts: Record<string, string> }).scripts
    const named = [...textOf(page).matchAll(/npm (?:run ([\w:-]+)|(start|test)\b)/g)].map(
      (match) => match[1] ?? match[2] ?? '',
    )
    expect(named.filter((name) => !(name in scripts))).toEqual([])
  })

  it('notice a command and an option that do not exist', () => {
    const page =
      'Run `bricktrail ingest a --form x`:\n```sh\nnpx bricktrail --home d query "select --x" --nope | jq .\n$ npm run bricktrail -- events\n```\nbricktrail is a program'
    expect(shownCommands(page).map(({ name, options }) => [name, ...options])).toEqual([
      ['ingest', '--form'],
      ['query', '--home', '--nope'],
      ['events'],
    ])
  })
})

/** A command as its registration describes it; nothing runs. */
function commandOf(register: RegisterCommand): Command {
  const program = new Command()
  register(program, {} as CliContext)
  const [command] = program.commands
  if (command === undefined) throw new Error('A registration added no command.')
  return command
}

/** Options of a command and, where the words after it name commands below it, of those. */
const optionsOf = (command: Command, below: readonly string[]): Command['options'] => {
  const next = command.commands.find((each) => each.name() === below[0])
  return [...command.options, ...(next === undefined ? [] : optionsOf(next, below.slice(1)))]
}

/** Command lines in code blocks and code spans of a page: the command's name, the words after it, and the long options. */
function shownCommands(page: string): { line: string; name: string; below: string[]; options: string[] }[] {
  const blocks = [...page.matchAll(/```\w*\n([\s\S]*?)```/g)].flatMap((match) => (match[1] ?? '').split('\n'))
  const spans = [...page.replaceAll(/```[\s\S]*?```/g, '').matchAll(/`([^`\n]+)`/g)].map((match) => match[1] ?? '')
  return [...spans, ...blocks].flatMap((line) => {
    const plain = line.replaceAll(/"[^"]*"|'[^']*'/g, 'TEXT').replace(/\s[|>#;].*$/, '')
    const words = /^\s*\$?\s*(?:npx |npm run )?bricktrail\s+(?:-- )?(.*)$/.exec(plain)?.[1]?.split(/\s+/) ?? []
    const options = words.filter((word) => word.startsWith('--')).map((word) => word.replace(/[=\]].*$/, ''))
    const name = words.find((word, at) => /^[a-z][a-z-]*$/.test(word) && words[at - 1] !== '--home')
    if (name === undefined) return []
    const below = words.slice(words.indexOf(name) + 1)
    return [{ line: line.trim(), name, below, options: options.filter((option) => option.length > 2) }]
  })
}
