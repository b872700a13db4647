/**
 * The write side for one submission, and the look-up of one entry.
 *
 * - I3  A receipt is written only after the sequencer says *published*, and the proof in it is
 *       under a checkpoint that is already served. What is not published has a promise (202).
 *
 * @module
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import { parseLeaf } from "../../schema/entry/leaf.ts";
import { LogError, unwrap } from "../../schema/error.ts";
import { JSON_TYPE, parseEntryName, RESPOND_ASYNC } from "../../schema/http/paths.ts";
import { formatLookupKey, type LookupKey } from "../../schema/index/lookup.ts";
import { leafHash } from "../../schema/tlog/hash.ts";
import { type Answers, asciiJson } from "./answer.ts";
import { appendOrPromise, type Settled, withBody } from "./append.ts";
import { Hints } from "./hints.ts";
import type { HttpPorts } from "./ports.ts";
import { prefersPromise } from "./promised.ts";
import { type Headers, sendJsonText } from "./respond.ts";

const BODY_TYPES = [JSON_TYPE];
const APPLIED: Headers = ["Preference-Applied", RESPOND_ASYNC];

export class WriteSide {
  readonly #ports: HttpPorts;
  readonly #answers: Answers;
  readonly #hints: Hints | undefined;

  constructor(ports: HttpPorts, answers: Answers) {
    this.#ports = ports;
    this.#answers = answers;
    this.#hints = ports.claims && new Hints(ports.claims.hints);
  }

  /** `POST /v1/entries` */
  async submit(req: IncomingMessage, res: ServerResponse): Promise<void> {
    await withBody(this.#ports, req, res, BODY_TYPES, async (body) => {
      let asked: Promise<readonly LookupKey[] | undefined> | undefined;
      const wantsPromise = prefersPromise(req);
      const settled = await appendOrPromise(this.#ports, body, wantsPromise, (entries) => {
        asked = this.#hints?.of(entries);
      });
      const hint = (await asked) ?? [];
      this.#answer(req, res, settled, hintText(hint));
    });
  }

  #answer(req: IncomingMessage, res: ServerResponse, settled: Settled, more: string): void {
    const head = this.#ports.log.published();
    const published: string[] = [];
    const promised: string[] = [];
    for (const [i, entry] of settled.logged.entries()) {
      const promise = settled.promises[i];
      if (promise === undefined) published.push(this.#answers.entry(entry, head));
      else promised.push(asciiJson(promise));
    }
    const entries = `{"entries":[${published.join(",")}]`;
    if (promised.length === 0) {
      sendJsonText(req, res, 201, `${entries}${more}}\n`);
      return;
    }
    const text = `${entries},"promises":[${promised.join(",")}]${more}}\n`;
    sendJsonText(req, res, 202, text, prefersPromise(req) ? APPLIED : []);
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

/** Left out where there is nothing to hint at. */
function hintText(hint: readonly LookupKey[]): string {
  return hint.length === 0 ? "" : `,"conflictHint":${asciiJson(hint.map(formatLookupKey))}`;
}
