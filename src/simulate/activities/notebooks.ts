/** Notebooks: open, attach, run cells, leave. */
import type { Table } from '../account/data.ts'
import type { Notebook } from '../account/objects.ts'
import type { Random } from '../random.ts'
import type { Work } from './contract.ts'
import { readTable } from './queries.ts'

/** A cell of a notebook. */
export function cell(table: Table, random: Random): readonly [language: string, text: string] {
  switch (random.next() % 5) {
    case 0:
      return ['python', `df = spark.table("${table.full}")\ndisplay(df.limit(100))`]
    case 1:
      return [
        'python',
        `from pyspark.sql import functions as F\nagg = df.groupBy("region").agg(F.sum("net_amount"))\nagg.show()`,
      ]
    case 2:
      return ['sql', `SELECT region, SUM(net_amount) AS total FROM ${table.full} GROUP BY region`]
    case 3:
      return ['python', `pdf = df.sample(0.01, seed=${random.int(1, 99)}).toPandas()\npdf.describe()`]
    default:
      return [
        'python',
        `df.filter("updated_at > current_date() - 7").write.mode("overwrite").saveAsTable("sandbox.shared.pivot_tmp")`,
      ]
  }
}

const explore: Work = {
  id: 'notebook-explore',
  roles: { engineer: 5, scientist: 7, analyst: 2, contractor: 4, admin: 1 },
  play(thread, { notebooks, clusterId, tables }) {
    const { random } = thread
    const notebook = random.pick(notebooks) as Notebook
    const notebookId = notebook.id
    thread.log('notebook', 'openNotebook', { notebookId, path: notebook.path })
    thread.wait(2, 20).log('notebook', 'attachNotebook', { path: notebook.path, clusterId, notebookId })
    for (let i = random.int(3, 14); i > 0; i--) {
      const table = random.pickEarly(tables)
      const [commandLanguage, commandText] = cell(table, random)
      if (random.chance(0.4)) readTable(thread, table)
      const status = random.chance(0.06) ? 'failed' : random.chance(0.02) ? 'cancelled' : 'finished'
      const executionTime = (random.float() * random.int(1, 60)).toFixed(3)
      thread.log('notebook', 'runCommand', {
        notebookId,
        executionTime,
        status,
        commandId: `${random.digits(15)}_${random.digits(16)}_${random.hex(16)}`,
        commandText,
        commandLanguage,
      })
      thread.wait(8, 180)
    }
    if (random.chance(0.5)) thread.log('notebook', 'modifyNotebook', { notebookId, path: notebook.path })
    if (random.chance(0.3)) thread.log('notebook', 'detachNotebook', { notebookId, clusterId, path: notebook.path })
  },
}

/** Works of this file. */
export const NOTEBOOK_WORKS: readonly Work[] = [explore]
