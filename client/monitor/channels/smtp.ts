/**
 * Alerts by mail, several in one.
 *
 * Nothing of a stranger is in a header: the subject counts and names kinds and logs, and what the
 * alerts say stands in the body. A mail that is sent again because its confirmation was lost has
 * the same Message-ID, if it has the same alerts.
 *
 * The connection is encrypted and the server's certificate checked, or there is none: what a server
 * offers is not believed, because who can read the line can change the offer. Only this machine is
 * spoken to without.
 *
 * Spec: RFC 5321, RFC 5322, RFC 3207, RFC 3834 (Auto-Submitted).
 *
 * @module
 */
import { createHash } from "node:crypto";
import { timeText } from "../../time-text.ts";
import type { Alert } from "../alert.ts";
import { ChannelError, type Queue } from "./channel.ts";
import { type SmtpConfig, takesFrom } from "./config.ts";
import { mailPackage } from "./nodemailer.ts";

/** Alerts of one mail. */
const MOST = 50;
/** Bytes of one answer of the server. */
const MAX_ANSWER_BYTES = 65_536;

/** What stands in the files that the configuration names. */
export interface SmtpSecrets {
  readonly ca?: string;
  readonly password?: string;
}

/** Throws `USAGE` where the library is not installed. */
export async function smtpChannel(
  config: SmtpConfig,
  { ca, password }: SmtpSecrets,
): Promise<Queue> {
  const { host, port, tls, from, to, login, timeoutSeconds } = config;
  const { createTransport } = await mailPackage();
  const timeout = timeoutSeconds * 1000;
  const transport = createTransport({
    host,
    port,
    secure: tls === "implicit",
    requireTLS: tls === "starttls",
    ignoreTLS: tls === "none",
    tls: { minVersion: "TLSv1.2", rejectUnauthorized: true, ...(ca === undefined ? {} : { ca }) },
    ...(login === undefined ? {} : { auth: { user: login.user, pass: password ?? "" } }),
    connectionTimeout: timeout,
    greetingTimeout: timeout,
    socketTimeout: timeout,
    dnsTimeout: timeout,
    maxResponseSize: MAX_ANSWER_BYTES,
    disableFileAccess: true,
    disableUrlAccess: true,
  });
  return {
    sort: "queue",
    name: config.name,
    takes: takesFrom(config.least),
    most: MOST,
    send: async (alerts) => {
      const message = {
        from: { name: "Countersign monitor", address: from },
        to: to.map((address) => ({ name: "", address })),
        subject: subjectOf(alerts),
        messageId: messageIdOf(alerts, from),
        headers: { "Auto-Submitted": "auto-generated" },
        text: textOf(alerts),
        // Of the whole exchange: the library's own time-outs begin anew with every byte.
        signal: AbortSignal.timeout(timeout),
      };
      const { rejected } = await transport.sendMail(message).catch((cause: unknown) => {
        throw sendingFailed(`${host}:${port}`, cause);
      });
      if (rejected.length > 0)
        throw new ChannelError(`${host}:${port} takes no mail for ${rejected.join(", ")}`);
    },
  };
}

/** Numbers, kinds and configured names; ASCII. */
function subjectOf(alerts: readonly Alert[]): string {
  const worst = (["critical", "warning", "info"] as const).find((severity) =>
    alerts.some((alert) => alert.severity === severity),
  );
  const kinds = new Set(alerts.map(({ kind }) => kind));
  const shown = [...kinds].slice(0, 3).join(", ") + (kinds.size > 3 ? ", ..." : "");
  const test = kinds.has("test") ? "TEST, " : "";
  const count = alerts.length === 1 ? "1 alert" : `${alerts.length} alerts`;
  return `[countersign] ${test}${worst ?? "info"}: ${count} (${shown})`;
}

function messageIdOf(alerts: readonly Alert[], from: string): string {
  const ids = createHash("sha256");
  for (const { id } of alerts) ids.update(id);
  return `<${ids.digest("hex")}@${from.slice(from.lastIndexOf("@") + 1)}>`;
}

function textOf(alerts: readonly Alert[]): string {
  return `${alerts.map(paragraphOf).join("\n\n")}\n`;
}

function paragraphOf(alert: Alert): string {
  const { severity, kind, origin, subject, message, seen, evidence, firstSeen, id } = alert;
  const lines = [
    `${severity}: ${kind}${origin === undefined ? "" : ` in ${origin}`}`,
    `  ${subject}: ${message}`,
    ...Object.entries(seen).map(([name, value]) => `  ${name}: ${value}`),
    ...(evidence === undefined ? [] : [`  evidence: ${evidence}`]),
    `  first seen: ${timeText(firstSeen)}`,
    `  id: ${id}`,
  ];
  return lines.join("\n");
}

/** 5xx to the data alone is about this mail; other refusals are about the sender or its turn. */
function sendingFailed(server: string, cause: unknown): ChannelError {
  const has = (name: "responseCode" | "command"): unknown =>
    typeof cause === "object" && cause !== null ? Reflect.get(cause, name) : undefined;
  const status = has("responseCode");
  const refused = typeof status === "number" && status >= 500 && has("command") === "DATA";
  const why = cause instanceof Error ? cause.message : String(cause);
  return new ChannelError(`${server}: ${why}`, { refused, cause });
}
