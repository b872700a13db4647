/**
 * What the metrics of a running log read, each time that somebody asks for them.
 *
 * @module
 */
import type { App } from "./http/app.ts";
import type { ByteBudget } from "./http/body.ts";
import { currentIndex, type OpenIndex } from "./index/indexes.ts";
import type { IndexReadings, Metrics } from "./observe/metrics.ts";
import type { RunningParts } from "./serve-http.ts";

/** A reading without its part (witnesses, an index, its verifiers) is left out. */
export function attachReadings(
  metrics: Metrics,
  {
    sequencer,
    witnesses,
    indexes,
    app,
    budget,
  }: Pick<RunningParts, "sequencer" | "witnesses" | "indexes"> & {
    readonly app: App;
    readonly budget: ByteBudget;
  },
): void {
  const index = currentIndex(indexes);
  const verifiers = index?.verifiers;
  metrics.attach({
    treeSize: () => sequencer.published().size,
    ready: () => app.readiness.last,
    pendingEntries: () => sequencer.load().entries,
    inflightBytes: () => budget.held,
    inflightRequests: app.inflight,
    ...(witnesses === undefined ? {} : { witnessedAge: () => witnesses.age ?? -1 }),
    ...(verifiers === undefined ? {} : { verifiedAge: () => verifiers.age ?? -1 }),
    ...(index === undefined ? {} : { index: () => readingsOf(index) }),
  });
}

/** Nothing while the index is not running. */
function readingsOf({ handle: { state } }: OpenIndex): IndexReadings {
  if (state.state === "running") return state.index.service.status();
  return { size: 0, leaves: 0, keys: 0, mapBytes: 0, lagEntries: 0, lagMs: 0 };
}
