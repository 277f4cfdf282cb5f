/** The file that `bricktrail init` writes: everything there is to say, said in comments. */

/** Where the schema is, for editors with the YAML language server. */
export const SCHEMA_FILE = 'docs/reference/bricktrail.schema.json'

/**
 * The text of a first `bricktrail.yaml`. It is valid as it stands.
 *
 * @param schema path or address of the JSON Schema
 * @param folder a folder of logs, if there is one to begin with
 */
export const commentedConfig = (schema: string, folder?: string): string => `# yaml-language-server: $schema=${schema}
#
# Settings of the Bricktrail service. Every key is optional; what is commented out shows what could be said, mostly with
# the value that holds anyway. \`bricktrail config check\` tells what is wrong, with line and column. No secret belongs in
# this file; write env:NAME or file:/absolute/path in its place.

# Where logs come from: files, folders or patterns, relative to this file. What is new in them is taken in by itself.
${folder === undefined ? EXAMPLE_SOURCES : sourcesOf(folder)}
# Where it answers. Beyond this machine it needs a certificate, or a proxy that has one, and somebody who can sign in.
# serve:
#   listen: 127.0.0.1:7420
#   public_url: https://audit.example.com
#   names: [audit.internal]      # more names it answers to
#   tls:
#     cert: /etc/bricktrail/server.pem
#     key: /etc/bricktrail/server.key
#   behind_proxy: [10.0.0.7]     # whose X-Forwarded-For and X-Forwarded-Proto are believed
#   sessions:
#     longest: 12h
#     idle: 1h
#   limits:
#     requests_per_minute: 1200
#     request_time: 60s

# Who may sign in, besides tokens (\`bricktrail token create\`) and one-time links (\`bricktrail token link\`).
# access:
#   oidc:
#     issuer: https://login.example.com
#     client_id: bricktrail
#     client_secret: env:BRICKTRAIL_OIDC_SECRET
#     groups_claim: groups
#     groups:
#       security: admin
#       audit: auditor
#     people:
#       ana@example.com: analyst
#     domains: [example.com]
#   roles:                       # what differs from the usual roles
#     viewer:
#       masks: [email, ip, query]
#       workspaces: ["1234567890"]
#     analyst:
#       deny: [sql:run]

# When the parts of the service run: a length of time, or a cron pattern in UTC.
# schedules:
#   own_log: 15s                 # what Bricktrail itself was asked becomes events
#   alert: 1m                    # reminders and escalations; new findings are noticed at once
#   silence: 10m                 # rules about what did not happen
#   compact: 15m                 # a look at whether small files are to be merged; or "30 3 * * *"

# False leaves delivery to \`bricktrail deliver drain\`. Destinations stand in deliver.yaml.
# deliver: true

# With less room on the disk than this, nothing is ingested until there is more.
# disk_floor: 512MiB

# Files that were merged are kept this long, for readers of older versions.
# grace: 7d
`

const EXAMPLE_SOURCES = `# sources:
#   - name: production
#     path: /var/log/databricks
#     every: 30s                 # how often it is listed; changes on local disks are noticed sooner
#   - name: azure
#     paths: ["/mnt/audit/y=*/**/*.json"]
#     form: azure                # told from the content where absent
`

const sourcesOf = (folder: string): string => `sources:
  - name: logs
    path: ${JSON.stringify(folder)}
    # every: 30s                 # how often it is listed; changes on local disks are noticed sooner
    # form: auto                 # delivery, azure, system-table or uam
`
