/**
 * `urn:countersign:build-result:v1`: what one builder got out of one input.
 *
 * Builders agree where they name the same input and system and get the same digests. So the
 * input is exactly one thing, its digest is computed and not believed, and the subjects are
 * exactly the outputs.
 *
 * Shape: build-result.schema.json. Spec: docs/formats.md §Statements.
 *
 * @module
 */
import { toHex } from "../bytes.ts";
import type { Fields } from "../fields.ts";
import { canonicalJson } from "../json.ts";
import type { Sha256 } from "../tlog/hash.ts";
import { type Common, checkCommon, readCommon } from "./common.ts";
import {
  type Artifact,
  artifacts,
  contradiction,
  type DigestSet,
  digestSet,
  GIT_ID,
  NAME,
  optionalText,
  present,
  SHA256_HEX,
  text,
  URI,
} from "./forms.ts";
import type { PredicateContext, PredicateKind, Subject } from "./predicate.ts";

export const BUILD_RESULT_TYPE = "urn:countersign:build-result:v1";

/** One member: what kind of input (`gitCommit`, `nixDrv`, `ociBuild`, `guixVersion`, …), and which. */
export type BuildInput = Readonly<Record<string, string>>;

export interface BuildResult extends Common {
  readonly input: BuildInput;
  /** SHA-256 (hex) of the input's RFC 8785 JSON. */
  readonly inputsDigest: string;
  readonly output: readonly Artifact[];
  /** What it was built for, e.g. `x86_64-linux`. */
  readonly system: string;
  readonly builder: {
    /** Who runs the builder. */
    readonly operator: string;
    readonly cpuVendor?: string;
    readonly os?: string;
    readonly runtime?: string;
  };
  /** Whether the builder claims that this input can only give this output. */
  readonly deterministic: boolean;
  /** The build that was repeated. */
  readonly reproducedFrom?: { readonly uri?: string; readonly digest?: DigestSet };
}

export const buildResult: PredicateKind<BuildResult> = {
  predicateType: BUILD_RESULT_TYPE,
  read,
  check,
};

/** The digest under which builders of the same input meet: SHA-256 of its RFC 8785 JSON, in hex. */
export function inputsDigest(sha256: Sha256, input: BuildInput): string {
  return toHex(sha256(canonicalJson(input)));
}

function read(fields: Fields): BuildResult {
  const builder = fields.object("builder");
  return {
    ...readCommon(fields),
    input: readInput(fields),
    inputsDigest: text(fields, "inputsDigest", SHA256_HEX),
    output: artifacts(fields, "output", 1),
    system: text(fields, "system", NAME),
    builder: {
      operator: text(builder, "operator", NAME),
      ...present({
        cpuVendor: optionalText(builder, "cpuVendor", NAME),
        os: optionalText(builder, "os", NAME),
        runtime: optionalText(builder, "runtime", NAME),
      }),
    },
    deterministic: fields.boolean("deterministic"),
    ...present({
      reproducedFrom: fields.optional("reproducedFrom", () => readReproduced(fields)),
    }),
  };
}

const INPUT_KIND = /^[A-Za-z][A-Za-z0-9]{0,63}$/;
const INPUT_VALUE = { ...NAME, max: 4096, expected: "1 to 4096 characters" };

function readInput(fields: Fields): BuildInput {
  const input = fields.object("input");
  const [kind, ...more] = Object.keys(input.raw);
  if (kind === undefined || more.length > 0 || !INPUT_KIND.test(kind))
    return fields.refuse("input", "exactly one member, whose name is the kind of input");
  return { [kind]: text(input, kind, kind === "gitCommit" ? GIT_ID : INPUT_VALUE) };
}

function readReproduced(fields: Fields): NonNullable<BuildResult["reproducedFrom"]> {
  const from = fields.object("reproducedFrom");
  if (!from.has("uri") && !from.has("digest"))
    fields.refuse("reproducedFrom", "an object with uri, digest or both");
  return present({
    uri: optionalText(from, "uri", URI),
    digest: from.optional("digest", (name) => digestSet(from, name)),
  });
}

function check(result: BuildResult, context: PredicateContext): void {
  checkCommon(context.sha256, result, context.fields);
  const digest = inputsDigest(context.sha256, result.input);
  if (result.inputsDigest !== digest)
    contradiction(
      context.fields.name("inputsDigest"),
      "The inputsDigest is not the digest of the input.",
      `SHA-256 of the RFC 8785 JSON of predicate.input: ${digest}`,
    );
  checkArtifacts(result.output, context.subject, context, "output");
}

/** Inside `readFields`: the subjects are exactly these artifacts, by name and digests. */
export function checkArtifacts(
  made: readonly Artifact[],
  subject: readonly Subject[],
  context: PredicateContext,
  field: string,
): void {
  const keys = (things: readonly Subject[]): Set<string> => new Set(things.map(artifactKey));
  const named = keys(subject);
  const expected = keys(made);
  made.forEach((artifact, i) => {
    if (!named.has(artifactKey(artifact)))
      contradiction(
        `${context.fields.name(field)}[${i}]`,
        "This artifact is not a subject of the statement.",
        `a subject with the name and digests of predicate.${field}[${i}]`,
      );
  });
  subject.forEach((item, i) => {
    if (!expected.has(artifactKey(item)))
      contradiction(
        `${context.subjectPath}[${i}]`,
        `This subject is not in predicate.${field}.`,
        `only what predicate.${field} names, by name and digests`,
      );
  });
}

function artifactKey(artifact: Subject): string {
  const digests = Object.entries(artifact.digest).sort(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify([artifact.name ?? null, digests]);
}
