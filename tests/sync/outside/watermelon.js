// SPDX-License-Identifier: GPL-3.0-or-later
// Two WatermelonDB clients, and a colleague with a client of ours, edit the same tickets offline and sync until all have
// the same rows as the server. Arguments: the adapter's address, rounds, seed. Prints a report as JSON.
'use strict'

const { Database, Model, Q, appSchema, tableSchema } = require('@nozbe/watermelondb')
const LokiJSAdapter = require('@nozbe/watermelondb/adapters/lokijs').default
const { synchronize, hasUnsyncedChanges } = require('@nozbe/watermelondb/sync')
const { setGenerator } = require('@nozbe/watermelondb/utils/common/randomId')
const logger = require('@nozbe/watermelondb/utils/common/logger').default

const [url, rounds, seed] = [process.argv[2], Number(process.argv[3]), Number(process.argv[4])]
const SETTLE_MS = 90_000
const count = { syncs: 0, conflicts: 0, refused: 0, lost: 0, edits: 0, notes: 0, tickets: 0, deleted: 0, colleague: 0 }

// mulberry32: small and repeatable
let state = seed >>> 0
function random() {
  state = (state + 0x6d2b79f5) | 0
  let t = Math.imul(state ^ (state >>> 15), 1 | state)
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
  return ((t ^ (t >>> 14)) >>> 0) / 4294967296
}
const pick = (list) => list[Math.floor(random() * list.length)]
const hex = (length) => Array.from({ length }, () => pick('0123456789abcdef')).join('')

logger.silence()
setGenerator(() => hex(32)) // ids as the server has them

class Ticket extends Model {
  static table = 'tickets'
}
class Note extends Model {
  static table = 'notes'
}
const columns = (text, numbers) => [
  ...text.map((name) => ({ name, type: 'string' })),
  ...numbers.map((name) => ({ name, type: 'number', isOptional: true })),
]
const schema = appSchema({
  version: 1,
  tables: [
    tableSchema({ name: 'tickets', columns: columns(['subject'], ['priority', 'tier']) }),
    tableSchema({ name: 'notes', columns: columns(['ticket_id', 'body'], []) }),
  ],
})

async function ask(desk, what, words) {
  const body = JSON.stringify(words || {})
  const answer = await fetch(`${url}/${desk}/${what}`, { method: 'POST', body, headers: { connection: 'close' } })
  if (answer.status === 409) throw new Error('changed since the last pull')
  if (!answer.ok) throw new Error(`the adapter answers ${answer.status} to ${what}`)
  return answer.json()
}

class Client {
  constructor(desk) {
    this.desk = desk
    const adapter = new LokiJSAdapter({ schema, dbName: desk, useWebWorker: false, useIncrementalIndexedDB: false })
    this.database = new Database({ adapter, modelClasses: [Ticket, Note] })
  }

  all(table) {
    return this.database.get(table).query(Q.sortBy('id', Q.asc)).fetch()
  }

  async rows() {
    const told = {}
    for (const [table, names] of [['tickets', ['subject', 'priority', 'tier']], ['notes', ['ticket_id', 'body']]]) {
      told[table] = {}
      for (const { _raw: raw } of await this.all(table)) {
        told[table][raw.id] = Object.fromEntries(['id', ...names].map((name) => [name, raw[name]]))
      }
    }
    return told
  }

  // one sync, begun anew when a row has changed in between, as WatermelonDB's documentation asks for
  async sync(lose) {
    for (let attempt = 0; ; attempt++) {
      const log = {}
      try {
        await synchronize({
          database: this.database,
          sendCreatedAsUpdated: true,
          log,
          pullChanges: ({ lastPulledAt }) => ask(this.desk, 'pull', { since: lastPulledAt }),
          pushChanges: async ({ changes, lastPulledAt }) => {
            if (attempt === 0 && random() < 0.2) await this.disturb(changes.tickets.updated[0])
            await ask(this.desk, 'push', { changes, since: lastPulledAt, lose: lose && attempt === 0 })
          },
        })
        count.syncs++
        return
      } catch (error) {
        const refused = /changed since/.test(error.message)
        const cut = /fetch failed/.test(error.message)
        if (!refused && !cut) throw error
        count[refused ? 'refused' : 'lost']++
        if (attempt > 20) throw error
      } finally {
        count.conflicts += (log.resolvedConflicts || []).length
      }
    }
  }

  // a row that is about to be pushed changes at the last moment
  async disturb(row) {
    if (row) await ask(this.desk, 'edit', { row: { id: row.id, subject: `last moment ${hex(8)}` }, names: ['subject'] })
  }

  async edit() {
    const what = random()
    const tickets = await this.all('tickets')
    const ticket = pick(tickets.slice(0, 12))
    await this.database.write(async () => {
      if (what < 0.6) {
        await ticket.update(() => this.set(ticket))
        count.edits++
      } else if (what < 0.85) {
        await this.database.get('notes').create((note) => {
          note._setRaw('ticket_id', ticket.id)
          note._setRaw('body', `note ${hex(8)}`)
        })
        count.notes++
      } else if (what < 0.95) {
        await this.database.get('tickets').create((fresh) => {
          fresh._setRaw('subject', `new ${hex(8)}`)
          fresh._setRaw('priority', 1 + Math.floor(random() * 4))
          fresh._setRaw('tier', 1 + Math.floor(random() * 3))
        })
        count.tickets++
      } else {
        await ticket.markAsDeleted()
        count.deleted++
      }
    })
  }

  set(ticket) {
    if (random() < 0.6) ticket._setRaw('subject', `${this.desk} ${hex(8)}`)
    if (random() < 0.6) ticket._setRaw('priority', 1 + Math.floor(random() * 4))
    if (random() < 0.3) ticket._setRaw('tier', 1 + Math.floor(random() * 3))
  }
}

async function colleague(clients) {
  const ticket = pick((await clients[0].all('tickets')).slice(0, 12))
  const there = await ask('c', 'server')
  if (!there.tickets[ticket.id]) return
  const row = { id: ticket.id, subject: `c ${hex(8)}`, priority: 1 + Math.floor(random() * 4) }
  await ask('c', 'edit', { row, names: pick([['subject'], ['priority'], ['subject', 'priority']]) })
  count.colleague++
}

// Where two sides differ, at most so many; empty when they are the same.
function differing(left, right) {
  const found = []
  for (const table of ['tickets', 'notes']) {
    for (const id of new Set([...Object.keys(left[table]), ...Object.keys(right[table])])) {
      const [a, b] = [JSON.stringify(left[table][id]), JSON.stringify(right[table][id])]
      if (a !== b && found.length < 10) found.push(`${table} ${id}: ${a} / ${b}`)
    }
  }
  return found
}

async function settle(clients) {
  const end = Date.now() + SETTLE_MS
  for (;;) {
    for (const client of clients) await client.sync(false)
    const server = await ask('c', 'server')
    let found = []
    for (const client of clients) {
      found.push(...differing(await client.rows(), server))
      if (await hasUnsyncedChanges({ database: client.database })) found.push(`${client.desk} has unsent changes`)
    }
    for (const desk of ['a', 'b', 'c']) if (await ask(desk, 'waiting')) found.push(`${desk} waits for the server`)
    if (!found.length || Date.now() > end) return { found, server }
    await new Promise((wake) => setTimeout(wake, 200))
  }
}

async function main() {
  const clients = [new Client('a'), new Client('b')]
  for (const client of clients) await client.sync(false)
  for (let round = 0; round < rounds; round++) {
    for (const client of clients) {
      await ask(client.desk, 'line', { silent: random() < 0.3 })
      const edits = 1 + Math.floor(random() * 5)
      for (let n = 0; n < edits; n++) await client.edit()
    }
    if (random() < 0.7) await colleague(clients)
    for (const client of clients) if (random() < 0.7) await client.sync(random() < 0.25)
  }
  for (const client of clients) await ask(client.desk, 'line', { silent: false })
  const { found, server } = await settle(clients)
  const rows = { tickets: Object.keys(server.tickets).length, notes: Object.keys(server.notes).length }
  const report = JSON.stringify({ differing: found, rows, ...count })
  process.stdout.write(report, () => process.exit(0)) // its timers would keep the process
}

main().catch((error) => {
  console.error(error)
  process.exit(1)
})
