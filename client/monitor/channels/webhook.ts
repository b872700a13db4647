/**
 * Alerts to a URL, one signed POST each.
 *
 *     webhook-id: <the alert's id>
 *     webhook-timestamp: <seconds since 1970, when it was sent>
 *     webhook-signature: v1,<base64 of HMAC-SHA256(secret, id.timestamp.body)> …
 *
 *     {"type":"countersign.alert","timestamp":"2026-01-31T12:00:00Z","data":{…the alert…}}
 *
 * The id is the same in every repetition, so that a receiver takes each alert once. There is a
 * signature for each secret of the file, so that a secret can be changed without a gap.
 *
 * Spec: standard-webhooks 1.0.0; docs/monitor.md has the receiver's side.
 *
 * @module
 */
import { createHmac } from "node:crypto";
import { fromBase64, fromUtf8, utf8 } from "../../../schema/bytes.ts";
import { LogError } from "../../../schema/error.ts";
import { timeText } from "../../time-text.ts";
import { type Alert, formatAlert } from "../alert.ts";
import type { Queue } from "./channel.ts";
import { call } from "./post.ts";

const MAX_SECRETS = 4;
const SECRET_BYTES = { least: 24, most: 64 } as const;

export interface WebhookPorts {
  readonly fetch: typeof globalThis.fetch;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

export interface WebhookOptions {
  readonly name: string;
  readonly takes: Queue["takes"];
  readonly url: string;
  readonly secrets: readonly Uint8Array[];
  readonly timeoutSeconds: number;
}

export function webhookChannel(ports: WebhookPorts, options: WebhookOptions): Queue {
  const { name, takes, url, secrets, timeoutSeconds } = options;
  return {
    sort: "queue",
    name,
    takes,
    most: 1,
    send: async (alerts) => {
      for (const alert of alerts) {
        const body = bodyOf(alert);
        const sentAt = Math.floor(ports.now() / 1000);
        await call(ports.fetch, {
          url,
          method: "POST",
          body,
          timeoutSeconds,
          headers: {
            "content-type": "application/json",
            "webhook-id": alert.id,
            "webhook-timestamp": String(sentAt),
            "webhook-signature": secrets
              .map((secret) => signature(secret, alert.id, sentAt, body))
              .join(" "),
          },
        });
      }
    },
  };
}

function bodyOf(alert: Alert): Uint8Array<ArrayBuffer> {
  const timestamp = JSON.stringify(timeText(alert.firstSeen));
  return utf8(`{"type":"countersign.alert","timestamp":${timestamp},"data":${formatAlert(alert)}}`);
}

function signature(secret: Uint8Array, id: string, sentAt: number, body: Uint8Array): string {
  const hmac = createHmac("sha256", secret).update(`${id}.${sentAt}.`).update(body);
  return `v1,${hmac.digest("base64")}`;
}

/**
 * The secrets of a file: one a line, base64, with or without `whsec_` before it. Throws
 * `CONFIG_INVALID`; what is in the file is in no message.
 */
export function readSecrets(bytes: Uint8Array, path: string): readonly Uint8Array[] {
  const lines = (fromUtf8(bytes) ?? "").split("\n").map((line) => line.trim());
  const secrets = lines
    .filter((line) => line !== "")
    .map((line) => fromBase64(line.replace(/^whsec_/, "")));
  const { least, most } = SECRET_BYTES;
  const good = secrets.flatMap((secret) =>
    secret === undefined || secret.length < least || secret.length > most ? [] : [secret],
  );
  if (good.length === secrets.length && good.length >= 1 && good.length <= MAX_SECRETS) return good;
  throw new LogError("CONFIG_INVALID", `${path} is not a file of webhook secrets`, {
    field: path,
    expected: `1 to ${MAX_SECRETS} lines, each the base64 of ${least} to ${most} bytes`,
    hint: `openssl rand -base64 32 > ${path}`,
  });
}
