/**
 * The write side for one submission, and the look-up of one entry.
 *
 * - I3  The answer to a submission is written only after the sequencer says *published*, and
 *       the proof in it is under a checkpoint that is already served.
 *
 * @module
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import { parseLeaf } from "../../schema/entry/leaf.ts";
import { LogError, unwrap } from "../../schema/error.ts";
import { JSON_TYPE, parseEntryName } from "../../schema/http/paths.ts";
import { MAX_BODY_BYTES } from "../../schema/limits.ts";
import { leafHash } from "../../schema/tlog/hash.ts";
import type { AdmittedEntry } from "../admission/admit.ts";
import type { Appended } from "../sequencer/ports.ts";
import type { AnsweredEntry, Answers } from "./answer.ts";
import { checkBodyHead, readBody } from "./body.ts";
import type { HttpPorts } from "./ports.ts";
import { sendJsonText } from "./respond.ts";

const BODY_TYPES = [JSON_TYPE];

export class WriteSide {
  readonly #ports: HttpPorts;
  readonly #answers: Answers;

  constructor(ports: HttpPorts, answers: Answers) {
    this.#ports = ports;
    this.#answers = answers;
  }

  /** `POST /v1/entries` */
  async submit(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const { admit, budget, log, metrics } = this.#ports;
    await checkSender(this.#ports, req);
    checkBodyHead(req, res, MAX_BODY_BYTES, BODY_TYPES);
    const limits = { maxBytes: MAX_BODY_BYTES, timeoutMs: this.#ports.bodyTimeoutMs };
    const body = await readBody(req, limits, budget);
    try {
      const started = performance.now();
      const entries = await admit(body);
      metrics.admitted((performance.now() - started) / 1000);
      const appended = await log.append(entries);
      const head = log.published();
      let list = "";
      for (const entry of joinAppended(entries, appended)) {
        metrics.entry(entry.duplicate);
        list += `${list === "" ? "" : ","}${this.#answers.entry(entry, head)}`;
      }
      sendJsonText(req, res, 201, `{"entries":[${list}]}\n`);
    } finally {
      budget.give(body.length);
    }
  }

  /** `GET /v1/entries/{index or leaf hash}`; I4: nothing beyond the published size. */
  lookUp(req: IncomingMessage, res: ServerResponse, untrustedName: string): void {
    const { log, reader, sha256 } = this.#ports;
    const head = log.published();
    const name = unwrap(parseEntryName(untrustedName));
    const index = name.by === "index" ? name.index : reader.findLeaf(name.leafHash);
    if (index === undefined || index >= head.size)
      throw new LogError("NOT_FOUND", "The published log has no such entry.", {
        field: "entry",
        limit: head.size,
        expected: `an index below ${head.size}, or the leaf hash of such an entry`,
      });
    const leaf = reader.leaves(index, index + 1)[0];
    const parsed = leaf === undefined ? undefined : parseLeaf(leaf);
    if (leaf === undefined || parsed === undefined || !parsed.ok)
      throw new LogError("STORE_CORRUPT", `Entry ${index} is not readable in the store.`, {
        field: `entries[${index}]`,
        hint: "the operator should run fsck",
      });
    const entry = { index, leaf, leafHash: leafHash(sha256, leaf), kind: parsed.value.kind };
    sendJsonText(req, res, 200, `{"entry":${this.#answers.entry(entry, head)}}\n`);
  }
}

/** Who sends, and how often; before anything of the body is read. */
export async function checkSender(ports: HttpPorts, req: IncomingMessage): Promise<void> {
  ports.authority.checkRequest(req.headers.authorization);
  if (ports.limits.countsAddresses) await ports.limits.request(ports.clientAddress(req));
}

/** What was admitted beside where it went: arrays of one length, checked. */
export function joinAppended(
  entries: readonly AdmittedEntry[],
  appended: readonly Appended[],
): (AnsweredEntry & Appended)[] {
  return entries.map((entry, i) => {
    const where = appended[i];
    if (where === undefined || appended.length !== entries.length)
      throw new LogError("INTERNAL", "The sequencer answered for another number of entries.");
    return {
      index: where.index,
      duplicate: where.duplicate,
      leaf: entry.leaf,
      leafHash: entry.leafHash,
      kind: entry.kind,
    };
  });
}
