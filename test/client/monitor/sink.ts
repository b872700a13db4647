/** A sink that keeps what it takes, for as long as the test runs. */
import type { Alert, AlertSink } from "../../../client/monitor/alert.ts";

export function collectingSink(): AlertSink & { readonly taken: Alert[] } {
  const taken: Alert[] = [];
  return {
    taken,
    deliver: async (alerts) => {
      for (const alert of alerts) if (alert.number > taken.length) taken.push(alert);
    },
  };
}
