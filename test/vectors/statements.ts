/** One good example of each content that is read, for vectors and tests. */
import { nodeCrypto } from "../../client/crypto/node.ts";
import { utf8 } from "../../schema/bytes.ts";
import { canonicalJson, type JsonObject, type JsonValue } from "../../schema/json.ts";
import { inputsDigest } from "../../schema/predicate/build-result.ts";

export const COMMIT = "4b825dc642cb6eb9a060e54bf8d69288fbee4904";
export const TREE = "9bdb7727ff25fa97378c1a35b1f4a1f2a9c3b1d0";
export const PARENT = "1f7a7a472abf3dd9643fd615f6da379c4acb3e3a";
export const FILE_SHA256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
export const OTHER_SHA256 = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";
export const REPOSITORY = "https://git.example.test/project.git";

/** A statement in parts that tests can change. */
export type StatementParts = {
  readonly _type: string;
  readonly subject: readonly JsonValue[];
  readonly predicateType: string;
  readonly predicate: JsonObject;
};

const STATEMENT = "https://in-toto.io/Statement/v1";

export function review(changes: JsonObject = {}): StatementParts {
  return {
    _type: STATEMENT,
    subject: [{ digest: { gitCommit: COMMIT } }, { digest: { gitTree: TREE } }],
    predicateType: "urn:countersign:commit-review:v1",
    predicate: {
      repo: { uri: REPOSITORY },
      targetRef: "refs/heads/main",
      base: { gitCommit: PARENT },
      head: { gitCommit: COMMIT, gitTree: TREE },
      patchId: "0123456789abcdef0123456789abcdef01234567",
      verdict: "approve",
      scope: "change",
      criteria: ["https://example.test/criteria/safe-to-deploy"],
      thoroughness: "high",
      understanding: "medium",
      comment: "Ran the tests; “naïve” path is covered. 👍",
      reviewLink: "https://git.example.test/project/pull/7",
      reviewedAt: "2026-11-22T10:00:00Z",
      ...changes,
    },
  };
}

export function build(changes: JsonObject = {}): StatementParts {
  const input = { gitCommit: COMMIT };
  const output = [{ name: "tool.tar", digest: { sha256: FILE_SHA256 } }];
  return {
    _type: STATEMENT,
    subject: output,
    predicateType: "urn:countersign:build-result:v1",
    predicate: {
      input,
      inputsDigest: inputsDigest(nodeCrypto.sha256, input),
      output,
      system: "x86_64-linux",
      builder: { operator: "builder one", cpuVendor: "AMD", os: "linux", runtime: "node 24" },
      deterministic: true,
      reproducedFrom: { uri: "https://example.test/releases/tool-1.0.0.tar" },
      ...changes,
    },
  };
}

export function refUpdate(changes: JsonObject = {}): StatementParts {
  return {
    _type: STATEMENT,
    subject: [{ digest: { gitCommit: COMMIT } }],
    predicateType: "urn:countersign:ref-update:v1",
    predicate: {
      repo: { uri: REPOSITORY },
      ref: "refs/heads/main",
      old: PARENT,
      new: COMMIT,
      immutable: false,
      number: 41,
      seq: 3,
      prev: OTHER_SHA256,
      ...changes,
    },
  };
}

export function release(changes: JsonObject = {}): StatementParts {
  const artifacts = [{ name: "tool-1.0.0.tar", digest: { sha256: FILE_SHA256 } }];
  return {
    _type: STATEMENT,
    subject: [{ digest: { gitCommit: COMMIT } }, ...artifacts],
    predicateType: "urn:countersign:release:v1",
    predicate: {
      repo: { uri: REPOSITORY },
      ref: "refs/tags/v1.0.0",
      gitCommit: COMMIT,
      purl: "pkg:generic/tool@1.0.0",
      artifacts,
      immutable: true,
      ...changes,
    },
  };
}

export function provenance(changes: JsonObject = {}): StatementParts {
  return {
    _type: STATEMENT,
    subject: [{ name: "tool.tar", digest: { sha256: FILE_SHA256 } }],
    predicateType: "https://slsa.dev/provenance/v1",
    predicate: {
      buildDefinition: {
        buildType: "https://example.test/build/v1",
        externalParameters: { ref: "refs/heads/main" },
        resolvedDependencies: [{ uri: `git+${REPOSITORY}`, digest: { gitCommit: COMMIT } }],
      },
      runDetails: { builder: { id: "https://example.test/builder" } },
      ...changes,
    },
  };
}

/** A type that nobody here knows. */
export function unknownStatement(): StatementParts {
  return {
    _type: STATEMENT,
    subject: [{ name: "tool.tar", digest: { sha256: FILE_SHA256 } }],
    predicateType: "https://example.test/weather/v1",
    predicate: { sunny: true },
  };
}

export function payload(statement: StatementParts | JsonObject): Uint8Array {
  const json: JsonObject = { ...statement };
  return canonicalJson(json);
}

export const UNSIGNED_COMMIT: string = `tree ${TREE}
parent ${PARENT}
author Ada Example <ada@example.test> 1795341600 +0000
committer Ada Example <ada@example.test> 1795341600 +0000

Add the tool
`;

export const UNSIGNED_TAG: string = `object ${COMMIT}
type commit
tag v1.0.0
tagger Ada Example <ada@example.test> 1795341600 +0000

Version 1.0.0
`;

export const UNSIGNED_PUSH: string = `certificate version 0.1
pusher key::ssh-ed25519 1795341600 +0000
pushee ${REPOSITORY}
nonce 1795341600-0123456789

${PARENT} ${COMMIT} refs/heads/main
`;

export const CHECKSUMS: Uint8Array = utf8(
  `${FILE_SHA256}  tool-1.0.0.tar\n${OTHER_SHA256} *tool-1.0.0.zip\n`,
);

export const SIMPLE_SIGNING: Uint8Array = utf8(
  JSON.stringify({
    critical: {
      identity: { "docker-reference": "registry.example.test/tool" },
      image: { "docker-manifest-digest": `sha256:${FILE_SHA256}` },
      type: "atomic container signature",
    },
    optional: null,
  }),
);
