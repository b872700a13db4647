/**
 * Three witnesses, each with its own key and operator, and the policy that asks for two of them.
 */
import { writeFileSync } from "node:fs";
import { freePort, good, type Workplace } from "./tools.ts";

/** One has an Ed25519 key, one an ML-DSA-44 key, one has both. */
const TYPES = { oslo: "--type ed25519", quito: "--type ml-dsa-44", perth: "" } as const;

interface Witnesses {
  readonly stop: () => Promise<void>;
  /** What starts them again, as it is typed. */
  readonly lines: readonly string[];
}

/** Start them for the log of this key. The policy becomes the file `policy`. */
export async function startWitnesses(work: Workplace, vkey: string): Promise<Witnesses> {
  const started = await Promise.all(
    Object.entries(TYPES).map(async ([name, type]) => startOne(work, name, type, vkey)),
  );
  const groups = started.map(({ policy }) => nameOf(policy.at(-1) ?? ""));
  const policy = [
    ...started.flatMap((one) => one.policy),
    `group two-of-three 2 ${groups.join(" ")}`,
    "quorum two-of-three",
    "",
  ];
  writeFileSync(work.path("policy"), policy.join("\n"));
  good(`three witnesses: ${groups.join(", ")}; a head needs two of them`);
  return {
    stop: async () => {
      for (const { stop } of started) await stop();
    },
    lines: started.map(({ line }) => line),
  };
}

interface Started {
  readonly stop: () => Promise<void>;
  readonly line: string;
  /** Its lines of a policy; the last one defines what counts as its voice. */
  readonly policy: readonly string[];
}

async function startOne(
  work: Workplace,
  name: string,
  type: string,
  vkey: string,
): Promise<Started> {
  const made = await work.countersign(
    `witness init --name ${name}.example --folder ${name} ${type} --json`,
    { quiet: name !== "oslo" },
  );
  writeFileSync(work.path(name, "logs.txt"), `log ${vkey}\n`);
  const port = await freePort();
  const place = ["--folder", name, "--listen", `127.0.0.1:${port}`, "--metrics", "off"];
  const stop = await work.serve("witness", "serve", ...place, "--level", "warn");
  const url = `http://127.0.0.1:${port}`;
  const policy = texts(made.stdout, "policy").map((line) =>
    line.startsWith("witness ") ? `${line} ${url}` : line,
  );
  return { stop, line: `countersign witness serve ${place.join(" ")} &`, policy };
}

/** The name that a line of a policy defines. */
function nameOf(line: string): string {
  return line.split(" ")[1] ?? "";
}

/** A list of texts in a JSON answer. */
export function texts(json: string, name: string): string[] {
  const answer: unknown = JSON.parse(json);
  const list = typeof answer === "object" && answer !== null ? Reflect.get(answer, name) : [];
  return Array.isArray(list) ? list.map(String) : [];
}
