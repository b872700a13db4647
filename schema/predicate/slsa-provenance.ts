/**
 * `https://slsa.dev/provenance/v1`, as SLSA defines it: how an artifact was built. Only what
 * the specification requires is required; everything else is kept and not read. Digests of
 * dependencies may be in any form: others wrote them.
 *
 * Shape: slsa-provenance.schema.json. Spec: SLSA v1.2, Build: Provenance.
 *
 * @module
 */
import type { Fields } from "../fields.ts";
import type { JsonObject } from "../json.ts";
import { type DigestSet, present } from "./forms.ts";
import type { PredicateKind } from "./predicate.ts";

export const SLSA_PROVENANCE_TYPE = "https://slsa.dev/provenance/v1";

export interface SlsaDependency {
  readonly uri?: string;
  readonly digest?: DigestSet;
}

export interface SlsaProvenance {
  readonly buildDefinition: {
    readonly buildType: string;
    readonly externalParameters: JsonObject;
    readonly resolvedDependencies: readonly SlsaDependency[];
  };
  readonly runDetails: { readonly builder: { readonly id: string } };
}

export const slsaProvenance: PredicateKind<SlsaProvenance> = {
  predicateType: SLSA_PROVENANCE_TYPE,
  read,
  // Its subjects are the outputs; nothing in the predicate repeats them.
  check: () => undefined,
};

function read(fields: Fields): SlsaProvenance {
  const definition = fields.object("buildDefinition");
  const builder = fields.object("runDetails").object("builder");
  const dependencies = definition.optional("resolvedDependencies", (name) =>
    definition.objects(name),
  );
  return {
    buildDefinition: {
      buildType: definition.string("buildType", { min: 1 }),
      externalParameters: definition.object("externalParameters").raw,
      resolvedDependencies: (dependencies ?? []).map(readDependency),
    },
    runDetails: { builder: { id: builder.string("id", { min: 1 }) } },
  };
}

function readDependency(dependency: Fields): SlsaDependency {
  return present({
    uri: dependency.optional("uri", (name) => dependency.string(name)),
    digest: dependency.optional("digest", (name) => {
      const digest = dependency.object(name);
      return Object.fromEntries(Object.keys(digest.raw).map((key) => [key, digest.string(key)]));
    }),
  });
}
