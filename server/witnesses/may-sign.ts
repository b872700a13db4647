/**
 * Whether a log may sign, as far as its witnesses go.
 *
 * - At start, nothing is signed until those who have not cosigned the last signed head could form
 *   no quorum: then some witness that confirmed stands in every quorum which might have seen more
 *   (I6). A bare "no" confirms nothing, so it counts with the silent.
 * - Later, nothing is signed while the witnesses that no alarm took out form no quorum.
 *
 * @module
 */
import { LogError } from "../../schema/error.ts";
import {
  type Policy,
  type PolicyWitness,
  quorumWitnesses,
  satisfied,
} from "../../schema/tlog/quorum.ts";
import type { PolicyKind } from "./policy.ts";
import type { Witness } from "./witness.ts";

export interface Leave {
  /** The start is over: enough witnesses have confirmed what was signed last. */
  readonly hasStarted: boolean;
  /** Why nothing may be signed now. */
  readonly refusal: LogError | undefined;
}

/** By what the members of a policy have said so far. A start that is over stays over. */
export function leaveToSign(
  kind: PolicyKind,
  policy: Policy,
  members: readonly Pick<Witness, "keys" | "confirmed" | "isOut">[],
  hadStarted: boolean,
): Leave {
  const { quorum } = policy;
  if (quorum === undefined) return { hasStarted: true, refusal: undefined };
  const of = (test: (witness: (typeof members)[number]) => boolean): ReadonlySet<string> =>
    new Set(members.filter(test).flatMap(({ keys }) => keys.map(({ vkeyText }) => vkeyText)));
  const confirmed = of((witness) => witness.confirmed);
  const out = of((witness) => witness.isOut);
  const hasStarted = hadStarted || !satisfied(quorum, ({ vkeyText }) => !confirmed.has(vkeyText));
  const names = (test: (key: PolicyWitness) => boolean): string =>
    quorumWitnesses(policy)
      .filter(test)
      .map(({ name }) => name)
      .join(", ");
  if (!hasStarted)
    return {
      hasStarted,
      refusal: silent(
        kind,
        names(({ vkeyText }) => !confirmed.has(vkeyText)),
      ),
    };
  if (!satisfied(quorum, ({ vkeyText }) => !out.has(vkeyText)))
    return {
      hasStarted,
      refusal: noneLeft(
        kind,
        names(({ vkeyText }) => out.has(vkeyText)),
      ),
    };
  return { hasStarted, refusal: undefined };
}

function silent({ many, field }: PolicyKind, missing: string): LogError {
  return new LogError(
    "WITNESSES_SILENT",
    `the log may not sign until its ${many} have confirmed what it signed last; missing: ${missing}`,
    { field, hint: "reads go on; submit again when /readyz says yes" },
  );
}

function noneLeft({ many, field }: PolicyKind, contradicting: string): LogError {
  return new LogError(
    "WITNESSES_SILENT",
    `no quorum of ${many} remains; contradicting this log: ${contradicting}`,
    { field, hint: "reads go on; docs/operate.md says what such an alarm means" },
  );
}
