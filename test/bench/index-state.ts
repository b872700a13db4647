/** How far the index of a running log is, by `/readyz`. */
import { setTimeout as sleep } from "node:timers/promises";
import { CLAIMS_PATH } from "../../schema/http/lookup-request.ts";
import type { Ours } from "./ours.ts";
import { Steps } from "./steps.ts";

const PATIENCE_MS = 1_800_000;
/** As long as a reading of `/readyz` is kept. */
const FRESH_MS = 1_000;

/** Waits until the index has everything that is published. */
export async function indexCaughtUp(ours: Ours): Promise<void> {
  const begun = performance.now();
  // A reading may be some time old.
  await sleep(FRESH_MS);
  const steps = new Steps("entries indexed", Number.POSITIVE_INFINITY);
  while (performance.now() - begun < PATIENCE_MS) {
    const detail = await indexDetail(ours);
    const [, size, behind] =
      /^(?:waiting: .*; )?(\d+) entries in \d+ leaves, (\d+) behind/.exec(detail) ?? [];
    if (behind === "0") return;
    if (size === undefined && detail !== "opening") throw new Error(`the index: ${detail}`);
    if (size !== undefined) steps.at(Number(size));
    await sleep(20);
  }
  throw new Error("the index does not catch up");
}

/** Waits until look-ups are answered: from then on the tables have every leaf of the index log. */
export async function indexOpen(ours: Ours, patience: number): Promise<void> {
  const url = `http://127.0.0.1:${ours.server.port}${CLAIMS_PATH}?type=opaque`;
  const begun = performance.now();
  while (performance.now() - begun < patience) {
    const answer = await fetch(url);
    await answer.arrayBuffer();
    if (answer.status === 200) return;
    if (answer.status !== 503) throw new Error(`the index answers ${answer.status}`);
    await sleep(20);
  }
  throw new Error("the index does not open");
}

async function indexDetail(ours: Ours): Promise<string> {
  const answer = await fetch(`http://127.0.0.1:${ours.server.port}/readyz`);
  const { checks }: { readonly checks: readonly { name: string; detail: string }[] } = JSON.parse(
    await answer.text(),
  );
  return checks.find(({ name }) => name === "index")?.detail ?? "there is no index";
}
