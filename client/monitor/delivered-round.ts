/**
 * A round with its channels: what it found is sent, and a channel that does not take it is itself
 * told of, through the others.
 *
 * - M5  No round is quiet while a channel fails: that is a condition like any other, it is told when
 *       it begins and when it ends, and until then the status is that of something unchecked.
 *
 * @module
 */
import { LogError } from "../../schema/error.ts";
import { makeFinding, type Told } from "./alert.ts";
import type { Delivery, Failing } from "./delivery.ts";
import type { Condition } from "./findings.ts";
import { isComplete, type MonitorPorts, type Round, runRound } from "./monitor.ts";

/** Stands where a log has its origin: it is about the monitor itself. */
const MONITOR = "";
const AREA = "channels";
/** Seconds of one round for trying again: at once, and after 2, 4 and 8. */
const PATIENCE_SECONDS = 15;

export interface DeliveredPorts extends Omit<MonitorPorts, "sink"> {
  readonly delivery: Delivery;
}

/** Throws where state or outbox cannot be read or written. */
export async function runDelivered(ports: DeliveredPorts): Promise<Round> {
  const { delivery, state, now } = ports;
  const round = await runRound({ ...ports, sink: delivery });
  await delivery.settle(PATIENCE_SECONDS);
  await delivery.ended(round.undelivered === undefined && isComplete(round.open));
  const conditions = delivery.failing().map((failing) => conditionOf(ports, failing));
  const checked = new Set([AREA]);
  await state.advance(
    MONITOR,
    undefined,
    { findings: [], conditions, checked, settled: [] },
    now(),
  );
  const alerts = [...round.alerts];
  let undelivered: string | undefined;
  try {
    await delivery.deliver(state.pending);
    alerts.push(...state.pending);
    await state.delivered();
  } catch (error) {
    if (!(error instanceof LogError)) throw error;
    undelivered = error.message;
  }
  await delivery.flush();
  const isFailing = undelivered !== undefined || delivery.failing().length > 0;
  const least = isFailing ? 2 : alerts.length > 0 ? 1 : 0;
  const { status } = round;
  return {
    status: status > least ? status : least,
    alerts,
    open: [...round.open, ...state.open.filter(({ origin }) => origin === MONITOR)],
    ...(undelivered === undefined ? {} : { undelivered }),
  };
}

function conditionOf({ sha256 }: DeliveredPorts, { name, reason, waiting }: Failing): Condition {
  const told: Told = {
    kind: "channel-failing",
    subject: name,
    message: `${reason}; ${waiting} alerts wait`,
    about: [],
    seen: { waiting },
  };
  return { area: AREA, told, id: makeFinding(sha256, told).id };
}
