/**
 * How the outbox stands in its file.
 *
 * Spec: docs/formats.md §Outbox.
 *
 * @module
 */
import { type Fields, required } from "../../schema/fields.ts";
import { ALERT_KINDS, readAlert, SEVERITIES } from "./alert.ts";
import { type Count, EMPTY_OUTBOX, type Outbox, type Standing } from "./outbox.ts";
import type { Form } from "./owned-file.ts";

export const OUTBOX: Form<Outbox> = {
  what: "monitor's outbox",
  mediaType: "application/vnd.countersign.outbox+json;version=1",
  lost: "what no channel had is then not sent",
  fields: ["taken", "alerts", "channels", "counts", "rounds"],
  empty: EMPTY_OUTBOX,
  read: readOutbox,
  write: ({ taken, alerts, channels, counts, lastRound, lastComplete, lastBeat }) => ({
    taken,
    alerts: [...alerts.values()],
    channels: Array.from(channels, ([name, standing]) => ({ name, ...standing })),
    counts,
    rounds: { last: lastRound, complete: lastComplete, beat: lastBeat },
  }),
};

function readOutbox(root: Fields): Outbox {
  const taken = root.object("taken");
  const alerts = root.array("alerts").map((one, i) => required(readAlert(one, `alerts[${i}]`)));
  const channels = root
    .objects("channels")
    .map((one) => [one.string("name"), readStanding(one)] as const);
  const rounds = root.object("rounds");
  return {
    taken: { number: taken.integer("number"), id: taken.string("id") },
    alerts: new Map(alerts.map((alert) => [alert.id, alert])),
    channels: new Map(channels),
    counts: root.objects("counts").map(readCount),
    lastRound: rounds.integer("last"),
    lastComplete: rounds.integer("complete"),
    lastBeat: rounds.integer("beat"),
  };
}

function readStanding(channel: Fields): Standing {
  channel.only("name", "pending", "failures", "notBefore", "failing");
  const failing = channel.optional("failing", (name) => {
    const since = channel.object(name);
    return { since: since.integer("since"), reason: since.string("reason") };
  });
  return {
    pending: channel.strings("pending"),
    failures: channel.integer("failures"),
    notBefore: channel.integer("notBefore"),
    ...(failing === undefined ? {} : { failing }),
  };
}

function readCount(count: Fields): Count {
  count.only("kind", "severity", "origin", "count", "last");
  return {
    kind: count.oneOf("kind", ALERT_KINDS),
    severity: count.oneOf("severity", SEVERITIES),
    origin: count.string("origin"),
    count: count.integer("count"),
    last: count.integer("last"),
  };
}
