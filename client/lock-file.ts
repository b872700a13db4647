/**
 * A lock between processes: a file that only one of them can create.
 *
 * The file names its holder (process, when it was started, machine, a random nonce). When the holder
 * is a process of this machine that no longer lives, the lock is broken, also where another process
 * has its number now (number 1 in a container), and by one process only: whoever creates the
 * marker `<lock>.<nonce>` may remove that very lock, and looks again that it still is the one
 * before it does. A holder on another machine is never judged; we wait, and say whose it is.
 *
 * Assumes a file system where exclusive creation is exclusive (all local ones, NFS since v3).
 *
 * @module
 */
import { randomUUID } from "node:crypto";
import { link, open, readFile, rm, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { kill, pid } from "node:process";
import { LogError } from "../schema/error.ts";

interface Holder {
  readonly pid: number;
  readonly host: string;
  readonly nonce: string;
  /** Tells it from others of its number; absent where the system does not say. */
  readonly started?: string;
}

/** Tries before giving up, a twentieth of a second apart: ten seconds. */
const TRIES = 200;
const PAUSE_MS = 50;

/**
 * Run `work` while holding the lock `path`.
 *
 * @throws {LogError} `FILE_UNREADABLE` where the lock cannot be created, or is held for too long.
 */
export async function withLock<T>(path: string, work: () => Promise<T>): Promise<T> {
  const nonce = randomUUID();
  const started = await startOf(pid);
  await take(path, {
    pid,
    host: hostname(),
    nonce,
    ...(started === undefined ? {} : { started }),
  });
  try {
    return await work();
  } finally {
    // Only our own: had somebody broken the lock, it would be theirs.
    if ((await holderOf(path))?.nonce === nonce) await rm(path, { force: true });
  }
}

async function take(path: string, me: Holder): Promise<void> {
  for (let attempt = 0; attempt < TRIES; attempt++) {
    if (await create(path, me)) return;
    const holder = await holderOf(path);
    if (holder !== undefined && (await isDead(holder, me))) await breakLock(path, holder, me);
    else await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
  const holder = await holderOf(path);
  const whose = holder === undefined ? "somebody" : `process ${holder.pid} on ${holder.host}`;
  throw new LogError("FILE_UNREADABLE", `${path} is held by ${whose}.`, {
    hint: `If that process is gone, remove ${path} and what stands beside it under the same name.`,
  });
}

/**
 * Create the lock with its holder's name in it at once: the name is written to a private file,
 * which is then linked into place. So nobody ever reads a lock that is still being written.
 */
async function create(path: string, me: Holder): Promise<boolean> {
  const draft = `${path}.${me.nonce}.draft`;
  try {
    await writeFile(draft, JSON.stringify(me), { flag: "w", mode: 0o600 });
    await link(draft, path);
    return true;
  } catch (error) {
    if (codeOf(error) === "EEXIST") return false;
    throw new LogError("FILE_UNREADABLE", `The lock ${path} cannot be created.`, { cause: error });
  } finally {
    await rm(draft, { force: true });
  }
}

async function holderOf(path: string): Promise<Holder | undefined> {
  try {
    const value: unknown = JSON.parse(await readFile(path, "utf8"));
    return isHolder(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function isHolder(value: unknown): value is Holder {
  return (
    typeof value === "object" &&
    value !== null &&
    "pid" in value &&
    typeof value.pid === "number" &&
    "host" in value &&
    typeof value.host === "string" &&
    "nonce" in value &&
    typeof value.nonce === "string" &&
    /^[0-9a-f-]{36}$/.test(value.nonce) &&
    (!("started" in value) || typeof value.started === "string")
  );
}

async function isDead(holder: Holder, me: Holder): Promise<boolean> {
  if (holder.host !== me.host) return false;
  try {
    kill(holder.pid, 0);
  } catch (error) {
    return codeOf(error) === "ESRCH";
  }
  if (holder.started === undefined) return false;
  const started = await startOf(holder.pid);
  return started !== undefined && started !== holder.started;
}

/** The boot and the tick in which a process was started, where Linux says so (proc(5), field 22). */
async function startOf(process: number): Promise<string | undefined> {
  try {
    const boot = await readFile("/proc/sys/kernel/random/boot_id", "latin1");
    const stat = await readFile(`/proc/${process}/stat`, "latin1");
    // Field 2 is the name in parentheses, which may have both spaces and parentheses in it.
    const tick = stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19];
    return tick === undefined ? undefined : `${boot.trim()} ${tick}`;
  } catch {
    return undefined;
  }
}

async function breakLock(path: string, dead: Holder, me: Holder): Promise<void> {
  const marker = `${path}.${dead.nonce}`;
  try {
    await (await open(marker, "wx", 0o600)).close();
  } catch {
    // Somebody else is breaking it, or died doing so: wait, and in the end say so.
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    return;
  }
  try {
    if ((await holderOf(path))?.nonce === dead.nonce && (await isDead(dead, me))) await rm(path);
  } finally {
    await rm(marker, { force: true });
  }
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && "code" in error ? error.code : undefined;
}
