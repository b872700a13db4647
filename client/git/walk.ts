/**
 * Which commits and tags a range of a repository holds, oldest first.
 *
 * @module
 */
import { createInterface } from "node:readline";
import { LogError } from "../../schema/error.ts";
import type { RawObject } from "./objects.ts";
import { readObjects } from "./objects.ts";
import type { GitRepository } from "./process.ts";
import { finished, runGit, startGit } from "./process.ts";

/** Branches, tags, remote branches and HEAD: what a reader of the repository would see. */
const EVERYTHING: readonly string[] = ["--branches", "--tags", "--remotes"];

/** How often a tag may point to a tag. */
const MAX_TAG_CHAIN = 16;

/**
 * Ids of the commits of `range` (as `git rev-list` reads it: `v1..v2`, `main`), oldest first.
 * Without a range: everything that branches, tags and HEAD reach.
 */
export async function* commitIds(
  repository: GitRepository,
  range: string | undefined,
): AsyncGenerator<string> {
  const args = ["rev-list", "--topo-order", "--reverse", ...(await revisions(repository, range))];
  const child = startGit(repository, args);
  const done = finished(child, args);
  child.stdin.end();
  try {
    for await (const line of createInterface({ input: child.stdout })) yield line;
    await done;
  } finally {
    child.kill();
  }
}

async function revisions(repository: GitRepository, range: string | undefined): Promise<string[]> {
  if (range === undefined)
    return [...EVERYTHING, ...((await resolveRevision(repository, "HEAD")) ?? []), "--"];
  if (range === "" || range.startsWith("-"))
    throw new LogError("USAGE", `"${range}" is not a range of commits`, {
      field: "range",
      expected: "what git rev-list takes: a revision, or two as OLD..NEW",
    });
  return ["--end-of-options", range, "--"];
}

/** The object id of a revision as a list of one, or `undefined` where there is none. */
async function resolveRevision(
  repository: GitRepository,
  revision: string,
): Promise<[string] | undefined> {
  const args = ["rev-parse", "--verify", "--quiet", "--end-of-options", revision];
  try {
    const id = (await runGit(repository, args)).at(-1);
    return id === undefined ? undefined : [id];
  } catch {
    return undefined;
  }
}

/** The one object of a revision such as `HEAD`, `v1.0` or an id. Throws FILE_UNREADABLE. */
export async function readRevision(
  repository: GitRepository,
  revision: string,
  maxBytes: number,
): Promise<RawObject & { readonly bytes: Uint8Array }> {
  const id = await resolveRevision(repository, revision);
  if (id === undefined)
    throw new LogError("FILE_UNREADABLE", `the repository has no object "${revision}"`, {
      field: "revision",
    });
  for await (const object of readObjects(repository, id, maxBytes))
    if (object.bytes === undefined)
      throw new LogError("TOO_LARGE", `the object ${object.id} is too large`, {
        field: "revision",
        limit: maxBytes,
      });
    else return { ...object, bytes: object.bytes };
  throw new LogError("FILE_UNREADABLE", `git does not show the object "${revision}"`, {
    field: "revision",
  });
}

/**
 * Ids of the annotated tags whose commit is in `commits` (of all where it is `undefined`), with
 * the tags that they tag. Holds no object: how large and how many tags are is a stranger's choice.
 */
export async function tagIds(
  repository: GitRepository,
  commits: ReadonlySet<string> | undefined,
  maxBytes: number,
): Promise<string[]> {
  const lines = await runGit(repository, [
    "for-each-ref",
    "--format=%(objecttype) %(objectname)",
    "refs/tags",
  ]);
  const found = new Map<string, TagTarget>();
  let wanted = lines.filter((line) => line.startsWith("tag ")).map((line) => line.slice(4));
  const roots = [...wanted];
  for (let depth = 0; wanted.length > 0 && depth < MAX_TAG_CHAIN; depth++) {
    const ids = [...new Set(wanted)].filter((id) => !found.has(id));
    wanted = [];
    for await (const object of readObjects(repository, ids, maxBytes)) {
      const target = tagTarget(object.bytes);
      found.set(object.id, target);
      if (target.type === "tag") wanted.push(target.id);
    }
  }
  const chosen = new Set<string>();
  for (const root of roots) {
    const chain = chainFrom(root, found);
    const last = found.get(chain.at(-1) ?? "");
    if (commits === undefined || (last?.type === "commit" && commits.has(last.id)))
      for (const id of chain) chosen.add(id);
  }
  return [...chosen];
}

interface TagTarget {
  readonly id: string;
  readonly type: string;
}

function chainFrom(root: string, found: ReadonlyMap<string, TagTarget>): string[] {
  const chain: string[] = [];
  let next: string | undefined = root;
  for (let depth = 0; next !== undefined && depth < MAX_TAG_CHAIN; depth++) {
    const target = found.get(next);
    if (target !== undefined) chain.push(next);
    next = target?.type === "tag" ? target.id : undefined;
  }
  return chain;
}

function tagTarget(bytes: Uint8Array | undefined): TagTarget {
  const head = new TextDecoder().decode(bytes?.subarray(0, 256) ?? new Uint8Array(0));
  const match = /^object ([0-9a-f]{40,64})\ntype (\w+)\n/.exec(head);
  return { id: match?.[1] ?? "", type: match?.[2] ?? "" };
}
