/**
 * The part of mapfn that depends on what a content is: one function for each reading.
 *
 * Spec: docs/mapfn-v1.md, section by section in the order of this file.
 *
 * @module
 */
import { fromHex, toHex } from "../bytes.ts";
import type { Leaf } from "../entry/leaf.ts";
import type { Reading } from "../entry/reading.ts";
import type { Statement, Subject } from "../entry/statement.ts";
import { type GitContent, gitObjectId, rebuildGitObject } from "../git/object.ts";
import { canonicalJson } from "../json.ts";
import type { Common } from "../predicate/common.ts";
import type { DigestSet } from "../predicate/forms.ts";
import type { KnownPredicate } from "../predicate/registry.ts";
import type { SlsaProvenance } from "../predicate/slsa-provenance.ts";
import type { Hash } from "../tlog/hash.ts";
import {
  canonicalDigest,
  canonicalPurl,
  canonicalRepository,
  isDerivation,
  isStorePath,
} from "./canonical.ts";
import type { IndexedLog, MapHashes } from "./mapfn.ts";
import type { PostingSet } from "./posting-set.ts";

export interface ContentContext {
  readonly hashes: MapHashes;
  readonly log: IndexedLog;
  readonly leaf: Leaf;
  readonly signer: Hash;
  /** SHA-256 of the content. */
  readonly digest: Hash;
  readonly content: Uint8Array;
  readonly reading: Reading;
}

export function postContent(set: PostingSet, context: ContentContext): void {
  const { reading, signer } = context;
  switch (reading.kind) {
    case "statement":
      postStatement(set, context, reading.statement);
      return;
    case "git-commit":
    case "git-tag":
    case "push-certificate":
      postGit(set, context, reading.object);
      return;
    case "checksum-file":
      for (const { algorithm, digest } of reading.lines)
        postSubject(set, signer, algorithm, digest);
      return;
    case "simple-signing":
      postSubject(set, signer, "sha256", reading.signing.manifestDigest);
      return;
    case "log-statement":
    case "pae":
    case "opaque":
      return;
  }
}

function postSubject(set: PostingSet, signer: Hash, algorithm: string, digest: string): void {
  const field = canonicalDigest(algorithm, digest);
  set.post("subject", [algorithm, field]);
  set.post("subject-by", [signer, algorithm, field]);
}

/** A commit, tag or push certificate: its ids as git and as SHA-256 have them, and what it names. */
function postGit(set: PostingSet, context: ContentContext, object: GitContent): void {
  const { signer } = context;
  if (object.type === "push-certificate") {
    postPush(set, context, object);
    return;
  }
  const raw = wholeObject(context);
  if (raw !== undefined) postObject(set, context, object.type, raw);
  if (object.type === "commit") postSubject(set, signer, "gitTree", object.tree);
  else postSubject(set, signer, TAGGED[object.objectType], object.object);
}

const TAGGED = { commit: "gitCommit", tree: "gitTree", blob: "gitBlob", tag: "gitTag" } as const;

/** The object with its signature back in its place; a content that was signed from outside is whole. */
function wholeObject({ leaf, content }: ContentContext): Uint8Array | undefined {
  if (leaf.kind !== "countersign" || leaf.git === undefined) return content;
  const raw = rebuildGitObject(content, leaf.git);
  return raw.ok ? raw.value : undefined;
}

function postObject(
  set: PostingSet,
  { hashes }: ContentContext,
  type: "commit" | "tag",
  raw: Uint8Array,
): void {
  const idBy = (hashAlgorithm: "sha1" | "sha256"): Uint8Array =>
    fromHex(gitObjectId(hashes.git, { type, hashAlgorithm }, raw)) ?? new Uint8Array(0);
  const sha1 = idBy("sha1");
  set.post(`git-${type}`, [sha1]);
  set.post(`git-${type}`, [idBy("sha256")]);
  set.post("git-content", [sha1], hashes.sha256(raw));
}

/** A push certificate names refs of the repository it was pushed to, where it says which that is. */
function postPush(
  set: PostingSet,
  { signer }: ContentContext,
  { pushee, updates }: Extract<GitContent, { readonly type: "push-certificate" }>,
): void {
  const repository = pushee === undefined ? undefined : canonicalRepository(pushee);
  if (repository !== undefined) set.post("repo", [repository]);
  for (const { ref, newId } of updates) {
    if (repository !== undefined) postRef(set, signer, repository, ref, newId);
    if (!isZero(newId)) postSubject(set, signer, "gitObject", newId);
  }
}

function postRef(set: PostingSet, signer: Hash, repository: string, ref: string, id: string): void {
  const value = fromHex(id) ?? id;
  set.post("ref", [repository, ref]);
  set.post("ref-value", [repository, ref], value);
  set.post("ref-by", [signer, repository, ref], value);
}

function isZero(id: string): boolean {
  return /^0+$/.test(id);
}

/** A statement that is meant for another log is only bytes in this one. */
function postStatement(set: PostingSet, context: ContentContext, statement: Statement): void {
  const { signer, log } = context;
  const { subject } = statement;
  // This mapfn knows the types of its document and no other.
  const known = statement.known?.kind === "added" ? undefined : statement.known;
  const common = known === undefined || known.kind === "slsa-provenance" ? undefined : known.value;
  if (common?.log !== undefined && !log.vkeys.includes(common.log)) return;
  for (const one of subject) {
    for (const [algorithm, digest] of Object.entries(one.digest))
      postSubject(set, signer, algorithm, digest);
    postNames(set, one);
  }
  if (common !== undefined) postCommon(set, context, common);
  if (known !== undefined) postPredicate(set, context, known, subject);
}

/** Names of a subject that are looked up as they are. */
function postNames(set: PostingSet, { name, uri }: Subject): void {
  for (const text of [name, uri]) if (text !== undefined) postName(set, text);
}

function postName(set: PostingSet, text: string): void {
  if (/^pkg:/i.test(text)) set.post("purl", [canonicalPurl(text)]);
  if (isStorePath(text)) set.post("store-path", [text]);
  if (isDerivation(text)) set.post("drv", [text]);
}

function postCommon(
  set: PostingSet,
  { signer, digest }: ContentContext,
  { seq, supersedes }: Common,
): void {
  if (supersedes !== undefined) set.post("superseded", [signer, fromHex(supersedes) ?? supersedes]);
  if (seq !== undefined) set.post("signer-seq", [signer, String(seq)], digest);
}

function postPredicate(
  set: PostingSet,
  context: ContentContext,
  known: Exclude<KnownPredicate, { readonly kind: "added" }>,
  subject: readonly Subject[],
): void {
  const { signer, hashes } = context;
  switch (known.kind) {
    case "commit-review": {
      const { repo, targetRef, base, head, verdict } = known.value;
      const repository = canonicalRepository(repo.uri);
      set.post("repo", [repository]);
      set.post("ref", [repository, targetRef]);
      const slot = [signer, repository, targetRef, id(base.gitCommit), id(head.gitTree)];
      // A withdrawal is how a contradiction is resolved, never a value of its own.
      set.post("verdict-by", slot, verdict === "withdraw" ? undefined : verdict);
      return;
    }
    case "build-result": {
      const { inputsDigest, input, system, builder, output } = known.value;
      set.post("builder", [builder.operator]);
      for (const text of Object.values(input)) postName(set, text);
      for (const { name, digest } of output)
        postOutput(set, signer, { inputs: id(inputsDigest), system, name, digest });
      return;
    }
    case "ref-update": {
      const { repo, ref } = known.value;
      const repository = canonicalRepository(repo.uri);
      set.post("repo", [repository]);
      postRef(set, signer, repository, ref, known.value.new);
      return;
    }
    case "release": {
      const { repo, ref, gitCommit, purl } = known.value;
      const repository = canonicalRepository(repo.uri);
      set.post("repo", [repository]);
      set.post("ref", [repository, ref]);
      set.post("release-by", [signer, repository, ref], id(gitCommit));
      if (purl !== undefined) set.post("purl", [canonicalPurl(purl)]);
      return;
    }
    case "slsa-provenance": {
      set.post("builder", [known.value.runDetails.builder.id]);
      const inputs = slsaInputs(hashes, known.value);
      for (const { name = "", digest } of subject)
        postOutput(set, signer, { inputs, system: "", name, digest });
      return;
    }
  }
}

interface Output {
  readonly inputs: Uint8Array;
  readonly system: string;
  readonly name: string;
  readonly digest: DigestSet;
}

/** What came out of one input: for comparing builders, and, by signer, as a promise of each. */
function postOutput(set: PostingSet, signer: Hash, { inputs, system, name, digest }: Output): void {
  for (const [algorithm, text] of Object.entries(digest)) {
    const value = canonicalDigest(algorithm, text);
    set.post("output", [algorithm, inputs, system, name], value);
    set.post("output-by", [signer, algorithm, inputs, system, name], value);
  }
}

/** SHA-256 of what SLSA calls the inputs of a build. */
function slsaInputs(hashes: MapHashes, { buildDefinition }: SlsaProvenance): Hash {
  const { buildType, externalParameters, resolvedDependencies } = buildDefinition;
  const dependencies = resolvedDependencies
    .map(({ uri = "", digest = {} }) => ({ uri, digest }))
    .map((one) => ({ one, text: toHex(canonicalJson(one)) }))
    .toSorted((a, b) => (a.text < b.text ? -1 : a.text > b.text ? 1 : 0))
    .map(({ one }) => one);
  return hashes.sha256(
    canonicalJson({ buildType, externalParameters, resolvedDependencies: dependencies }),
  );
}

function id(hex: string): Uint8Array {
  return fromHex(hex) ?? new Uint8Array(0);
}
