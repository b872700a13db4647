/** Every verifier over every sample, as it was made and tampered with in each way. */
import type { Sample, Tampered, Verifier } from "./sample.ts";
import { passes, type Row, refuses, skipped } from "./table.ts";

export interface Judged {
  readonly sample: Sample;
  readonly tampered: readonly Tampered[];
}

/** One row for what it accepts, and one for each kind of tampering, over all samples it takes. */
export async function judge(verifier: Verifier, samples: readonly Judged[]): Promise<Row[]> {
  const { operation } = verifier;
  const rows: Row[] = [];
  const mine = samples.filter(({ sample }) => {
    if (!verifier.takes(sample)) return false;
    const limit = verifier.limit?.(sample);
    if (limit !== undefined)
      rows.push({ ...skipped(verifier, operation, limit), bundle: sample.name });
    return limit === undefined;
  });
  if (mine.length === 0) return [skipped(verifier, operation, "there is no bundle for it")];
  for (const { sample } of mine) {
    const { accepted, words } = await verifier.verify(sample);
    const row = passes(verifier, operation, accepted, accepted ? "" : words);
    rows.push({ ...row, bundle: sample.name });
  }
  const kinds = new Map<string, Tampered[]>();
  for (const { tampered } of mine)
    for (const one of tampered) kinds.set(one.what, [...(kinds.get(one.what) ?? []), one]);
  for (const [what, cases] of kinds) rows.push(await judgeKind(verifier, what, cases));
  return rows;
}

async function judgeKind(
  verifier: Verifier,
  what: string,
  cases: readonly Tampered[],
): Promise<Row> {
  const accepted: Tampered[] = [];
  for (const one of cases) if ((await verifier.verify(one.sample)).accepted) accepted.push(one);
  const { operation, family } = verifier;
  const unexpected = accepted.filter(({ gaps }) => !gaps.includes(family));
  const row = refuses(verifier, operation, what, unexpected.length === 0);
  const names = (list: readonly Tampered[]): string =>
    list.map(({ sample }) => sample.name).join(", ");
  if (unexpected.length > 0) return { ...row, detail: `it accepts ${names(unexpected)}` };
  if (accepted.length === 0) return { ...row, detail: `${cases.length} of ${cases.length}` };
  return {
    ...row,
    result: "accepts (its own gap)",
    detail: `${accepted.length} of ${cases.length}`,
  };
}
