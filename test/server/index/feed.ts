/**
 * Statements for a log that runs, and what comes of them in its feed of conflicts.
 */
import { expect } from "vitest";
import type { Submission } from "../../../schema/http/messages.ts";
import type { RunningLog } from "../../../server/serve.ts";
import { ada } from "../../client/evidence/scene.ts";
import * as made from "../../vectors/signers.ts";
import * as say from "../../vectors/statements.ts";
import { type Answer, ask } from "../http/harness.ts";

type Served = RunningLog & { readonly port: number };

export const signed = (statement: say.StatementParts, by = ada): Submission =>
  made.dsseSubmission("application/vnd.in-toto+json", say.payload(statement), by);

export async function submit(log: Served, submission: Submission): Promise<Answer> {
  const headers = { "content-type": "application/json" };
  const body = JSON.stringify(submission);
  const answer = await ask(log, "/v1/entries", { method: "POST", headers, body });
  expect(answer.status).toBe(201);
  return answer;
}

export interface Item {
  readonly id: string;
  readonly kind: string;
  readonly cursor: number;
  readonly slot: { readonly type: string };
  readonly evidence: string;
}

export async function feed(log: Served, query = ""): Promise<{ items?: Item[] }> {
  return JSON.parse((await ask(log, `/v1/conflicts${query}`)).body.toString());
}

/** Until the feed has what one waits for. */
export async function until<T>(work: () => Promise<T | undefined>): Promise<T> {
  for (;;) {
    const found = await work();
    if (found !== undefined) return found;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

export const items = (log: Served, count: number): Promise<Item[]> =>
  until(async () => {
    // The index may still be opening.
    const { items: found = [] } = await feed(log);
    return found.length >= count ? found : undefined;
  });
