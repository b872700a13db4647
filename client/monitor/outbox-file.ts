/**
 * The outbox in a file, replaced whole. It belongs to whoever opened it last: opening counts up its
 * term, and whoever has an older one writes no more.
 *
 * Spec: docs/formats.md §Outbox.
 *
 * @module
 */
import { mkdir } from "node:fs/promises";
import { dirname } from "node:path";
import { equal, utf8 } from "../../schema/bytes.ts";
import { LogError, type Result } from "../../schema/error.ts";
import { type Fields, readFields, required } from "../../schema/fields.ts";
import { parseJson } from "../../schema/json.ts";
import { withLock } from "../lock-file.ts";
import { readWholeFile, writeWholeFile } from "../whole-file.ts";
import { ALERT_KINDS, readAlert, SEVERITIES } from "./alert.ts";
import { type Count, EMPTY_OUTBOX, type Outbox, type Standing } from "./outbox.ts";

const MEDIA_TYPE = "application/vnd.countersign.outbox+json;version=1";
const WHAT = "monitor's outbox";

interface Written {
  readonly term: number;
  readonly outbox: Outbox;
}

/** One write after the other: whoever uses it waits for each. */
export class OutboxFile {
  readonly #path: string;
  readonly #term: number;
  /** As the file was left. */
  #bytes: Uint8Array;

  private constructor(path: string, term: number, bytes: Uint8Array) {
    this.#path = path;
    this.#term = term;
    this.#bytes = bytes;
  }

  /** Throws `FILE_UNREADABLE` where it cannot be read, understood or written. */
  static async open(path: string): Promise<{ file: OutboxFile; outbox: Outbox }> {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    return withLock(`${path}.lock`, async () => {
      const before = await read(path);
      const term = before.term + 1;
      const bytes = format({ ...before, term });
      await writeWholeFile(WHAT, path, bytes);
      return { file: new OutboxFile(path, term, bytes), outbox: before.outbox };
    });
  }

  /** Durable when it resolves. */
  async write(outbox: Outbox): Promise<void> {
    await withLock(`${this.#path}.lock`, async () => {
      const found = await readWholeFile(WHAT, this.#path);
      if (found === undefined || !equal(found, this.#bytes))
        throw new LogError("FILE_UNREADABLE", "Another monitor has taken over this outbox.", {
          field: this.#path,
          hint: "One monitor has one state folder.",
        });
      const bytes = format({ term: this.#term, outbox });
      await writeWholeFile(WHAT, this.#path, bytes);
      this.#bytes = bytes;
    });
  }
}

/** As it is in the file, for who only looks. Throws as {@link OutboxFile.open}. */
export async function readOutbox(path: string): Promise<Outbox> {
  return (await read(path)).outbox;
}

async function read(path: string): Promise<Written> {
  const bytes = await readWholeFile(WHAT, path);
  if (bytes === undefined) return { term: 0, outbox: EMPTY_OUTBOX };
  const json = parseJson(bytes);
  const written: Result<Written> = json.ok ? readFields(json.value, "", readWritten) : json;
  if (written.ok) return written.value;
  throw new LogError("FILE_UNREADABLE", `The ${WHAT} ${path} is damaged: ${written.message}`, {
    ...written.detail,
    hint: "Restore it from a backup. If you must, move it away: what no channel had is then not sent.",
  });
}

function readWritten(root: Fields): Written {
  root.only("mediaType", "term", "taken", "alerts", "channels", "counts", "rounds");
  root.oneOf("mediaType", [MEDIA_TYPE]);
  const taken = root.object("taken");
  const alerts = root.array("alerts").map((one, i) => required(readAlert(one, `alerts[${i}]`)));
  const channels = root
    .objects("channels")
    .map((one) => [one.string("name"), readStanding(one)] as const);
  const rounds = root.object("rounds");
  return {
    term: root.integer("term"),
    outbox: {
      taken: { number: taken.integer("number"), id: taken.string("id") },
      alerts: new Map(alerts.map((alert) => [alert.id, alert])),
      channels: new Map(channels),
      counts: root.objects("counts").map(readCount),
      lastRound: rounds.integer("last"),
      lastComplete: rounds.integer("complete"),
      lastBeat: rounds.integer("beat"),
    },
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
  count.only("kind", "severity", "origin", "count");
  return {
    kind: count.oneOf("kind", ALERT_KINDS),
    severity: count.oneOf("severity", SEVERITIES),
    origin: count.string("origin"),
    count: count.integer("count"),
  };
}

function format({ term, outbox }: Written): Uint8Array {
  const file = {
    mediaType: MEDIA_TYPE,
    term,
    taken: outbox.taken,
    alerts: [...outbox.alerts.values()],
    channels: Array.from(outbox.channels, ([name, standing]) => ({ name, ...standing })),
    counts: outbox.counts,
    rounds: { last: outbox.lastRound, complete: outbox.lastComplete, beat: outbox.lastBeat },
  };
  return utf8(`${JSON.stringify(file)}\n`);
}
