/**
 * `attest build`: what came out of a build.
 *
 * @module
 */
import { LogError, unwrap } from "../../schema/error.ts";
import { isJsonObject, parseJson } from "../../schema/json.ts";
import { MAX_CONTENT_BYTES } from "../../schema/limits.ts";
import {
  BUILD_RESULT_TYPE,
  type BuildInput,
  inputsDigest,
} from "../../schema/predicate/build-result.ts";
import { SLSA_PROVENANCE_TYPE } from "../../schema/predicate/slsa-provenance.ts";
import { nodeCrypto } from "../crypto/node.ts";
import { namedDigests } from "./artifacts.ts";
import { attest, commonFields, given, STATEMENT_OPTIONS } from "./attest.ts";
import type { Arguments, Command } from "./command.ts";
import { readBytes } from "./files.ts";
import type { ExitStatus, Io } from "./io.ts";
import { pair } from "./options.ts";

export const attestBuild: Command = {
  name: "attest build",
  summary: "Sign what came out of a build.",
  about: [
    "Two builders agree when they sign the same artifacts for the same input. With --provenance the predicate of a SLSA provenance v1 file is signed as it is, and --artifact names its subjects.",
  ],
  positionals: [],
  options: {
    artifact: {
      type: "string",
      value: "NAME=FILE",
      help: "what came out: a file, which is hashed, or NAME=sha256:HEX",
      required: true,
      multiple: true,
    },
    input: {
      type: "string",
      value: "KIND=VALUE",
      help: "what was built: gitCommit=ID, nixDrv=…, ociBuild=…, guixVersion=…",
    },
    operator: { type: "string", value: "NAME", help: "who runs the builder" },
    system: { type: "string", value: "NAME", help: "what it was built for, e.g. x86_64-linux" },
    "cpu-vendor": { type: "string", value: "NAME", help: "processor of the builder" },
    os: { type: "string", value: "NAME", help: "operating system of the builder" },
    runtime: { type: "string", value: "NAME", help: "what ran the build, e.g. docker 28" },
    deterministic: {
      type: "boolean",
      help: "promise that this input always gives these bytes: a second output then convicts you",
    },
    "reproduced-from": {
      type: "string",
      value: "URI",
      help: "the build that was reproduced",
    },
    provenance: {
      type: "string",
      value: "FILE",
      help: "sign this SLSA provenance v1 predicate in place of a build result",
    },
    ...STATEMENT_OPTIONS,
  },
  examples: [
    {
      what: "a build of a commit, logged at once",
      line: "countersign attest build --input gitCommit=4b825dc642cb6eb9a060e54bf8d69288fbee4904 --artifact tool.tar=dist/tool.tar --operator ada --system x86_64-linux --key builder.pem --trust trust.toml",
    },
    {
      what: "provenance that a build service wrote",
      line: "countersign attest build --provenance provenance.json --artifact tool.tar=dist/tool.tar --key builder.pem -o build.submission.json",
    },
  ],
  run: build,
};

async function build(args: Arguments, io: Io): Promise<ExitStatus> {
  const artifacts = await namedDigests(io, "artifact", args.list("artifact"));
  const file = args.value("provenance");
  if (file !== undefined) {
    const json = unwrap(parseJson(await readBytes(io, file, MAX_CONTENT_BYTES)));
    if (!isJsonObject(json))
      throw new LogError("STATEMENT_INVALID", `${file} is no SLSA provenance predicate`, {
        field: file,
        expected: "an object with buildDefinition and runDetails",
      });
    return attest(args, io, SLSA_PROVENANCE_TYPE, artifacts, json);
  }
  const input = inputOf(args);
  const from = args.value("reproduced-from");
  const predicate = given({
    input,
    inputsDigest: inputsDigest(nodeCrypto.sha256, input),
    output: artifacts,
    system: args.need("system"),
    builder: given({
      operator: args.need("operator"),
      cpuVendor: args.value("cpu-vendor"),
      os: args.value("os"),
      runtime: args.value("runtime"),
    }),
    deterministic: args.flag("deterministic"),
    reproducedFrom: from === undefined ? undefined : { uri: from },
    ...commonFields(args),
  });
  return attest(args, io, BUILD_RESULT_TYPE, artifacts, predicate);
}

function inputOf(args: Arguments): BuildInput {
  const [kind, value] = pair("input", args.need("input"));
  return { [kind]: value };
}
