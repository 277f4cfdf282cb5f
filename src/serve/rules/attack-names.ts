/** What ATT&CK (Enterprise, version 19) calls the techniques of the rules, and the tactics each serves. */

/** A technique. */
export interface TechniqueName {
  readonly name: string
  readonly tactics: readonly string[]
}

/** Tactic; then a technique a line. One that serves several stands below each. */
const MATRIX: Readonly<Record<string, string>> = {
  reconnaissance: 'T1595 Active Scanning',
  'initial-access': `
T1078 Valid Accounts
T1078.004 Cloud Accounts
T1195.001 Compromise Software Dependencies and Development Tools
T1195.002 Compromise Software Supply Chain
T1199 Trusted Relationship`,
  execution: `
T1059.004 Unix Shell
T1059.006 Python
T1059.009 Cloud API
T1204.003 Malicious Image
T1610 Deploy Container
T1648 Serverless Execution
T1651 Cloud Administration Command`,
  persistence: `
T1037 Boot or Logon Initialization Scripts
T1078 Valid Accounts
T1078.004 Cloud Accounts
T1098 Account Manipulation
T1098.001 Additional Cloud Credentials
T1098.003 Additional Cloud Roles
T1098.005 Device Registration
T1136.003 Cloud Account
T1505 Server Software Component
T1525 Implant Internal Image
T1543 Create or Modify System Process
T1547.006 Kernel Modules and Extensions
T1554 Compromise Host Software Binary
T1556 Modify Authentication Process
T1556.006 Multi-Factor Authentication
T1556.007 Hybrid Identity
T1671 Cloud Application Integration`,
  'privilege-escalation': `
T1037 Boot or Logon Initialization Scripts
T1068 Exploitation for Privilege Escalation
T1078.004 Cloud Accounts
T1098 Account Manipulation
T1098.001 Additional Cloud Credentials
T1098.003 Additional Cloud Roles
T1484 Domain or Tenant Policy Modification
T1484.002 Trust Modification
T1543 Create or Modify System Process
T1547.006 Kernel Modules and Extensions
T1548 Abuse Elevation Control Mechanism
T1548.005 Temporary Elevated Cloud Access
T1611 Escape to Host`,
  stealth: `
T1014 Rootkit
T1036.010 Masquerade Account Name
T1070 Indicator Removal
T1070.004 File Deletion
T1078.004 Cloud Accounts
T1550.001 Application Access Token`,
  'defense-impairment': `
T1222 File and Directory Permissions Modification
T1484 Domain or Tenant Policy Modification
T1484.002 Trust Modification
T1548 Abuse Elevation Control Mechanism
T1553.004 Install Root Certificate
T1556 Modify Authentication Process
T1556.006 Multi-Factor Authentication
T1556.007 Hybrid Identity
T1578.002 Create Cloud Instance
T1578.003 Delete Cloud Instance
T1578.005 Modify Cloud Compute Configurations
T1685 Disable or Modify Tools
T1685.002 Disable or Modify Cloud Logs
T1686.001 Cloud Firewall
T1690 Prevent Command History Logging`,
  'credential-access': `
T1110 Brute Force
T1110.001 Password Guessing
T1110.003 Password Spraying
T1110.004 Credential Stuffing
T1528 Steal Application Access Token
T1539 Steal Web Session Cookie
T1552 Unsecured Credentials
T1552.001 Credentials In Files
T1552.005 Cloud Instance Metadata API
T1555.006 Cloud Secrets Management Stores
T1556 Modify Authentication Process
T1556.006 Multi-Factor Authentication
T1556.007 Hybrid Identity
T1621 Multi-Factor Authentication Request Generation
T1649 Steal or Forge Authentication Certificates`,
  discovery: `
T1069.003 Cloud Groups
T1087.004 Cloud Account
T1526 Cloud Service Discovery
T1538 Cloud Service Dashboard
T1580 Cloud Infrastructure Discovery
T1619 Cloud Storage Object Discovery
T1654 Log Enumeration`,
  'lateral-movement': `
T1021.004 SSH
T1021.007 Cloud Services
T1550.001 Application Access Token
T1550.004 Web Session Cookie`,
  collection: `
T1074.002 Remote Data Staging
T1119 Automated Collection
T1213 Data from Information Repositories
T1213.003 Code Repositories
T1213.006 Databases
T1530 Data from Cloud Storage`,
  'command-and-control': `
T1071.001 Web Protocols
T1090 Proxy
T1090.003 Multi-hop Proxy
T1105 Ingress Tool Transfer`,
  exfiltration: `
T1020 Automated Exfiltration
T1048 Exfiltration Over Alternative Protocol
T1537 Transfer Data to Cloud Account
T1567 Exfiltration Over Web Service
T1567.001 Exfiltration to Code Repository
T1567.002 Exfiltration to Cloud Storage
T1567.003 Exfiltration to Text Storage Sites
T1567.004 Exfiltration Over Webhook`,
  impact: `
T1485 Data Destruction
T1486 Data Encrypted for Impact
T1489 Service Stop
T1490 Inhibit System Recovery
T1496.001 Compute Hijacking
T1531 Account Access Removal
T1565.001 Stored Data Manipulation`,
}

const NAMES: ReadonlyMap<string, TechniqueName> = read()

/** The technique of an id; undefined for one that no shipped rule looks for. */
export const techniqueNamed = (id: string): TechniqueName | undefined => NAMES.get(id)

/** A tactic as people write it. */
export const tacticTitle = (id: string): string =>
  id
    .split('-')
    .map((word) => (word === 'and' ? word : `${word.slice(0, 1).toUpperCase()}${word.slice(1)}`))
    .join(' ')

function read(): Map<string, TechniqueName> {
  const names = new Map<string, TechniqueName>()
  for (const [tactic, text] of Object.entries(MATRIX)) {
    for (const line of text.trim().split('\n')) {
      const [id = '', ...words] = line.split(' ')
      names.set(id, { name: words.join(' '), tactics: [...(names.get(id)?.tactics ?? []), tactic] })
    }
  }
  return names
}
