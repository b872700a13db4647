/**
 * The newest alerts as an Atom feed in a file, for a web server or a reader on the same machine.
 *
 * Its `updated` moves with every beat: a feed that stands still is a monitor that does.
 *
 * @module
 */

import { utf8 } from "../../../schema/bytes.ts";
import { type AtomEntry, formatAtom } from "../../../schema/http/atom.ts";
import { writeWholeFile } from "../../whole-file.ts";
import { type Alert, formatAlert } from "../alert.ts";
import { type Outbox, recent } from "../outbox.ts";
import type { View } from "./channel.ts";

export interface AtomOptions {
  readonly name: string;
  readonly path: string;
  /** Where the feed is served; the feed's id. */
  readonly url?: string;
  readonly takes: (alert: Alert) => boolean;
}

export function atomChannel({ name, path, url, takes }: AtomOptions): View {
  return {
    sort: "view",
    name,
    show: async (outbox) => {
      await writeWholeFile("feed", path, utf8(feedOf(outbox, takes, url)), 0o644);
    },
  };
}

/** At most as many entries as the outbox keeps. */
function feedOf(outbox: Outbox, takes: AtomOptions["takes"], url: string | undefined): string {
  const alerts = recent(outbox).filter(takes);
  return formatAtom({
    id: url ?? "urn:countersign:monitor:alerts",
    title: "Countersign monitor",
    updated: Math.max(outbox.lastBeat, ...alerts.map(({ firstSeen }) => firstSeen)),
    author: "countersign monitor",
    ...(url === undefined ? {} : { self: url }),
    entries: alerts.map(entryOf),
  });
}

function entryOf(alert: Alert): AtomEntry {
  const { id, kind, severity, origin, subject, message, firstSeen } = alert;
  const where = origin === undefined ? "" : ` ${origin}`;
  return {
    id: `urn:sha256:${id}`,
    title: `${severity}: ${kind}${where}: ${subject}`,
    updated: firstSeen,
    content: `${subject} ${message} ${formatAlert(alert)}`,
  };
}
