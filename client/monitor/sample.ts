/**
 * A configuration to begin with: it parses as it is, and says what else can be in it.
 *
 * @module
 */

/** What `monitor init` knows of a log. */
interface SampleLog {
  readonly origin: string;
  readonly url?: string;
}

/** Values as TOML: JSON's texts are its basic strings. */
export function sampleConfig(trust: string, logs: readonly SampleLog[]): string {
  return [...HEAD(trust), ...logs.flatMap(logLines), ...CHANNELS].join("\n");
}

const HEAD = (trust: string): readonly string[] => [
  "# What `countersign monitor` watches. Paths start at the folder of this file.",
  "monitor = 1",
  "",
  "# Logs, witnesses and people: the same file that everything else is verified with.",
  `trust = ${JSON.stringify(trust)}`,
  "# Folder of what it remembers, its evidence files and its alerts. One monitor has one.",
  'state = "monitor"',
  "# Seconds between rounds, where it runs without --once.",
  "interval_seconds = 300",
  "# Seconds between beats. One leaves only after a round in which everything could be checked.",
  "heartbeat_seconds = 3600",
  "",
];

function logLines({ origin, url }: SampleLog): readonly string[] {
  return [
    "[[log]]",
    `origin = ${JSON.stringify(origin)}`,
    ...(url === undefined
      ? ['# url = "https://log.example.org/"   # where it is; default: as in the trust file']
      : [`url = ${JSON.stringify(url)}`]),
    "",
    "# Told: every new entry about these. A key is an OpenSSH public key line, a public key in PEM",
    "# or base64 (SPKI), a signer id, or a file with one of them.",
    "keys = []",
    'repositories = []   # ["https://example.org/tool.git"]',
    'packages = []       # ["pkg:npm/tool"]',
    "builders = []       # as the statements name them",
    'artifacts = []      # files, or "sha256:…"',
    "commits = []        # object ids",
    "# Slots in which somebody says one thing, or contradicts himself:",
    '# claims = [["ref-by", "release.pub", "https://example.org/tool.git", "refs/tags/v1.0"]]',
    "",
    "# Your own keys: an entry by one of them that is not among the receipts or digests below was",
    "# signed by somebody else.",
    '# own = ["release.pub"]',
    "# Folder of your receipts. They must stay in the log, and stand under all their names.",
    '# receipts = "receipts"',
    '# Digests of contents that you signed, "sha256:…", one in a line.',
    '# statements = "signed.txt"',
    "",
    "# fresh_seconds = 86400      # how old the newest head may be by its witnesses",
    "index_lag_seconds = 600      # how long the index may lack what the log has",
    "witness_seconds = 86400      # how long a witness or an index verifier may be silent",
    "ask_witnesses = true         # also ask witnesses which head they have seen",
    "",
  ];
}

const CHANNELS: readonly string[] = [
  "# Where alerts go besides alerts.jsonl in the state folder. `countersign monitor test --config",
  "# FILE` sends one through each. `least` leaves out what is less: info, warning, critical.",
  "",
  "# [[channel]]",
  '# type = "json-lines"',
  '# path = "/var/log/countersign-alerts.jsonl"   # "-" is standard output',
  "",
  "# [[channel]]                    # a POST for each alert, signed (standard-webhooks)",
  '# type = "webhook"',
  '# url = "https://alerts.example.org/countersign"',
  '# secret_file = "webhook.secret" # openssl rand -base64 32',
  '# least = "warning"',
  "",
  "# [[channel]]                    # npm install nodemailer",
  '# type = "smtp"',
  '# host = "mail.example.org"',
  '# tls = "starttls"               # or "implicit"; "none" to this machine alone',
  '# user = "monitor"',
  '# password_file = "mail.password"',
  '# from = "monitor@example.org"',
  '# to = ["ada@example.org"]',
  '# least = "warning"',
  "",
  "# [[channel]]                    # the newest 100, for feed readers",
  '# type = "atom"',
  '# path = "alerts.atom"',
  "",
  "# [[channel]]                    # with --once a file for node_exporter, else also",
  '# type = "prometheus"            # listen = "127.0.0.1:9469"',
  '# textfile = "/var/lib/prometheus/node-exporter/countersign.prom"',
  "",
  "# [[channel]]                    # a dead man's switch: silence is an alarm",
  '# type = "heartbeat"',
  '# url = "https://switch.example.org/ping"',
  '# method = "GET"',
  "",
];
